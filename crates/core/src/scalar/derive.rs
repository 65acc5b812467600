//! Derivatives of scalar programs, by reverse accumulation over the instructions.

use super::{BinOp, Builder, Ex, Instr, Program, Reg, UnOp};
use crate::dtype::{DType, Scalar};

/// Adds to `builder` the derivative of register `output` of `program` by its input `wrt`, times `dy`.
/// `inputs` are the values of the program's inputs. `None` when the output does not depend smoothly on the input.
pub fn derivative<'b>(
    builder: &'b Builder,
    program: &Program,
    output: Reg,
    inputs: &[Ex<'b>],
    wrt: usize,
    dy: Ex<'b>,
) -> Option<Ex<'b>> {
    let regs = builder.inline(program, &|n| inputs[n as usize], &|n| builder.param(n as usize, DType::F32));
    let mut adjoint: Vec<Option<Ex<'b>>> = vec![None; program.code.len()];
    adjoint[output as usize] = Some(dy);
    let mut result: Option<Ex<'b>> = None;
    for i in (0..program.code.len()).rev() {
        let Some(g) = adjoint[i] else { continue };
        let at = |r: Reg| regs[r as usize];
        let mut add = |r: Reg, term: Ex<'b>| {
            if program.types[r as usize] == DType::F32 {
                let slot = &mut adjoint[r as usize];
                *slot = Some(slot.map_or(term, |sum| sum + term));
            }
        };
        match program.code[i] {
            Instr::Input(n) if n as usize == wrt => result = Some(result.map_or(g, |sum| sum + g)),
            Instr::Input(_) | Instr::Acc | Instr::Const(_) | Instr::Param(_) => {}
            // A whole number that counts as a float moves with it.
            Instr::Cast(a) if matches!(program.code[a as usize], Instr::Input(n) if n as usize == wrt) => {
                result = Some(result.map_or(g, |sum| sum + g));
            }
            Instr::Cast(_) => {}
            Instr::Unary(op, a) => {
                if let Some(term) = unary(op, at(a), regs[i], g) {
                    add(a, term);
                }
            }
            Instr::Binary(op, a, b) => {
                let (da, db) = binary(op, at(a), at(b), regs[i], g);
                if let Some(term) = da {
                    add(a, term);
                }
                if let Some(term) = db {
                    add(b, term);
                }
            }
            Instr::Select(c, a, b) => {
                let zero = builder.constant(Scalar::F32(0.0));
                add(a, at(c).select(g, zero));
                add(b, at(c).select(zero, g));
            }
        }
    }
    result
}

/// The derivative of `y = op(x)` by `x`, times `g`.
fn unary<'b>(op: UnOp, x: Ex<'b>, y: Ex<'b>, g: Ex<'b>) -> Option<Ex<'b>> {
    Some(match op {
        UnOp::Neg => -g,
        UnOp::RoundF16 | UnOp::RoundBf16 => g,
        UnOp::Abs => {
            let sign = x.gt(x.k(0.0)).select(g, x.lt(x.k(0.0)).select(-g, g.k(0.0)));
            return Some(sign);
        }
        UnOp::Sqrt => g / (y + y),
        UnOp::Exp => g * y,
        UnOp::Expm1 => g * (y + 1.0),
        UnOp::Log => g / x,
        UnOp::Log1p => g / (x + 1.0),
        UnOp::Sin => g * x.cos(),
        UnOp::Cos => -(g * x.sin()),
        UnOp::Tan => g * (y * y + 1.0),
        UnOp::Asin => g / (1.0 - x * x).sqrt(),
        UnOp::Acos => -(g / (1.0 - x * x).sqrt()),
        UnOp::Atan => g / (x * x + 1.0),
        UnOp::Tanh => g * (1.0 - y * y),
        UnOp::Floor | UnOp::Ceil | UnOp::Round | UnOp::Trunc | UnOp::IsNan | UnOp::IsInf | UnOp::Not => return None,
    })
}

/// The derivatives of `y = op(a, b)` by `a` and by `b`, times `g`.
fn binary<'b>(op: BinOp, a: Ex<'b>, b: Ex<'b>, y: Ex<'b>, g: Ex<'b>) -> (Option<Ex<'b>>, Option<Ex<'b>>) {
    let zero = g.k(0.0);
    match op {
        BinOp::Add => (Some(g), Some(g)),
        BinOp::Sub => (Some(g), Some(-g)),
        BinOp::Mul => (Some(g * b), Some(g * a)),
        BinOp::Div => (Some(g / b), Some(-(g * y / b))),
        BinOp::Rem => (Some(g), Some(-(g * (a / b).trunc()))),
        // At a tie the whole gradient goes to the first operand, as in TensorFlow.js.
        BinOp::Min => (Some(a.le(b).select(g, zero)), Some(a.le(b).select(zero, g))),
        BinOp::Max => (Some(a.ge(b).select(g, zero)), Some(a.ge(b).select(zero, g))),
        BinOp::Pow => {
            let da = g * b * a.pow(b - 1.0);
            let positive = a.gt(zero);
            let log = positive.select(a, a.k(1.0)).log();
            (Some(b.eq(zero).select(zero, da)), Some(positive.select(g * y * log, zero)))
        }
        BinOp::Atan2 => {
            let scale = g / (a * a + b * b);
            (Some(scale * b), Some(-(scale * a)))
        }
        _ => (None, None),
    }
}

#[cfg(test)]
mod tests {
    use super::super::eval;
    use super::*;

    /// d/dx of `f` at `x`, and the central difference it should equal.
    fn check(f: impl for<'b> Fn(Ex<'b>) -> Ex<'b>, x: f32) {
        let forward = Builder::new();
        let out = f(forward.input(0, DType::F32)).reg;
        let (program, outs) = forward.finish(&[out]);
        let value = |x: f32| match eval(&program, &[Scalar::F32(x)], &[], None)[outs[0] as usize] {
            Scalar::F32(v) => f64::from(v),
            other => panic!("{other:?}"),
        };
        let builder = Builder::new();
        let dx = derivative(
            &builder,
            &program,
            outs[0],
            &[builder.input(0, DType::F32)],
            0,
            builder.constant(Scalar::F32(1.0)),
        )
        .expect("differentiable")
        .reg;
        let (derived, dx) = builder.finish(&[dx]);
        let got = match eval(&derived, &[Scalar::F32(x)], &[], None)[dx[0] as usize] {
            Scalar::F32(v) => f64::from(v),
            other => panic!("{other:?}"),
        };
        let h = 1e-3f32;
        let want = (value(x + h) - value(x - h)) / f64::from((x + h) - (x - h));
        assert!((got - want).abs() < 2e-3 * want.abs().max(1.0), "at {x}: got {got}, central difference {want}");
    }

    #[test]
    fn derivatives_match_central_differences() {
        for x in [-1.3, -0.4, 0.2, 0.9] {
            check(|x| (x * x).sin() * x.exp() - x.tanh() / (x + 3.0), x);
            check(|x| (x.abs() + 1.0).sqrt().log() + x.max(x.k(0.1)), x);
            check(|x| x.gt(x.k(0.0)).select(x * x, -x).cos() + (x + 2.0).pow(x), x);
            check(|x| x.atan() + (x * 0.5).asin() + (x * 0.5).acos() * x + x.log1p_safe(), x);
        }
    }

    impl<'b> Ex<'b> {
        fn log1p_safe(self) -> Ex<'b> {
            self.abs().log1p() + self.expm1() + self.atan2(self.k(2.0)) + self.tan()
        }
    }
}
