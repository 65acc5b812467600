//! Formulas with a gradient of their own.

use super::{Calc, Term};
use crate::collect::Listed;
use crate::grad::custom;
use crate::tensor::Tensor;

/// From a value and its gradient to the gradients of what it was computed from.
pub type Gradient = Box<dyn for<'a> Fn(Term<'a>, Term<'a>) -> Vec<Term<'a>> + Send + Sync>;

/// As [`custom`], for terms: `backward` gives the gradients of the inputs from the value and its gradient. Not generic:
/// every copy would be as long as the formulas.
#[inline(never)]
pub fn with_gradient<'a>(
    inputs: &[Term<'a>],
    forward: &dyn for<'b> Fn(&[Term<'b>]) -> Term<'b>,
    backward: Gradient,
) -> Term<'a> {
    let first = inputs[0];
    if first.0.calc.failure.get().is_some() {
        return first;
    }
    let tensors: Vec<&Tensor> = inputs.iter().map(|x| x.value()).listed();
    first.take(custom(
        &tensors,
        |x| {
            let calc = Calc::default();
            let x: Vec<Term<'_>> = x.iter().map(|x| calc.of(x)).listed();
            calc.result(forward(&x))
        },
        move |y, dy| {
            let calc = Calc::default();
            calc.results(&backward(calc.of(y), calc.of(dy)))
        },
    ))
}
