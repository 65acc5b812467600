//! Forward-mode derivatives.

use crate::device::Device;
use crate::error::{Error, Result};
use crate::ops;
use crate::tensor::Tensor;

impl Device {
    /// Calls `f` and returns its value with the derivative of the value along `tangents`: the product of its Jacobian by
    /// `xs` with a direction for each of them.
    ///
    /// The gradient of `f` is linear in the weight it is given, and the gradient of *that* by the weight is the wanted
    /// product: two reverse passes, of which only what depends on the tangents is computed (Townsend 2017, "A new trick
    /// for calculating Jacobian vector products").
    ///
    /// # Errors
    /// What `f` gives; `ErrorKind::Shape` when a tangent has another shape than its operand.
    pub fn jvp(
        &self,
        xs: &[&Tensor],
        tangents: &[&Tensor],
        f: impl FnOnce() -> Result<Tensor>,
    ) -> Result<(Tensor, Tensor)> {
        if xs.len() != tangents.len() {
            return Err(Error::argument("jvp", format_args!("{} tangents", xs.len()), tangents.len()));
        }
        if let Some((x, v)) = xs.iter().zip(tangents).find(|(x, v)| x.shape() != v.shape()) {
            return Err(Error::shape("jvp", format_args!("a tangent of shape {}", x.shape()), v.shape()));
        }
        self.start_tape();
        let recorded = (|| {
            self.start_tape();
            let value = f();
            let tape = self.end_tape();
            let value = value?;
            let weight = value.zeros_like()?;
            let gradients = tape.gradients(&value, Some(&weight), xs)?;
            Ok((value, weight, gradients))
        })();
        let tape = self.end_tape();
        let (value, weight, gradients): (Tensor, Tensor, Vec<Option<Tensor>>) = recorded?;
        let mut sum: Option<Tensor> = None;
        for (gradient, tangent) in gradients.iter().zip(tangents) {
            let Some(gradient) = gradient else { continue };
            if let Some(part) = tape.gradients(gradient, Some(tangent), &[&weight])?.swap_remove(0) {
                sum = Some(match sum {
                    Some(sum) => ops::add(&sum, &part)?,
                    None => part,
                });
            }
        }
        let derivative = sum.map_or_else(|| value.zeros_like(), Ok)?;
        Ok((value, derivative))
    }
}
