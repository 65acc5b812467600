//! Scalar programs in float64.

use crate::dtype::DType;
use crate::half;
use crate::scalar::{approximate_binary, approximate_unary, BinOp, Instr, Program, Reg, UnOp};

/// Evaluates `program` on one element and returns every register. Float registers hold float64, int32 and bool ones the
/// value they would hold on an engine.
pub(super) fn eval(program: &Program, inputs: &[f64], params: &[f64], acc: Option<f64>) -> Vec<f64> {
    let mut regs: Vec<f64> = Vec::with_capacity(program.code.len());
    for (instr, &dtype) in program.code.iter().zip(&program.types) {
        let at = |r: Reg| regs[r as usize];
        let is_float = |r: Reg| program.types[r as usize] == DType::F32;
        let value = match *instr {
            Instr::Input(n) => inputs[n as usize],
            Instr::Acc => acc.unwrap_or(0.0),
            Instr::Const(bits) => super::of_bits(dtype, bits),
            Instr::Param(n) => params[n as usize],
            Instr::Unary(op, a) if is_float(a) => float_unary(op, at(a)),
            Instr::Unary(op, a) => f64::from(match op {
                UnOp::Neg => (at(a) as i32).wrapping_neg(),
                UnOp::Abs => (at(a) as i32).wrapping_abs(),
                UnOp::Not => i32::from(at(a) == 0.0),
                _ => at(a) as i32,
            }),
            Instr::Binary(op, a, b) => binary(op, is_float(a), at(a), at(b)),
            Instr::Select(c, a, b) => at(if at(c) == 0.0 { b } else { a }),
            Instr::Cast(a) => match dtype {
                DType::F32 => at(a),
                DType::Bool => truth(at(a) != 0.0),
                _ => f64::from(at(a) as i32),
            },
        };
        regs.push(value);
    }
    regs
}

fn truth(x: bool) -> f64 {
    f64::from(u8::from(x))
}

fn float_unary(op: UnOp, x: f64) -> f64 {
    match op {
        UnOp::Neg => -x,
        UnOp::Abs => x.abs(),
        UnOp::Floor => x.floor(),
        UnOp::Ceil => x.ceil(),
        UnOp::Round => x.round_ties_even(),
        UnOp::Trunc => x.trunc(),
        UnOp::Sqrt => x.sqrt(),
        UnOp::IsNan => truth(x.is_nan()),
        UnOp::IsInf => truth(x.is_infinite()),
        UnOp::Not => truth(x == 0.0),
        UnOp::RoundF16 => f64::from(half::F16.round(x as f32)),
        UnOp::RoundBf16 => f64::from(half::BF16.round(x as f32)),
        _ => approximate_unary(op, x),
    }
}

/// A two-operand instruction on float64, or on int32 values held in float64.
pub(super) fn binary(op: BinOp, float: bool, x: f64, y: f64) -> f64 {
    let (i, j) = (x as i32, y as i32);
    match op {
        BinOp::Eq => truth(x == y),
        BinOp::Ne => truth(x != y),
        BinOp::Lt => truth(x < y),
        BinOp::Le => truth(x <= y),
        BinOp::Gt => truth(x > y),
        BinOp::Ge => truth(x >= y),
        BinOp::Min | BinOp::Max if x.is_nan() || y.is_nan() => f64::NAN,
        BinOp::Min => x.min(y),
        BinOp::Max => x.max(y),
        BinOp::Pow | BinOp::Atan2 => approximate_binary(op, x, y),
        BinOp::And => f64::from(i & j),
        BinOp::Or => f64::from(i | j),
        BinOp::Xor => f64::from(i ^ j),
        BinOp::Shl => f64::from(i.wrapping_shl(j as u32)),
        BinOp::Shr => f64::from((i as u32).wrapping_shr(j as u32) as i32),
        BinOp::Add if float => x + y,
        BinOp::Sub if float => x - y,
        BinOp::Mul if float => x * y,
        BinOp::Div if float => x / y,
        BinOp::Rem if float => approximate_binary(op, x, y),
        BinOp::Add => f64::from(i.wrapping_add(j)),
        BinOp::Sub => f64::from(i.wrapping_sub(j)),
        BinOp::Mul => f64::from(i.wrapping_mul(j)),
        BinOp::Div => f64::from(if j == 0 { 0 } else { i.wrapping_div(j) }),
        BinOp::Rem => f64::from(if j == 0 { 0 } else { i.wrapping_rem(j) }),
    }
}
