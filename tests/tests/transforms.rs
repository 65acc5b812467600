//! Every case of the op suite through the transformations of functions: mapped over a batch, differentiated forwards,
//! captured as a plan, and with its gradient computed again.

use std::sync::Arc;

use headwater_core::transform::{placeholder, vmap, Captured, Checkpoint};
use headwater_core::{ops, DType, Device, HostData, Result, Shape, Tensor};
use headwater_tests::compare::{difference, operands};
use headwater_tests::{cases, chains, Case};

/// Numbers that neither repeat nor follow a pattern.
fn noise(device: &Device, shape: &Shape, seed: u32) -> Result<Tensor> {
    let x = ops::random_uniform(device, shape, -1.0, 1.0, seed)?.to_host()?;
    device.tensor(x.as_slice(), shape)
}

fn check(what: fn(&Device, &Case) -> Result<Option<String>>) {
    let device = headwater::cpu(2);
    let mut wrong = Vec::new();
    for case in cases().into_iter().chain((0..60).map(chains::chain)) {
        match what(&device, &case) {
            Ok(None) => {}
            Ok(Some(problem)) => wrong.push(format!("{}: {problem}", case.name)),
            Err(error) => wrong.push(format!("{}: {error}", case.name)),
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// The sum of the products of elements of floats.
fn dot(a: &Tensor, b: &Tensor) -> Result<f64> {
    let (a, b) = (a.to_host()?.to_f64(), b.to_host()?.to_f64());
    Ok(a.iter().zip(&b).map(|(a, b)| a * b).sum())
}

#[test]
fn vmap_is_a_loop() {
    check(|device, case| {
        let x = operands(device, &case.inputs)?;
        // Every second operand is shared; the others differ from example to example.
        let mut axes = Vec::new();
        let mut batches = Vec::new();
        for (i, x) in x.iter().enumerate() {
            if i % 2 == 1 {
                axes.push(None);
                batches.push(x.clone());
                continue;
            }
            let example = |k: usize| match x.dtype() {
                DType::F32 => ops::mul(x, &x.constant(1.0 - 0.1 * k as f64)),
                _ => ops::reverse(x, None).map(|r| if k == 1 { r } else { x.clone() }),
            };
            let examples: Vec<Tensor> = (0..3).map(example).collect::<Result<_>>()?;
            // Along the last dimension for one of them.
            let axis = if i == 2 { -1 } else { 0 };
            axes.push(Some(axis));
            batches.push(ops::stack(&examples.iter().collect::<Vec<_>>(), axis)?);
        }
        let mapped: Vec<&Tensor> = batches.iter().collect();
        let results = vmap(&mapped, &axes, 0, |x| Ok(vec![(case.function)(x)?]))?;
        let one = |k: usize| -> Result<Tensor> {
            let pick = |(x, axis): (&Tensor, &Option<isize>)| match axis {
                None => Ok(x.clone()),
                Some(axis) => ops::unstack(x, *axis).map(|mut parts| parts.swap_remove(k)),
            };
            let x: Vec<Tensor> = batches.iter().zip(&axes).map(pick).collect::<Result<_>>()?;
            (case.function)(&x)
        };
        let loop_: Vec<Tensor> = (0..3).map(one).collect::<Result<_>>()?;
        difference(&results[0], &ops::stack(&loop_.iter().collect::<Vec<_>>(), 0)?, case.tolerance)
    });
}

#[test]
fn forward_mode_is_the_transpose_of_reverse_mode() {
    check(|device, case| {
        if !case.smooth || case.inputs.iter().any(|i| i.dtype != DType::F32) {
            return Ok(None);
        }
        let x = operands(device, &case.inputs)?;
        let xs: Vec<&Tensor> = x.iter().collect();
        let v: Vec<Tensor> =
            x.iter().enumerate().map(|(i, x)| noise(device, x.shape(), 7 + i as u32)).collect::<Result<_>>()?;
        let (y, tangent) = device.jvp(&xs, &v.iter().collect::<Vec<_>>(), || (case.function)(&x))?;
        if y.dtype() != DType::F32 {
            return Ok(None);
        }
        let weight = noise(device, y.shape(), 3)?;
        device.start_tape();
        let y = (case.function)(&x);
        let gradients = device.end_tape().gradients(&y?, Some(&weight), &xs)?;
        let mut along = 0.0;
        for (g, v) in gradients.iter().zip(&v) {
            along += g.as_ref().map_or(Ok(0.0), |g| dot(g, v))?;
        }
        let forward = dot(&weight, &tangent)?;
        let close = (forward - along).abs() <= 2e-4 * along.abs().max(1.0) || (forward.is_nan() && along.is_nan());
        Ok((!close).then(|| format!("forward {forward}, reverse {along}")))
    });
}

#[test]
fn a_captured_function_gives_what_the_function_gives() {
    check(|device, case| {
        let x = operands(device, &case.inputs)?;
        let shapes: Vec<_> = x.iter().map(|x| (x.shape().clone(), x.dtype())).collect();
        let captured = Captured::new(device, &shapes, |x| Ok(vec![(case.function)(x)?]))?;
        // For other values than those of any earlier call, too.
        let other: Vec<Tensor> = x.iter().map(|x| ops::reverse(x, None)).collect::<Result<_>>()?;
        for x in [&x, &other] {
            let results = captured.call(&x.iter().collect::<Vec<_>>())?;
            if let Some(wrong) = difference(&results[0], &(case.function)(x)?, case.tolerance)? {
                return Ok(Some(wrong));
            }
        }
        Ok(None)
    });
}

#[test]
fn checkpoints_change_no_gradient() {
    for policy in [Checkpoint::Nothing, Checkpoint::Contractions] {
        let device = headwater::cpu(2);
        for case in (0..60).map(chains::chain) {
            let case = Arc::new(case);
            let gradients = |again: bool| -> Result<(Tensor, Vec<Option<Tensor>>)> {
                let x = operands(&device, &case.inputs)?;
                device.start_tape();
                let y = if again {
                    let (case, x) = (case.clone(), x.clone());
                    device.checkpoint(policy, move || (case.function)(&x))
                } else {
                    (case.function)(&x)
                };
                let tape = device.end_tape();
                let y = y?;
                let dy = noise(&device, y.shape(), 5)?;
                let gradients = tape.gradients(&y, Some(&dy), &x.iter().collect::<Vec<_>>())?;
                Ok((y, gradients))
            };
            let ((y, got), (want_y, want)) = (gradients(true).unwrap(), gradients(false).unwrap());
            assert_eq!(difference(&y, &want_y, case.tolerance).unwrap(), None, "{}", case.name);
            for (got, want) in got.iter().zip(&want) {
                // An operand that is not used has no gradient.
                let (Some(got), Some(want)) = (got, want) else {
                    assert!(got.is_none() && want.is_none(), "{}", case.name);
                    continue;
                };
                let scale = want.to_vec().unwrap().iter().fold(1.0f64, |m, v| m.max(f64::from(v.abs())));
                assert_eq!(difference(got, want, case.tolerance * scale).unwrap(), None, "{} {policy:?}", case.name);
            }
        }
    }
}

/// The most memory that a step of a deep net with wide activations takes, and the number of kernels.
fn deep_step(policy: Option<Checkpoint>) -> Result<(usize, usize)> {
    let device = headwater::cpu(1);
    let w = ops::random_normal(&device, [16, 16], 0.0, 0.3, 1)?;
    let x = ops::random_normal(&device, [4096, 16], 0.0, 1.0, 2)?;
    let (w, x) = (upload(&w)?, upload(&x)?);
    let block = move |x: &Tensor, w: &Tensor| -> Result<Tensor> {
        let mut y = x.clone();
        for _ in 0..4 {
            y = ops::tanh(&ops::add(&ops::sin(&ops::matmul(&y, w, false, false)?)?, &y)?)?;
        }
        Ok(y)
    };
    device.start_tape();
    let mut y = x.clone();
    for _ in 0..6 {
        y = match policy {
            None => block(&y, &w)?,
            Some(policy) => {
                let (x, w) = (y.clone(), w.clone());
                device.checkpoint(policy, move || block(&x, &w))?
            }
        };
    }
    let loss = ops::mean(&ops::square(&y)?, None, false)?;
    drop(y);
    let tape = device.end_tape();
    let gradient = tape.gradients(&loss, None, &[&w])?.swap_remove(0).expect("the loss depends on w");
    drop(tape);
    gradient.to_vec()?;
    let memory = device.engine().memory();
    Ok((memory.live + memory.pooled, device.stats().kernels))
}

fn upload(x: &Tensor) -> Result<Tensor> {
    x.device().tensor(HostData::F32(x.to_vec()?).as_slice(), x.shape())
}

#[test]
fn checkpoints_save_memory() -> Result<()> {
    let (all, kernels) = deep_step(None)?;
    let (nothing, kernels_again) = deep_step(Some(Checkpoint::Nothing))?;
    let (contractions, kernels_between) = deep_step(Some(Checkpoint::Contractions))?;
    println!("memory {all}, {contractions}, {nothing}; kernels {kernels}, {kernels_between}, {kernels_again}");
    assert!(2 * nothing < all, "{nothing} against {all} bytes");
    assert!(contractions < all, "{contractions} against {all} bytes");
    assert!(kernels < kernels_again, "{kernels_again} kernels against {kernels}");
    assert!(kernels_between < kernels_again, "{kernels_between} kernels against {kernels_again}");
    Ok(())
}

#[test]
fn per_example_gradients_and_hessians_compose() -> Result<()> {
    let device = headwater::cpu(1);
    let x = device.tensor(HostData::F32(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).as_slice(), [3, 2])?;
    // The gradient of each example's x0² x1 alone.
    let gradient = |x: &Tensor| -> Result<Tensor> {
        let f = || {
            let (a, b) = (ops::slice(x, &[0], &[1])?, ops::slice(x, &[1], &[1])?);
            ops::sum(&ops::mul(&ops::square(&a)?, &b)?, None, false)
        };
        Ok(device.value_and_grads(&[x], f)?.1.swap_remove(0))
    };
    let each = vmap(&[&x], &[Some(0)], 0, |x| Ok(vec![gradient(&x[0])?]))?;
    assert_eq!(each[0].to_vec()?, [4.0, 1.0, 24.0, 9.0, 60.0, 25.0]);
    // The Hessian of one example: forward over reverse, mapped over the directions.
    let point = device.tensor(HostData::F32(vec![1.0, 2.0]).as_slice(), [2])?;
    let identity = device.tensor(HostData::F32(vec![1.0, 0.0, 0.0, 1.0]).as_slice(), [2, 2])?;
    let hessian =
        vmap(&[&identity], &[Some(0)], 0, |v| Ok(vec![device.jvp(&[&point], &[&v[0]], || gradient(&point))?.1]))?;
    assert_eq!(hessian[0].to_vec()?, [4.0, 2.0, 2.0, 0.0]);
    // The gradient of a mapped function.
    let (_, gradients) = device.value_and_grads(&[&x], || {
        let squares = vmap(&[&x], &[Some(0)], 0, |x| Ok(vec![ops::sum(&ops::square(&x[0])?, None, false)?]))?;
        ops::sum(&squares[0], None, false)
    })?;
    assert_eq!(gradients[0].to_vec()?, [2.0, 4.0, 6.0, 8.0, 10.0, 12.0]);
    Ok(())
}

#[test]
fn misuse_is_an_error() -> Result<()> {
    let device = headwater::cpu(1);
    let x = device.ones([3, 2], DType::F32)?;
    let message = |r: Result<Vec<Tensor>>| r.expect_err("misuse").to_string();
    let identity = |x: &[Tensor]| Ok(x.to_vec());
    assert_eq!(
        message(vmap(&[&x], &[None], 0, identity)),
        "Error in vmap: expected at least one operand with an axis, received none"
    );
    assert_eq!(
        message(vmap(&[&x, &x], &[Some(0), Some(1)], 0, identity)),
        "Error in vmap: expected 3 examples, received 2 along dimension 1 of [3,2]"
    );
    assert!(message(vmap(&[&x], &[Some(0)], 0, |x| {
        x[0].to_vec()?;
        Ok(x.to_vec())
    }))
    .contains("reads no values"));
    let captured = Captured::new(&device, &[(Shape::from([2]), DType::F32)], identity)?;
    assert_eq!(message(captured.call(&[&x])), "Error in jit: expected float32 [2], received float32 [3,2]");
    let stranger = placeholder(&device, [2], DType::F32);
    let foreign = Captured::new(&device, &[(Shape::from([2]), DType::F32)], |_| Ok(vec![stranger.square()?]));
    assert!(foreign.err().is_some_and(|e| e.to_string().contains("another traced function")));
    // Tapes that were set aside are back.
    assert!(!device.is_recording());
    Ok(())
}
