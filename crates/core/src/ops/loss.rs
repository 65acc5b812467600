//! Softmax and cross-entropies.

use crate::dtype::DType;
use crate::error::Result;
use crate::grad::custom;
use crate::ops::{abs, add, exp, log, log1p, max, mul, neg, real_div, relu, rounded, sub, sum};
use crate::tensor::Tensor;

/// e^x divided by its sum along `axis`; as all losses computed in float32 and rounded once to the dtype of a narrower float.
///
/// # Errors
/// `ErrorKind::Argument` when the axis does not exist.
pub fn softmax(x: &Tensor, axis: isize) -> Result<Tensor> {
    let (dtype, x) = (x.dtype().float(), x.cast(DType::F32)?);
    x.shape().axis(axis, "softmax")?;
    let y = custom(
        &[&x],
        |x| {
            let exponents = exp(&sub(&x[0], &max(&x[0], Some(&[axis]), true)?)?)?;
            real_div(&exponents, &sum(&exponents, Some(&[axis]), true)?)
        },
        // dx = (dy - sum(dy * y)) * y
        move |y, dy| {
            let weighted = mul(dy, y)?;
            Ok(vec![sub(&weighted, &mul(&sum(&weighted, Some(&[axis]), true)?, y)?)?])
        },
    );
    rounded(y, dtype)
}

/// log(softmax(x)), safe against underflow.
///
/// # Errors
/// As [`softmax`].
pub fn log_softmax(x: &Tensor, axis: isize) -> Result<Tensor> {
    let (dtype, x) = (x.dtype().float(), x.cast(DType::F32)?);
    x.shape().axis(axis, "logSoftmax")?;
    let y = custom(
        &[&x],
        |x| {
            let shifted = sub(&x[0], &max(&x[0], Some(&[axis]), true)?)?;
            sub(&shifted, &log(&sum(&exp(&shifted)?, Some(&[axis]), true)?)?)
        },
        // dx = dy - sum(dy) * softmax(x)
        move |y, dy| Ok(vec![sub(dy, &mul(&sum(dy, Some(&[axis]), true)?, &exp(y)?)?)?]),
    );
    rounded(y, dtype)
}

/// The cross-entropy of softmax(`logits`) against `labels` along the last dimension, per row.
///
/// # Errors
/// `ErrorKind::Shape` when the shapes do not broadcast.
pub fn softmax_cross_entropy(labels: &Tensor, logits: &Tensor) -> Result<Tensor> {
    let dtype = labels.dtype().upcast(logits.dtype()).float();
    let logits = logits.cast(DType::F32)?;
    rounded(neg(&sum(&mul(labels, &log_softmax(&logits, -1)?)?, Some(&[-1]), false)?), dtype)
}

/// The elementwise cross-entropy of sigmoid(`logits`) against `labels`: max(x, 0) - x * z + log(1 + e^-|x|).
///
/// # Errors
/// `ErrorKind::Shape` when the shapes do not broadcast.
pub fn sigmoid_cross_entropy(labels: &Tensor, logits: &Tensor) -> Result<Tensor> {
    let dtype = labels.dtype().upcast(logits.dtype()).float();
    let x = logits.cast(DType::F32)?;
    let linear = sub(&relu(&x)?, &mul(&x, labels)?)?;
    rounded(add(&linear, &log1p(&exp(&neg(&abs(&x)?)?)?)?), dtype)
}
