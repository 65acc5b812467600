//! Plans: what fuses, and that fused values are right.

use std::sync::Arc;

use headwater_core::reference::ReferenceEngine;
use headwater_core::{ops, DType, Device, HostSlice, Result, Scalar, Shape, Tensor};

fn device() -> Device {
    Device::new(Arc::new(ReferenceEngine::default()))
}

fn numbers(device: &Device, shape: &[usize], seed: u32) -> Tensor {
    ops::random_uniform(device, shape, -1.0, 1.0, seed).expect("random").computed()
}

trait Computed {
    fn computed(self) -> Tensor;
}

impl Computed for Tensor {
    /// The tensor as a leaf.
    fn computed(self) -> Tensor {
        let host = self.to_host().expect("computes");
        self.device().tensor(host.as_slice(), self.shape()).expect("uploads")
    }
}

/// Kernels that a flush of `f`'s result takes.
fn kernels(device: &Device, f: impl FnOnce() -> Result<Tensor>) -> usize {
    device.flush().expect("flushes");
    let before = device.stats().kernels;
    let y = f().expect("records");
    device.flush().expect("flushes");
    assert!(y.is_computed());
    device.stats().kernels - before
}

#[test]
fn pointwise_chains_are_one_kernel() -> Result<()> {
    let d = device();
    let (a, b) = (numbers(&d, &[4, 5], 1), numbers(&d, &[5], 2));
    assert_eq!(kernels(&d, || ops::tanh(&ops::add(&ops::mul(&a, &b)?, &ops::exp(&a)?)?)), 1);
    assert_eq!(kernels(&d, || ops::sum(&ops::square(&ops::sub(&a, &b)?)?, Some(&[1]), false)), 1);
    // Views cost nothing, and neither does a tail on a reduction or a product.
    assert_eq!(kernels(&d, || ops::mean(&ops::transpose(&a, None)?, Some(&[0]), true)), 1);
    let w = numbers(&d, &[5, 3], 3);
    let bias = numbers(&d, &[3], 4);
    assert_eq!(kernels(&d, || ops::relu(&ops::add(&ops::matmul(&a, &w, false, false)?, &bias)?)), 1);
    let rank3 = numbers(&d, &[2, 4, 5], 5);
    assert_eq!(kernels(&d, || ops::relu(&ops::add(&ops::matmul(&rank3, &w, false, false)?, &bias)?)), 1);
    Ok(())
}

#[test]
fn narrow_floats_take_no_kernels_of_their_own() -> Result<()> {
    let d = device();
    let half = |shape: &[usize], seed| numbers(&d, shape, seed).cast(DType::F16).expect("casts").computed();
    let (a, w, bias) = (half(&[4, 5], 1), half(&[5, 3], 2), half(&[3], 3));
    assert_eq!(kernels(&d, || a.cast(DType::F32)), 0);
    assert_eq!(kernels(&d, || ops::tanh(&ops::add(&ops::mul(&a, &a)?, &ops::exp(&a)?)?)), 1);
    // Rounding is part of the product's tail.
    let dense = || ops::relu(&ops::add(&ops::matmul(&a, &w, false, false)?, &bias)?);
    assert_eq!(kernels(&d, dense), 1);
    assert_eq!(dense()?.dtype(), DType::F16);
    assert_eq!(kernels(&d, || ops::mean(&ops::square(&a)?, Some(&[1]), false)), 1);
    Ok(())
}

#[test]
fn zeros_padded_around_images_are_left_to_the_convolution() -> Result<()> {
    let d = device();
    let (x, w) = (numbers(&d, &[1, 4, 4, 2], 1), numbers(&d, &[3, 3, 2, 3], 2));
    let convolved = |value: f64| {
        let padded = ops::pad(&x, &[(0, 0), (1, 1), (0, 2), (0, 0)], value)?;
        ops::conv2d(&padded, &w, &ops::Conv2dOptions::default())
    };
    assert_eq!(kernels(&d, || convolved(0.0)), 1);
    assert_eq!(kernels(&d, || convolved(1.0)), 2);
    Ok(())
}

#[test]
fn gradients_of_parts_are_joined() -> Result<()> {
    let d = device();
    let (x, w) = (numbers(&d, &[3, 8], 1), numbers(&d, &[3, 2], 2));
    // A gate reads each quarter, as in a recurrent cell.
    let gates = |parts: &[(usize, usize)]| {
        let (_, gradients) = d.value_and_grads(&[&x], || {
            let mut sum = w.zeros_like()?;
            for (i, &(begin, size)) in parts.iter().enumerate() {
                let part = ops::slice(&x, &[0, begin], &[3, size])?;
                let gate = if i % 2 == 0 { ops::tanh(&part)? } else { ops::sin(&part)? };
                sum = ops::add(&sum, &ops::mul(&w, &ops::sum(&gate, Some(&[1]), true)?)?)?;
            }
            ops::sum(&sum, None, false)
        })?;
        let [gradient] = &gradients[..] else { panic!("one gradient") };
        Ok::<_, headwater_core::Error>(gradient.clone())
    };
    let whole: &[(usize, usize)] = &[(2, 2), (0, 2), (6, 2), (4, 2)];
    let joined = gates(whole)?.to_vec()?;
    let (x, w) = (x.to_vec()?, w.to_vec()?);
    for (i, g) in joined.iter().enumerate() {
        let (row, column) = (i / 8, i % 8);
        let slope = if column == 2 || column == 3 || column > 5 { 1.0 - x[i].tanh().powi(2) } else { x[i].cos() };
        assert!((g - slope * (w[2 * row] + w[2 * row + 1])).abs() < 1e-6, "{i}");
    }
    // The join, and what computes its pieces together; parts with a gap or an overlap are padded and added.
    assert!(kernels(&d, || gates(whole)) < kernels(&d, || gates(&[(0, 2), (2, 2), (4, 2), (7, 1)])));
    assert!(kernels(&d, || gates(whole)) < kernels(&d, || gates(&[(0, 2), (2, 2), (4, 2), (5, 3)])));
    Ok(())
}

#[test]
fn an_optimizer_update_is_one_kernel_with_three_outputs() -> Result<()> {
    let d = device();
    let [w, g, m, v] = [1, 2, 3, 4].map(|s| numbers(&d, &[6, 7], s));
    d.flush()?;
    let before = d.stats();
    let step = |lr: f32| -> Result<[Tensor; 3]> {
        let k = |x: f64| w.constant(x);
        let m2 = ops::add(&ops::mul(&m, &k(0.9))?, &ops::mul(&g, &k(0.1))?)?;
        let v2 = ops::add(&ops::mul(&v, &k(0.99))?, &ops::mul(&ops::square(&g)?, &k(0.01))?)?;
        let scaled = ops::real_div(&m2, &ops::add(&ops::sqrt(&ops::abs(&v2)?)?, &k(1e-7))?)?;
        let w2 = ops::sub(&w, &ops::mul(&scaled, &d.scalar(Scalar::F32(lr)))?)?;
        Ok([w2, m2, v2])
    };
    let first = step(0.1)?;
    d.flush()?;
    assert_eq!(d.stats().kernels - before.kernels, 1);
    let second = step(0.2)?;
    d.flush()?;
    // Another rate is another value of a parameter, not another plan.
    assert_eq!(d.stats().plans - before.plans, 1);
    let [a, b, w] = [first[0].to_vec()?, second[0].to_vec()?, w.to_vec()?];
    for i in 0..a.len() {
        assert!(((b[i] - w[i]) - 2.0 * (a[i] - w[i])).abs() < 1e-6);
    }
    Ok(())
}

#[test]
fn views_of_everything_read_the_right_elements() -> Result<()> {
    let d = device();
    let x = d.tensor(HostSlice::F32(&(0..24).map(|i| i as f32).collect::<Vec<_>>()), [2, 3, 4])?;
    let t = ops::transpose(&x, Some(&[2, 0, 1]))?;
    let flat = ops::reshape(&ops::add(&t, &t.constant(0.5))?, [24])?;
    let want: Vec<f32> = (0..4).flat_map(|c| (0..6).map(move |r| (r * 4 + c) as f32 + 0.5)).collect();
    assert_eq!(flat.to_vec()?, want);
    let part = ops::strided_slice(&x, &[1, 2, 3], &[1, 2, 2], &[1, -1, -2])?;
    assert_eq!(part.to_vec()?, [23.0, 21.0, 19.0, 17.0]);
    let tiled = ops::tile(&ops::slice(&x, &[0, 0, 1], &[1, 2, 1])?, &[1, 2, 2])?;
    assert_eq!(tiled.to_vec()?, [1., 1., 5., 5., 1., 1., 5., 5.]);
    let joined = ops::concat(&[&ops::reverse(&x, Some(&[2]))?, &x], 1)?;
    assert_eq!(joined.shape(), &Shape::from([2, 6, 4]));
    assert_eq!(joined.to_vec()?[..8], [3., 2., 1., 0., 7., 6., 5., 4.]);
    let many: Vec<Tensor> = (0..20).map(|i| ops::slice(&x, &[0, 0, 0], &[1, 1, 1 + i % 2])).collect::<Result<_>>()?;
    let joined = ops::concat(&many.iter().collect::<Vec<_>>(), 2)?;
    assert_eq!(joined.to_vec()?, [0., 0., 1.].repeat(10));
    Ok(())
}

#[test]
fn a_kernel_never_exceeds_the_engines_buffers() -> Result<()> {
    let d = Device::new(Arc::new(ReferenceEngine { max_buffers: 4 }));
    let terms: Vec<Tensor> = (0..12).map(|s| numbers(&d, &[3, 3], s)).collect();
    let mut total = ops::matmul(&terms[0], &terms[1], false, false)?;
    for term in &terms[2..] {
        total = ops::add(&total, term)?;
    }
    let got = total.to_vec()?;
    let host: Vec<Vec<f32>> = terms.iter().map(Tensor::to_vec).collect::<Result<_>>()?;
    for (i, got) in got.iter().enumerate() {
        let product: f32 = (0..3).map(|k| host[0][i / 3 * 3 + k] * host[1][k * 3 + i % 3]).sum();
        let want = product + host[2..].iter().map(|h| h[i]).sum::<f32>();
        assert!((got - want).abs() < 1e-5);
    }
    Ok(())
}

#[test]
fn long_chains_neither_overflow_the_stack_nor_one_kernel() -> Result<()> {
    let d = device();
    let mut x = numbers(&d, &[2], 1);
    let start = x.to_vec()?;
    for _ in 0..5000 {
        x = ops::add(&x, &x.constant(1.0))?;
    }
    let got = x.to_vec()?;
    assert!((got[0] - start[0] - 5000.0).abs() < 0.5);
    let mut unread = numbers(&d, &[2], 1);
    for _ in 0..15_000 {
        unread = ops::neg(&unread)?;
    }
    drop(unread);
    Ok(())
}

#[test]
fn values_read_in_the_middle_are_not_computed_twice() -> Result<()> {
    let d = device();
    let a = numbers(&d, &[8], 1);
    let b = ops::exp(&a)?;
    let c = ops::sin(&b)?;
    b.to_vec()?;
    let runs = d.stats().runs;
    c.to_vec()?;
    assert_eq!(d.stats().runs, runs, "reading b also computed c, which is alive");
    Ok(())
}

#[test]
fn errors_come_at_the_call_and_name_the_op() {
    let d = device();
    let a = d.zeros([2, 3], DType::F32).expect("zeros");
    let b = d.zeros([4], DType::F32).expect("zeros");
    assert_eq!(
        ops::add(&a, &b).expect_err("does not broadcast").to_string(),
        "Error in add: expected shapes that broadcast together, received [2,3] and [4]"
    );
    assert_eq!(ops::matmul(&a, &a, false, false).expect_err("inner dimensions").code(), "shape");
    assert_eq!(ops::logical_and(&a, &a).expect_err("dtype").code(), "dtype");
    assert_eq!(ops::pointwise("nope", &[&a]).expect_err("unknown").to_string(), "Unknown op: 'nope'");
    assert_eq!(DType::from_name("float99").expect_err("dtype").code(), "dtype");
}
