//! Activations by name.

#[cfg(feature = "layers-normalization")]
use headwater_core::calc::Calc;
use headwater_core::ops;
use headwater_core::pointwise::row;
use headwater_core::{Error, Result, Tensor};

use super::losses::camel;

/// The operation behind an activation's name: its own, but for a few that Keras names otherwise.
fn operation(name: &str) -> String {
    match camel(name).as_str() {
        "silu" => "swish".into(),
        "hardSilu" | "hardSwish" => "hardSwish".into(),
        "exponential" => "exp".into(),
        // With Keras's defaults they are the same.
        "celu" => "elu".into(),
        other => other.into(),
    }
}

/// What few models have, composed of other operations.
#[cfg(feature = "layers-normalization")]
const RARE: &[&str] = &[
    "hardShrink",
    "hardSigmoid3",
    "hardTanh",
    "softShrink",
    "sparsePlus",
    "sparseSigmoid",
    "squareplus",
    "tanhShrink",
];
#[cfg(not(feature = "layers-normalization"))]
const RARE: &[&str] = &[];

/// One of [`RARE`], with Keras's defaults.
#[cfg(feature = "layers-normalization")]
fn rare(name: &str, x: &Tensor) -> Result<Tensor> {
    let calc = Calc::default();
    let x = calc.of(x);
    calc.result(match name {
        // What Keras 3 calls `hard_sigmoid`, which is another function in Keras 2 and TensorFlow.js.
        "hardSigmoid3" => ((x + 3.0) * (1.0 / 6.0)).clip(0.0, 1.0),
        "hardTanh" => x.clip(-1.0, 1.0),
        "hardShrink" => x.where_else(x.map(ops::abs).exceeds(0.5), 0.0),
        "softShrink" => x - x.clip(-0.5, 0.5),
        "sparseSigmoid" => ((x + 1.0) * 0.5).clip(0.0, 1.0),
        "sparsePlus" => {
            let middle = (x + 1.0).at_least(0.0).map(ops::square) * 0.25;
            x.by(1.0, ops::less).choose(middle, x)
        }
        "squareplus" => (x + (x.map(ops::square) + 4.0).sqrt()) * 0.5,
        _ => x - x.map(ops::tanh),
    })
}

/// Checks that an activation is known.
///
/// # Errors
/// `ErrorKind::Unknown`.
pub fn known(name: &str) -> Result<()> {
    let operation = operation(name);
    let composed = ["linear", "softmax", "logSoftmax", "leakyRelu"];
    let single = row(&operation).is_some_and(|row| row.arity() == 1);
    if composed.contains(&operation.as_str()) || single || RARE.contains(&operation.as_str()) {
        Ok(())
    } else {
        Err(Error::unknown("activation", name))
    }
}

/// Applies the activation of a name.
///
/// # Errors
/// `ErrorKind::Unknown` when there is none.
pub fn activation(name: &str, x: &Tensor) -> Result<Tensor> {
    known(name)?;
    match operation(name).as_str() {
        "linear" => Ok(x.clone()),
        "softmax" => ops::softmax(x, -1),
        "logSoftmax" => ops::log_softmax(x, -1),
        "leakyRelu" => ops::leaky_relu(x, 0.2),
        #[cfg(feature = "layers-normalization")]
        name if RARE.contains(&name) => rare(name, x),
        simple => ops::pointwise(simple, &[x]),
    }
}
