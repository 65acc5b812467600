//! Scalar programs: what a fused pointwise kernel computes for one element.
//!
//! Rows of the pointwise table ([`crate::pointwise`]) are written as expressions over [`Ex`]; the expressions become
//! [`Program`]s in static single assignment form, which both engines translate. Derivatives are taken here, on the
//! program, so that a row needs none of its own.

mod build;
mod derive;
mod eval;

pub use build::{Builder, Ex};
pub use derive::derivative;
#[cfg(any(test, feature = "reference"))]
pub use eval::{approximate_binary, approximate_unary, eval};
pub use eval::{eval_cast, exact_binary, exact_unary};

use crate::dtype::{DType, Scalar};

/// The index of the instruction that computes a value.
pub type Reg = u16;

/// One-operand instructions. Float operands unless said otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // the names are the definitions
pub enum UnOp {
    /// Also int32.
    Neg,
    /// Also int32.
    Abs,
    Floor,
    Ceil,
    /// To the nearest integer, halves to even.
    Round,
    Trunc,
    Sqrt,
    Exp,
    /// `exp(x) - 1`, accurate near zero.
    Expm1,
    Log,
    /// `log(1 + x)`, accurate near zero.
    Log1p,
    Sin,
    Cos,
    Tan,
    Asin,
    Acos,
    Atan,
    Tanh,
    /// float32 -> bool.
    IsNan,
    /// float32 -> bool.
    IsInf,
    /// bool -> bool.
    Not,
    /// To the nearest float16: see [`crate::half`].
    RoundF16,
    /// To the nearest bfloat16.
    RoundBf16,
}

/// Two-operand instructions. Both operands have one dtype; comparisons give bool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // the names are the definitions
pub enum BinOp {
    Add,
    Sub,
    Mul,
    /// int32: truncates; a zero divisor gives 0.
    Div,
    /// The remainder with the dividend's sign; int32: a zero divisor gives 0.
    Rem,
    /// NaN if either is NaN.
    Min,
    /// NaN if either is NaN.
    Max,
    /// `Math.pow`: a negative base with a fractional exponent gives NaN. Float only.
    Pow,
    /// Float only.
    Atan2,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    /// int32 bits, or bool.
    And,
    /// int32 bits, or bool.
    Or,
    /// int32 bits, or bool.
    Xor,
    /// int32; the count is taken modulo 32.
    Shl,
    /// int32, filling with zeros; the count is taken modulo 32.
    Shr,
}

impl BinOp {
    /// Whether the result is bool whatever the operands are.
    pub fn is_comparison(self) -> bool {
        matches!(self, BinOp::Eq | BinOp::Ne | BinOp::Lt | BinOp::Le | BinOp::Gt | BinOp::Ge)
    }
}

/// One instruction; its result is the register of the same index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Instr {
    /// The element of kernel input `n` at the current index.
    Input(u16),
    /// The value the kernel's head (a reduction, a contraction) computed at the current index.
    Acc,
    /// A constant, as a 32-bit lane of the register's dtype.
    Const(u32),
    /// The kernel's run-time scalar `n`.
    Param(u16),
    /// A one-operand instruction.
    Unary(UnOp, Reg),
    /// A two-operand instruction.
    Binary(BinOp, Reg, Reg),
    /// The second register where the first (bool) holds, else the third.
    Select(Reg, Reg, Reg),
    /// A conversion to the register's dtype; float to int truncates and saturates, NaN gives 0.
    Cast(Reg),
}

impl Instr {
    /// The registers the instruction reads.
    pub fn operands(&self) -> impl Iterator<Item = Reg> {
        let (list, n) = match *self {
            Instr::Input(_) | Instr::Acc | Instr::Const(_) | Instr::Param(_) => ([0; 3], 0),
            Instr::Unary(_, a) | Instr::Cast(a) => ([a, 0, 0], 1),
            Instr::Binary(_, a, b) => ([a, b, 0], 2),
            Instr::Select(a, b, c) => ([a, b, c], 3),
        };
        list.into_iter().take(n)
    }

    /// The instruction with its operands replaced.
    #[must_use]
    pub fn map_operands(&self, mut f: impl FnMut(Reg) -> Reg) -> Instr {
        match *self {
            Instr::Unary(op, a) => Instr::Unary(op, f(a)),
            Instr::Cast(a) => Instr::Cast(f(a)),
            Instr::Binary(op, a, b) => Instr::Binary(op, f(a), f(b)),
            Instr::Select(a, b, c) => Instr::Select(f(a), f(b), f(c)),
            leaf => leaf,
        }
    }
}

/// Instructions in static single assignment form: every operand comes before its use.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Program {
    /// The instructions.
    pub code: Vec<Instr>,
    /// The dtype of each instruction's result: float32, int32 or bool. See [`DType::lane`].
    pub types: Vec<DType>,
}

impl Program {
    /// The value of register `reg` if it is a constant.
    pub fn constant(&self, reg: Reg) -> Option<Scalar> {
        match self.code[reg as usize] {
            Instr::Const(bits) => Some(Scalar::from_bits(self.types[reg as usize], bits)),
            _ => None,
        }
    }

    /// The number of instructions that compute, a measure of what repeating the program costs:
    /// transcendental functions count eight, divisions and roots four.
    pub fn cost(&self) -> usize {
        self.code
            .iter()
            .map(|instr| match instr {
                Instr::Input(_) | Instr::Acc | Instr::Const(_) | Instr::Param(_) => 0,
                Instr::Unary(UnOp::Neg | UnOp::Abs | UnOp::Not | UnOp::Floor | UnOp::Ceil | UnOp::Round, _) => 1,
                Instr::Unary(UnOp::Sqrt | UnOp::RoundF16 | UnOp::RoundBf16, _)
                | Instr::Binary(BinOp::Div | BinOp::Rem, ..) => 4,
                Instr::Unary(..) | Instr::Binary(BinOp::Pow | BinOp::Atan2, ..) => 8,
                Instr::Binary(..) | Instr::Select(..) | Instr::Cast(_) => 1,
            })
            .sum()
    }

    /// The number of kernel inputs the program reads: one more than the highest it names.
    pub fn input_count(&self) -> usize {
        self.code.iter().map(|i| if let Instr::Input(n) = i { *n as usize + 1 } else { 0 }).max().unwrap_or(0)
    }
}
