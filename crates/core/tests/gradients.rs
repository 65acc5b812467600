//! Tapes: order, nesting, custom gradients, what keeps memory.

use std::sync::Arc;

use headwater_core::reference::ReferenceEngine;
use headwater_core::{custom, ops, DType, Device, HostSlice, Result, Tensor};

fn device() -> Device {
    Device::new(Arc::new(ReferenceEngine::default()))
}

fn vector(device: &Device, x: &[f32]) -> Result<Tensor> {
    device.tensor(HostSlice::F32(x), [x.len()])
}

fn derivative(f: impl Fn(&Tensor) -> Result<Tensor>, x: &Tensor) -> Result<Tensor> {
    Ok(x.device().value_and_grads(&[x], || f(x))?.1.swap_remove(0))
}

#[test]
fn third_derivatives() -> Result<()> {
    let x = vector(&device(), &[0.5, -1.0, 2.0])?;
    // f = x^4: f''' = 24 x
    let f = |x: &Tensor| ops::square(&ops::square(x)?);
    let third = derivative(|x| derivative(|x| derivative(f, x), x), &x)?;
    assert_eq!(third.to_vec()?, [12.0, -24.0, 48.0]);
    Ok(())
}

#[test]
fn second_derivative_of_everything_in_a_convnet() -> Result<()> {
    let d = device();
    let x = ops::random_normal(&d, [1, 6, 6, 2], 0.0, 1.0, 1)?;
    let w = ops::random_normal(&d, [3, 3, 2, 3], 0.0, 1.0, 2)?;
    let options = ops::PoolOptions { window: (2, 2), stride: (2, 2), dilation: (1, 1), padding: ops::Padding::Valid };
    let loss = |w: &Tensor| {
        let y = ops::tanh(&ops::conv2d(&x, w, &ops::Conv2dOptions::default())?)?;
        let y = ops::add(&ops::max_pool(&y, &options)?, &ops::avg_pool(&y, &options)?)?;
        ops::sum(&ops::square(&ops::softmax(&ops::reshape(&y, [1, 12])?, -1)?)?, None, false)
    };
    let norm = |w: &Tensor| ops::sum(&ops::square(&derivative(loss, w)?)?, None, false);
    let second = derivative(norm, &w)?.to_vec()?;
    // Central differences of the squared gradient norm, in a few directions.
    let host = w.to_vec()?;
    for i in [0, 7, 20, 53] {
        let at = |by: f32| -> Result<f64> {
            let mut moved = host.clone();
            moved[i] += by;
            norm(&d.tensor(HostSlice::F32(&moved), w.shape())?)?.item()
        };
        let h = 1e-2;
        let want = (at(h)? - at(-h)?) / (2.0 * f64::from(h));
        assert!((f64::from(second[i]) - want).abs() < 2e-2 * want.abs().max(0.1), "{i}: {} against {want}", second[i]);
    }
    Ok(())
}

#[test]
fn a_custom_gradient_replaces_the_derived_one() -> Result<()> {
    let x = vector(&device(), &[1.0, 2.0])?;
    let tripled = |x: &Tensor| custom(&[x], |x| ops::square(&x[0]), |_, dy| Ok(vec![ops::mul(dy, &dy.constant(3.0))?]));
    assert_eq!(derivative(tripled, &x)?.to_vec()?, [3.0, 3.0]);
    // Also where forward returns its input.
    let same = |x: &Tensor| custom(&[x], |x| Ok(x[0].clone()), |_, dy| Ok(vec![ops::mul(dy, &dy.constant(5.0))?]));
    assert_eq!(derivative(same, &x)?.to_vec()?, [5.0, 5.0]);
    assert_eq!(derivative(|x| ops::mul(&x.stop_gradient()?, x), &x)?.to_vec()?, [1.0, 2.0]);
    Ok(())
}

#[test]
fn a_value_that_does_not_depend_on_x_is_an_error() -> Result<()> {
    let d = device();
    let (x, y) = (vector(&d, &[1.0])?, vector(&d, &[2.0])?);
    let error = d.value_and_grads(&[&x], || ops::square(&y)).expect_err("no dependence");
    assert!(error.to_string().starts_with("Cannot compute gradient of y=f(x) with respect to x."), "{error}");
    // A comparison has a gradient, and it is zero.
    let masked = |x: &Tensor| ops::select(&ops::greater(x, &x.constant(0.0))?, &ops::square(x)?, &x.constant(0.0));
    assert_eq!(derivative(masked, &x)?.to_vec()?, [2.0]);
    Ok(())
}

#[test]
fn gradients_have_the_dtype_of_what_they_are_by() -> Result<()> {
    let d = device();
    for dtype in [DType::F16, DType::BF16] {
        let x = vector(&d, &[1.0, -2.0, 3.5])?.cast(dtype)?;
        let w = vector(&d, &[0.5, 0.25, -1.0])?;
        // Through float32 and back, with an operand of each.
        let loss = || ops::sum(&ops::mul(&ops::square(&x)?, &w)?, None, false);
        let (value, grads) = d.value_and_grads(&[&x, &w], loss)?;
        assert_eq!((value.dtype(), value.item()?), (DType::F32, -10.75));
        assert_eq!((grads[0].dtype(), grads[0].to_vec()?), (dtype, vec![1.0, -1.0, -7.0]));
        assert_eq!((grads[1].dtype(), grads[1].to_vec()?), (DType::F32, vec![1.0, 4.0, 12.25]));
        // Each of 3000 terms is lost when added to a sum of the narrow dtype.
        let ones = d.ones([3000], dtype)?;
        let small = |x: &Tensor| ops::sum(&ops::mul(&ops::broadcast_to(x, [3000])?, &ones)?, None, false);
        let one = vector(&d, &[1.0])?.cast(dtype)?;
        assert_eq!(derivative(small, &one)?.to_vec()?, [if dtype == DType::F16 { 3000.0 } else { 3008.0 }]);
        let second = derivative(|x| derivative(|x| ops::mul(&ops::square(x)?, x), x), &x)?;
        assert_eq!((second.dtype(), second.to_vec()?), (dtype, vec![6.0, -12.0, 21.0]));
        let step = derivative(ops::sign, &x)?;
        assert_eq!((step.dtype(), step.to_vec()?), (dtype, vec![0.0; 3]));
    }
    Ok(())
}

#[test]
fn a_training_step_is_planned_once() -> Result<()> {
    let d = device();
    let x = ops::random_normal(&d, [8, 5], 0.0, 1.0, 1)?;
    let t = ops::random_normal(&d, [8, 2], 0.0, 1.0, 2)?;
    let mut w = ops::random_normal(&d, [5, 2], 0.0, 1.0, 3)?;
    [&x, &t, &w].iter().try_for_each(|t| t.buffer().map(drop))?;
    let plans = d.stats().plans;
    let mut losses = Vec::new();
    for step in 0..20 {
        let (loss, grads) = d.value_and_grads(&[&w], || {
            ops::mean(&ops::squared_difference(&ops::matmul(&x, &w, false, false)?, &t)?, None, false)
        })?;
        let rate = d.scalar(headwater_core::Scalar::F32(0.2 / (1.0 + step as f32)));
        w = ops::sub(&w, &ops::mul(&grads[0], &rate)?)?;
        drop(grads);
        d.flush()?;
        losses.push(loss.item()?);
    }
    assert_eq!(d.stats().plans - plans, 1);
    assert!(losses[19] < losses[0]);
    Ok(())
}
