//! Activations by name.

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
        other => other.into(),
    }
}

/// Checks that an activation is known.
///
/// # Errors
/// `ErrorKind::Unknown`.
pub fn known(name: &str) -> Result<()> {
    let operation = operation(name);
    let composed = ["linear", "softmax", "logSoftmax", "leakyRelu", "gelu", "hardSwish"];
    let single = row(&operation).is_some_and(|row| row.arity() == 1);
    if composed.contains(&operation.as_str()) || single {
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
        // x / 2 * (1 + erf(x / sqrt(2))) (Hendrycks & Gimpel 2016).
        "gelu" => {
            let half = ops::mul(x, &x.constant(0.5))?;
            let mass = ops::erf(&ops::mul(x, &x.constant(std::f64::consts::FRAC_1_SQRT_2))?)?;
            ops::add(&half, &ops::mul(&half, &mass)?)
        }
        // x * relu6(x + 3) / 6 (Howard et al. 2019).
        "hardSwish" => ops::mul(x, &ops::mul(&ops::relu6(&ops::add(x, &x.constant(3.0))?)?, &x.constant(1.0 / 6.0))?),
        simple => ops::pointwise(simple, &[x]),
    }
}
