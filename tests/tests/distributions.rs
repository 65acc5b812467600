//! Draws of distributions against SciPy's quantiles and probabilities, and the same draws on every engine. Seeds are
//! fixed: what passes once passes always.

use std::sync::Arc;

use headwater::{cpu, ops, CpuEngine, CpuOptions, DType, Device, HostSlice, Result, Scalar, Tensor};
use headwater_cpu::Level;
use headwater_gpu::{GpuEngine, GpuOptions, NativeHost};

const N: usize = 40_000;
/// The 0.999 quantiles of the chi-square distribution, by degrees of freedom from 1.
const CHI_SQUARE: [f64; 10] =
    [10.827566, 13.815511, 16.266236, 18.466827, 20.515006, 22.457744, 24.321886, 26.124482, 27.877165, 29.588298];

/// Whether `draws` fall between `edges` (each the last of its cell) with the probabilities of the cells.
fn fits(name: &str, draws: &[f64], edges: &[f64], probabilities: &[f64]) {
    let mut counts = vec![0.0; edges.len() + 1];
    draws.iter().for_each(|&x| counts[edges.partition_point(|&e| e < x)] += 1.0);
    let distance = |(&count, &p): (&f64, &f64)| {
        let expected = p * draws.len() as f64;
        (count - expected).powi(2) / expected
    };
    let statistic: f64 = counts.iter().zip(probabilities).map(distance).sum();
    assert!(statistic < CHI_SQUARE[edges.len() - 1], "{name}: chi-square {statistic}, counts {counts:?}");
}

/// Whether `draws` fall between a distribution's deciles equally often, with its mean and variance.
fn fits_deciles(name: &str, draws: &Tensor, deciles: &[f64], mean: f64, variance: f64) -> Result<()> {
    let draws = draws.to_host()?.to_f64();
    fits(name, &draws, deciles, &[0.1; 10]);
    moments(name, &draws, mean, variance);
    Ok(())
}

/// The mean within four standard errors, the variance within a tenth.
fn moments(name: &str, draws: &[f64], mean: f64, variance: f64) {
    let n = draws.len() as f64;
    let found = draws.iter().sum::<f64>() / n;
    let spread = draws.iter().map(|x| (x - found).powi(2)).sum::<f64>() / n;
    assert!((found - mean).abs() < 4.0 * (variance / n).sqrt(), "{name}: mean {found} for {mean}");
    assert!((spread / variance - 1.0).abs() < 0.1, "{name}: variance {spread} for {variance}");
}

fn scalar(device: &Device, v: f32) -> Tensor {
    device.scalar(Scalar::F32(v))
}

#[test]
fn continuous_distributions_have_the_quantiles_of_scipy() -> Result<()> {
    let d = &cpu(2);
    let deciles = [0.04214421, 0.08925742, 0.14267, 0.2043302, 0.2772589, 0.3665163, 0.4815891, 0.6437752, 0.921034];
    fits_deciles("exponential", &ops::random_exponential(d, [N], 2.5, 1)?, &deciles, 0.4, 0.16)?;
    let deciles = [-0.8340324, -0.475885, -0.1856268, 0.08742157, 0.3665129, 0.671727, 1.03093, 1.49994, 2.250367];
    fits_deciles("gumbel", &ops::gumbel(d, [N], 2)?, &deciles, 0.577_215_7, 1.644_934)
}

#[test]
fn gamma_draws_have_the_quantiles_of_scipy() -> Result<()> {
    let d = &cpu(2);
    let cases: [(f32, f32, [f64; 9]); 5] = [
        (
            0.05,
            1.0,
            [
                5.844632e-21,
                6.128541e-15,
                2.037897e-11,
                6.426241e-09,
                5.573878e-07,
                2.136934e-05,
                0.0004665637,
                0.006781998,
                0.07631711,
            ],
        ),
        (
            0.4,
            2.0,
            [0.001174439, 0.006696117, 0.01877094, 0.03968094, 0.07253907, 0.1223762, 0.1986286, 0.3227855, 0.5649214],
        ),
        (1.0, 2.5, [0.04214421, 0.08925742, 0.14267, 0.2043302, 0.2772589, 0.3665163, 0.4815891, 0.6437752, 0.921034]),
        (3.7, 1.0, [1.546361, 2.064392, 2.506226, 2.932164, 3.372538, 3.855346, 4.420528, 5.14798, 6.278922]),
        (5000.0, 1.0, [4909.597, 4940.393, 4962.679, 4981.774, 4999.667, 5017.602, 5036.838, 5059.412, 5090.831]),
    ];
    for (i, (alpha, beta, deciles)) in cases.into_iter().enumerate() {
        let draws = ops::random_gamma(&scalar(d, alpha), &scalar(d, beta), [N], i as u32)?;
        let (a, b) = (f64::from(alpha), f64::from(beta));
        fits_deciles(&format!("gamma {alpha}"), &draws, &deciles, a / b, a / (b * b))?;
    }
    Ok(())
}

#[test]
fn poisson_draws_have_the_probabilities_of_scipy() -> Result<()> {
    let d = &cpu(2);
    let cases: [(f32, &[f64], &[f64]); 7] = [
        (0.3, &[0.0, 1.0], &[0.740818, 0.222245, 0.0369363]),
        (
            4.0,
            &[2.0, 3.0, 4.0, 5.0, 6.0, 7.0],
            &[0.238103, 0.195367, 0.195367, 0.156293, 0.104196, 0.0595404, 0.0511336],
        ),
        (
            9.9,
            &[6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 14.0],
            &[0.136574, 0.0927898, 0.114827, 0.12631, 0.125047, 0.112542, 0.0928475, 0.120707, 0.0783547],
        ),
        (
            10.0,
            &[6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0],
            &[0.130141, 0.0900792, 0.112599, 0.12511, 0.12511, 0.113736, 0.0947803, 0.0729079, 0.0520771, 0.0834585],
        ),
        (
            35.0,
            &[28.0, 30.0, 32.0, 33.0, 35.0, 36.0, 38.0, 40.0, 43.0],
            &[0.134277, 0.0926658, 0.117952, 0.0653511, 0.134546, 0.0654045, 0.118854, 0.0958877, 0.0959421, 0.0791198],
        ),
        (
            1000.0,
            &[960.0, 973.0, 983.0, 992.0, 1000.0, 1008.0, 1016.0, 1027.0, 1041.0],
            &[0.105257, 0.0961937, 0.100801, 0.105943, 0.100214, 0.0994245, 0.0925856, 0.107685, 0.0965701, 0.0953253],
        ),
        (
            1e6,
            &[998719.0, 999158.0, 999475.0, 999746.0, 1000000.0, 1000253.0, 1000524.0, 1000842.0, 1001282.0],
            &[
                0.100166, 0.0998816, 0.0999599, 0.0999938, 0.100265, 0.0998534, 0.0999573, 0.100183, 0.0998881,
                0.0998525,
            ],
        ),
    ];
    for (i, (rate, edges, probabilities)) in cases.into_iter().enumerate() {
        let draws = ops::random_poisson(&scalar(d, rate), [N], i as u32)?;
        assert_eq!(draws.dtype(), DType::I32);
        let draws = draws.to_host()?.to_f64();
        fits(&format!("poisson {rate}"), &draws, edges, probabilities);
        moments(&format!("poisson {rate}"), &draws, rate.into(), rate.into());
    }
    Ok(())
}

#[test]
fn whole_numbers_and_classes_come_as_often_as_they_should() -> Result<()> {
    let d = &cpu(2);
    let dice = ops::random_int(d, [N], -3, 4, 1)?.to_host()?.to_f64();
    fits("random_int", &dice, &[-3.0, -2.0, -1.0, 0.0, 1.0, 2.0], &[1.0 / 7.0; 7]);
    let wide = ops::random_int(d, [N], i32::MIN, i32::MAX, 2)?.to_host()?.to_f64();
    let deciles: Vec<f64> = (1..10).map(|i| f64::from(i) * 429_496_729.5 - 2_147_483_648.0).collect();
    fits("random_int of all", &wide, &deciles, &[0.1; 10]);
    let odd = ops::random_int(d, [N], 0, 3_000_000, 3)?.to_host()?.to_f64();
    assert!(odd.iter().all(|&x| (0.0..3e6).contains(&x)));
    fits("random_int's thirds", &odd, &[999_999.0, 1_999_999.0], &[1.0 / 3.0; 3]);

    let p = [0.5f32, 0.2, 0.25, 0.05];
    let logits: Vec<f32> = p.iter().map(|p| p.ln() + 7.0).chain([-100.0, f32::NEG_INFINITY, 3.0, -100.0]).collect();
    let logits = d.tensor(HostSlice::F32(&logits), [2, 4])?;
    let classes = ops::categorical(&logits, N, 4)?;
    assert_eq!(classes.shape()[..], [2, N]);
    let classes = classes.to_host()?.to_f64();
    fits("categorical", &classes[..N], &[0.0, 1.0, 2.0], &p.map(f64::from));
    assert!(classes[N..].iter().all(|&c| c == 2.0));

    let p = d.tensor(HostSlice::F32(&[0.0, 0.3, 1.0, f32::NAN]), [4])?;
    let heads = ops::bernoulli(&p, [N, 4], 5)?.to_host()?.to_f64();
    let share = |column: usize| heads.iter().skip(column).step_by(4).sum::<f64>() / N as f64;
    assert_eq!((share(0), share(2), share(3)), (0.0, 1.0, 0.0));
    assert!((share(1) - 0.3).abs() < 4.0 * (0.21 / N as f64).sqrt(), "{}", share(1));
    Ok(())
}

#[test]
fn a_permutation_has_each_number_once_and_any_place_is_as_likely() -> Result<()> {
    let d = &cpu(2);
    let mut order = ops::permutation(d, 1000, 1)?.to_host()?.to_f64();
    assert_ne!(order[..10], (0..10).map(f64::from).collect::<Vec<_>>()[..]);
    order.sort_by(f64::total_cmp);
    assert_eq!(order, (0..1000).map(f64::from).collect::<Vec<_>>());
    assert_eq!(ops::permutation(d, 0, 1)?.shape()[..], [0]);
    // Which of the 6 orders of three.
    let draw = |seed| -> Result<f64> {
        let p = ops::permutation(d, 3, seed)?.to_host()?.to_f64();
        Ok(p[0] * 2.0 + f64::from(u8::from(p[1] > p[2])))
    };
    let orders = (0..3000).map(draw).collect::<Result<Vec<f64>>>()?;
    fits("permutation", &orders, &[0.0, 1.0, 2.0, 3.0, 4.0], &[1.0 / 6.0; 6]);
    Ok(())
}

#[test]
fn parameters_differ_by_element_and_wrong_ones_are_marked() -> Result<()> {
    let d = &cpu(2);
    let f = |v: &[f32], shape: &[usize]| d.tensor(HostSlice::F32(v), shape);
    let alpha = f(&[0.2, 50.0, 0.0, -1.0, f32::NAN], &[5])?;
    let draws = ops::random_gamma(&alpha, &f(&[1.0, 4.0], &[2, 1])?, [N, 2, 5], 1)?.to_host()?.to_f64();
    let column = |i: usize| draws.iter().skip(i).step_by(10).copied().collect::<Vec<f64>>();
    moments("gamma 0.2", &column(0), 0.2, 0.2);
    moments("gamma 50 / 4", &column(6), 12.5, 50.0 / 16.0);
    assert!(column(2).iter().all(|&x| x == 0.0));
    assert!(column(3).iter().chain(&column(9)).all(|x| x.is_nan()));
    let rates = f(&[0.0, 3.0, 12.0, -1.0, f32::NAN], &[5])?;
    let draws = ops::random_poisson(&rates, [N, 5], 2)?.to_host()?.to_f64();
    let column = |i: usize| draws.iter().skip(i).step_by(5).copied().collect::<Vec<f64>>();
    assert!(column(0).iter().all(|&x| x == 0.0));
    moments("poisson 3", &column(1), 3.0, 3.0);
    moments("poisson 12", &column(2), 12.0, 12.0);
    assert!(column(3).iter().chain(&column(4)).all(|&x| x == -1.0));
    let text = |e: Result<Tensor>| e.expect_err("wrong").to_string();
    assert_eq!(
        text(ops::random_poisson(&rates, [2, 4], 1)),
        "Error in randomPoisson: expected shapes that broadcast together, received [5] and [2,4]"
    );
    assert_eq!(text(ops::random_int(d, [2], 3, 3, 1)), "Error in randomInt: expected low below high, received 3 and 3");
    assert_eq!(
        text(ops::random_exponential(d, [2], 0.0, 1)),
        "Error in randomExponential: expected a positive rate, received 0"
    );
    assert_eq!(
        text(ops::categorical(&f(&[], &[2, 0])?, 3, 1)),
        "Error in multinomial: expected logits of at least one class, received [2,0]"
    );
    Ok(())
}

/// Every distribution's draws.
fn draws(d: &Device) -> Result<Vec<(&'static str, Tensor)>> {
    let logits = d.tensor(HostSlice::F32(&[0.1, 2.0, -1.0, 0.7, 0.0]), [5])?;
    let alpha = d.tensor(HostSlice::F32(&[0.3, 1.0, 20.0]), [3])?;
    let rate = d.tensor(HostSlice::F32(&[0.7, 8.0, 15.0, 4000.0]), [4])?;
    Ok(vec![
        ("random_int", ops::random_int(d, [5000], -7, 1_000_000, 1)?),
        // Software GPUs end loops after 65,535 rounds, which sorting 256 numbers takes.
        ("permutation", ops::permutation(d, 200, 2)?),
        ("bernoulli", ops::bernoulli(&scalar(d, 0.37), [5000], 3)?),
        ("categorical", ops::categorical(&logits, 2000, 4)?),
        ("random_poisson", ops::random_poisson(&rate, [1000, 4], 5)?),
        ("random_exponential", ops::random_exponential(d, [5000], 1.5, 6)?),
        ("gumbel", ops::gumbel(d, [5000], 7)?),
        ("random_gamma", ops::random_gamma(&alpha, &scalar(d, 2.0), [1000, 3], 8)?),
    ])
}

#[test]
fn draws_are_the_same_on_every_engine() -> Result<()> {
    let host =
        |threads, level| Device::new(Arc::new(CpuEngine::new(CpuOptions { threads, level, ..CpuOptions::default() })));
    let gpu = |tiles| -> Result<Arc<GpuEngine>> {
        Ok(Arc::new(GpuEngine::new(Arc::new(NativeHost::new()?), GpuOptions { tiles, ..GpuOptions::default() })))
    };
    let one = draws(&host(1, Level::Best))?;
    let read = |t: &Tensor| t.to_host().map(|h| h.to_f64());
    for (name, device, exact) in [
        ("threads", host(4, Level::Best), true),
        ("scalar", host(1, Level::Scalar), false),
        ("GPU, unfused", Device::unfused(gpu(false)?), false),
        ("GPU", Device::new(gpu(true)?), false),
    ] {
        for ((op, want), (_, got)) in one.iter().zip(draws(&device)?) {
            let (want, got) = (read(want)?, read(&got)?);
            // Logarithms differ in their last digits, from which exp(log(u) / alpha) makes a few.
            let same = |(w, g): (&f64, &f64)| w == g || (!exact && (w - g).abs() <= 4e-6 * w.abs() + 4e-7);
            let different = want.iter().zip(&got).filter(|&pair| !same(pair)).count();
            assert_eq!(different, 0, "{op} on {name}");
        }
    }
    Ok(())
}

#[test]
fn a_draw_does_not_depend_on_how_many_there_are() -> Result<()> {
    let d = &cpu(2);
    let of = |n: usize| -> Result<Vec<Vec<f32>>> {
        let drawn = [
            ops::random_gamma(&scalar(d, 0.8), &scalar(d, 1.0), [n], 1)?,
            ops::random_poisson(&scalar(d, 20.0), [n], 2)?,
            ops::random_int(d, [n], 0, 1000, 3)?,
        ];
        drawn.iter().map(Tensor::to_vec).collect()
    };
    for (few, many) in of(10)?.iter().zip(of(1000)?) {
        assert_eq!(few[..], many[..10]);
    }
    Ok(())
}
