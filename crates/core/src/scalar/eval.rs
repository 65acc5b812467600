//! A plain interpreter of scalar programs: folds constants, and is the reference the engines are tested against.

use super::{BinOp, UnOp};
#[cfg(any(test, feature = "reference"))]
use super::{Instr, Program, Reg};
use crate::dtype::{DType, Scalar};
use crate::half;

/// Evaluates `program` on one element and returns every register.
#[cfg(any(test, feature = "reference"))]
pub fn eval(program: &Program, inputs: &[Scalar], params: &[Scalar], acc: Option<Scalar>) -> Vec<Scalar> {
    let mut regs: Vec<Scalar> = Vec::with_capacity(program.code.len());
    for (instr, &dtype) in program.code.iter().zip(&program.types) {
        let at = |r: Reg| regs[r as usize];
        let value = match *instr {
            Instr::Input(n) => inputs[n as usize],
            Instr::Acc => acc.unwrap_or(Scalar::from_f64(dtype, 0.0)),
            Instr::Const(bits) => Scalar::from_bits(dtype, bits),
            Instr::Param(n) => params[n as usize],
            Instr::Unary(op, a) => eval_unary(op, at(a)),
            Instr::Binary(op, a, b) => eval_binary(op, at(a), at(b)),
            Instr::Select(c, a, b) => {
                if at(c).bits() != 0 {
                    at(a)
                } else {
                    at(b)
                }
            }
            Instr::Cast(a) => eval_cast(at(a), dtype),
        };
        regs.push(value);
    }
    regs
}

/// The result of a conversion.
pub fn eval_cast(value: Scalar, to: DType) -> Scalar {
    match (value, to) {
        (Scalar::F32(v), DType::F32) => Scalar::F32(v),
        (Scalar::F32(v), DType::Bool) => Scalar::Bool(v != 0.0),
        (Scalar::F32(v), _) => Scalar::I32(v as i32),
        (Scalar::I32(v), DType::F32) => Scalar::F32(v as f32),
        (Scalar::I32(v), DType::Bool) => Scalar::Bool(v != 0),
        (Scalar::I32(v), _) => Scalar::I32(v),
        (Scalar::Bool(v), DType::F32) => Scalar::F32(f32::from(u8::from(v))),
        (Scalar::Bool(v), DType::Bool) => Scalar::Bool(v),
        (Scalar::Bool(v), _) => Scalar::I32(i32::from(v)),
    }
}

/// The result of a one-operand instruction that is the same wherever it is computed; `None` for one that every engine has
/// its own approximation of.
pub fn exact_unary(op: UnOp, a: Scalar) -> Option<Scalar> {
    Some(match a {
        Scalar::F32(x) => match op {
            UnOp::Neg => Scalar::F32(-x),
            UnOp::Abs => Scalar::F32(x.abs()),
            UnOp::Floor => Scalar::F32(x.floor()),
            UnOp::Ceil => Scalar::F32(x.ceil()),
            UnOp::Round => Scalar::F32(x.round_ties_even()),
            UnOp::Trunc => Scalar::F32(x.trunc()),
            UnOp::Sqrt => Scalar::F32(x.sqrt()),
            UnOp::IsNan => Scalar::Bool(x.is_nan()),
            UnOp::IsInf => Scalar::Bool(x.is_infinite()),
            UnOp::Not => Scalar::Bool(x == 0.0),
            UnOp::RoundF16 => Scalar::F32(half::F16.round(x)),
            UnOp::RoundBf16 => Scalar::F32(half::BF16.round(x)),
            _ => return None,
        },
        Scalar::I32(x) => match op {
            UnOp::Neg => Scalar::I32(x.wrapping_neg()),
            UnOp::Abs => Scalar::I32(x.wrapping_abs()),
            UnOp::Not => Scalar::Bool(x == 0),
            _ => a,
        },
        Scalar::Bool(x) => Scalar::Bool(if op == UnOp::Not { !x } else { x }),
    })
}

/// The result of a two-operand instruction, as [`exact_unary`] says. Operands of different dtypes give the first operand back.
pub fn exact_binary(op: BinOp, a: Scalar, b: Scalar) -> Option<Scalar> {
    Some(match (a, b) {
        (Scalar::F32(x), Scalar::F32(y)) => match op {
            BinOp::Add => Scalar::F32(x + y),
            BinOp::Sub => Scalar::F32(x - y),
            BinOp::Mul => Scalar::F32(x * y),
            BinOp::Div => Scalar::F32(x / y),
            BinOp::Min => Scalar::F32(if x.is_nan() || y.is_nan() { f32::NAN } else { x.min(y) }),
            BinOp::Max => Scalar::F32(if x.is_nan() || y.is_nan() { f32::NAN } else { x.max(y) }),
            BinOp::Rem | BinOp::Pow | BinOp::Atan2 => return None,
            _ => compare(op, x.partial_cmp(&y)).unwrap_or(a),
        },
        (Scalar::I32(x), Scalar::I32(y)) => Scalar::I32(match op {
            BinOp::Add => x.wrapping_add(y),
            BinOp::Sub => x.wrapping_sub(y),
            BinOp::Mul => x.wrapping_mul(y),
            BinOp::Div => x.checked_div(y).unwrap_or(if y == 0 { 0 } else { x }),
            BinOp::Rem => x.checked_rem(y).unwrap_or(0),
            BinOp::Min => x.min(y),
            BinOp::Max => x.max(y),
            BinOp::And => x & y,
            BinOp::Or => x | y,
            BinOp::Xor => x ^ y,
            BinOp::Shl => x.wrapping_shl(y as u32),
            BinOp::Shr => (x as u32).wrapping_shr(y as u32) as i32,
            _ => return Some(compare(op, Some(x.cmp(&y))).unwrap_or(a)),
        }),
        (Scalar::Bool(x), Scalar::Bool(y)) => Scalar::Bool(match op {
            BinOp::And | BinOp::Mul | BinOp::Min => x & y,
            BinOp::Or | BinOp::Add | BinOp::Max => x | y,
            BinOp::Xor => x ^ y,
            _ => return Some(compare(op, Some(x.cmp(&y))).unwrap_or(a)),
        }),
        _ => a,
    })
}

/// The value of a function that engines approximate, of which [`exact_unary`] gives none.
#[cfg(any(test, feature = "reference"))]
pub fn approximate_unary(op: UnOp, x: f64) -> f64 {
    match op {
        UnOp::Exp => x.exp(),
        UnOp::Expm1 => x.exp_m1(),
        UnOp::Log => x.ln(),
        UnOp::Log1p => x.ln_1p(),
        UnOp::Sin => x.sin(),
        UnOp::Cos => x.cos(),
        UnOp::Tan => x.tan(),
        UnOp::Asin => x.asin(),
        UnOp::Acos => x.acos(),
        UnOp::Atan => x.atan(),
        UnOp::Tanh => x.tanh(),
        _ => x,
    }
}

/// As [`approximate_unary`], of two operands.
#[cfg(any(test, feature = "reference"))]
pub fn approximate_binary(op: BinOp, x: f64, y: f64) -> f64 {
    match op {
        BinOp::Rem => x % y,
        BinOp::Pow => x.powf(y),
        BinOp::Atan2 => x.atan2(y),
        _ => x,
    }
}

#[cfg(any(test, feature = "reference"))]
fn eval_unary(op: UnOp, a: Scalar) -> Scalar {
    exact_unary(op, a).unwrap_or_else(|| match a {
        Scalar::F32(x) => Scalar::F32(approximate_unary(op, f64::from(x)) as f32),
        _ => a,
    })
}

#[cfg(any(test, feature = "reference"))]
fn eval_binary(op: BinOp, a: Scalar, b: Scalar) -> Scalar {
    exact_binary(op, a, b).unwrap_or_else(|| match (a, b) {
        (Scalar::F32(x), Scalar::F32(y)) => Scalar::F32(approximate_binary(op, f64::from(x), f64::from(y)) as f32),
        _ => a,
    })
}

fn compare(op: BinOp, order: Option<std::cmp::Ordering>) -> Option<Scalar> {
    let holds = match op {
        BinOp::Eq => order.is_some_and(|o| o.is_eq()),
        BinOp::Ne => order.is_none_or(|o| o.is_ne()),
        BinOp::Lt => order.is_some_and(|o| o.is_lt()),
        BinOp::Le => order.is_some_and(|o| o.is_le()),
        BinOp::Gt => order.is_some_and(|o| o.is_gt()),
        BinOp::Ge => order.is_some_and(|o| o.is_ge()),
        _ => return None,
    };
    Some(Scalar::Bool(holds))
}
