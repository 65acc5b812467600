//! Softmax and cross-entropies.

use crate::calc::{with_gradient, Calc, Gradient};
use crate::error::Result;
use crate::ops::{abs, exp, log, log1p, reciprocal, relu};
use crate::tensor::Tensor;

/// e^x divided by its sum along `axis`; as all losses computed in float32 and rounded once to the dtype of a narrower float.
///
/// # Errors
/// `ErrorKind::Argument` when the axis does not exist.
pub fn softmax(x: &Tensor, axis: isize) -> Result<Tensor> {
    x.shape().axis(axis, "softmax")?;
    // dx = (dy - sum(dy * y)) * y
    let backward: Gradient = Box::new(move |y, dy| {
        let weighted = dy * y;
        vec![weighted - weighted.sum(&[axis], true) * y]
    });
    let calc = Calc::default();
    let y = with_gradient(
        &[calc.of(x).number()],
        &|x| {
            let exponents = (x[0] - x[0].max_along(&[axis], true)).map(exp);
            // A division for each row, not for each element.
            exponents * exponents.sum(&[axis], true).map(reciprocal)
        },
        backward,
    );
    calc.result(y.cast(x.dtype().float()))
}

/// log(softmax(x)), safe against underflow.
///
/// # Errors
/// As [`softmax`].
pub fn log_softmax(x: &Tensor, axis: isize) -> Result<Tensor> {
    x.shape().axis(axis, "logSoftmax")?;
    // dx = dy - sum(dy) * softmax(x)
    let backward: Gradient = Box::new(move |y, dy| vec![dy - dy.sum(&[axis], true) * y.map(exp)]);
    let calc = Calc::default();
    let y = with_gradient(
        &[calc.of(x).number()],
        &|x| {
            let shifted = x[0] - x[0].max_along(&[axis], true);
            shifted - shifted.map(exp).sum(&[axis], true).map(log)
        },
        backward,
    );
    calc.result(y.cast(x.dtype().float()))
}

/// The cross-entropy of softmax(`logits`) against `labels` along the last dimension, per row.
///
/// # Errors
/// `ErrorKind::Shape` when the shapes do not broadcast.
pub fn softmax_cross_entropy(labels: &Tensor, logits: &Tensor) -> Result<Tensor> {
    let dtype = labels.dtype().upcast(logits.dtype()).float();
    let calc = Calc::default();
    let logits = calc.of(logits).number().then(&|x| log_softmax(x, -1));
    calc.result((-(calc.of(labels) * logits).sum(&[-1], false)).cast(dtype))
}

/// The elementwise cross-entropy of sigmoid(`logits`) against `labels`: max(x, 0) - x * z + log(1 + e^-|x|).
///
/// # Errors
/// `ErrorKind::Shape` when the shapes do not broadcast.
pub fn sigmoid_cross_entropy(labels: &Tensor, logits: &Tensor) -> Result<Tensor> {
    let dtype = labels.dtype().upcast(logits.dtype()).float();
    let calc = Calc::default();
    let x = calc.of(logits).number();
    let linear = x.map(relu) - x * calc.of(labels);
    calc.result((linear + (-x.map(abs)).map(exp).map(log1p)).cast(dtype))
}
