//! Expressions that build programs.

use crate::collect::Listed;
use std::cell::RefCell;
use std::ops;

use super::{exact_binary, exact_unary, BinOp, Instr, Program, Reg, UnOp};
use crate::dtype::{DType, Scalar};

/// Builds a [`Program`]: equal instructions are shared, constants folded, neutral elements dropped.
#[derive(Default)]
pub struct Builder {
    program: RefCell<Program>,
}

impl Builder {
    /// An empty program.
    pub fn new() -> Builder {
        Builder::default()
    }

    /// Kernel input `n`.
    pub fn input(&self, n: usize, dtype: DType) -> Ex<'_> {
        self.push(Instr::Input(n as u16), dtype)
    }

    /// The run-time scalar `n`.
    pub fn param(&self, n: usize, dtype: DType) -> Ex<'_> {
        self.push(Instr::Param(n as u16), dtype)
    }

    /// The result of the kernel's head.
    pub fn acc(&self, dtype: DType) -> Ex<'_> {
        self.push(Instr::Acc, dtype)
    }

    /// A constant.
    pub fn constant(&self, value: Scalar) -> Ex<'_> {
        self.push(Instr::Const(value.bits()), value.dtype())
    }

    /// A register as an expression.
    pub fn reg(&self, reg: Reg) -> Ex<'_> {
        Ex { builder: self, reg }
    }

    /// Copies `program` in, with its inputs bound by `input`, its parameters by `param` and its head by `acc`, and returns its registers.
    pub fn inline<'b>(
        &'b self,
        program: &Program,
        input: &dyn Fn(u16) -> Ex<'b>,
        param: &dyn Fn(u16) -> Ex<'b>,
    ) -> Vec<Ex<'b>> {
        let mut regs: Vec<Ex<'b>> = Vec::with_capacity(program.code.len());
        for (instr, &dtype) in program.code.iter().zip(&program.types) {
            let at = |r: Reg| regs[r as usize];
            let ex = match *instr {
                Instr::Input(n) => input(n),
                Instr::Param(n) => param(n),
                Instr::Acc => self.acc(dtype),
                Instr::Const(bits) => self.constant(Scalar::from_bits(dtype, bits)),
                Instr::Unary(op, a) => at(a).un(op),
                Instr::Binary(op, a, b) => at(a).bin(op, at(b)),
                Instr::Select(c, a, b) => at(c).select(at(a), at(b)),
                Instr::Cast(a) => at(a).cast(dtype),
            };
            regs.push(ex);
        }
        regs
    }

    /// The finished program, with instructions that no register of `outputs` needs dropped, and the outputs' new registers.
    pub fn finish(self, outputs: &[Reg]) -> (Program, Vec<Reg>) {
        let program = self.program.into_inner();
        let mut needed = vec![false; program.code.len()];
        outputs.iter().for_each(|&o| needed[o as usize] = true);
        for i in (0..program.code.len()).rev() {
            if needed[i] {
                program.code[i].operands().for_each(|o| needed[o as usize] = true);
            }
        }
        let mut renumbered: Vec<Reg> = vec![0; program.code.len()];
        let mut out = Program::default();
        for (i, instr) in program.code.iter().enumerate() {
            if needed[i] {
                renumbered[i] = out.code.len() as Reg;
                out.code.push(instr.map_operands(|r| renumbered[r as usize]));
                out.types.push(program.types[i].lane());
            }
        }
        (out, outputs.iter().map(|&o| renumbered[o as usize]).listed())
    }

    fn dtype(&self, reg: Reg) -> DType {
        self.program.borrow().types[reg as usize]
    }

    fn value(&self, reg: Reg) -> Option<Scalar> {
        self.program.borrow().constant(reg)
    }

    fn push(&self, instr: Instr, dtype: DType) -> Ex<'_> {
        let mut program = self.program.borrow_mut();
        // Programs have tens of instructions: a search through them beats a map of them.
        let known = program.code.iter().zip(&program.types).position(|(i, d)| (*i, *d) == (instr, dtype));
        let reg = known.unwrap_or_else(|| {
            program.code.push(instr);
            program.types.push(dtype);
            program.code.len() - 1
        }) as Reg;
        Ex { builder: self, reg }
    }
}

/// A scalar expression under construction.
#[derive(Clone, Copy)]
pub struct Ex<'b> {
    builder: &'b Builder,
    /// The register that holds the value.
    pub reg: Reg,
}

impl<'b> Ex<'b> {
    /// The expression's dtype.
    pub fn dtype(self) -> DType {
        self.builder.dtype(self.reg)
    }

    /// A constant of this expression's dtype.
    pub fn k(self, value: f64) -> Ex<'b> {
        let dtype = self.dtype();
        self.builder.push(Instr::Const(Scalar::from_f64(dtype, value).bits()), dtype)
    }

    fn is(self, value: f64) -> bool {
        self.builder.value(self.reg).is_some_and(|v| v == Scalar::from_f64(v.dtype(), value))
    }

    /// Applies a one-operand instruction.
    pub fn un(self, op: UnOp) -> Ex<'b> {
        if op == UnOp::Abs && self.dtype() == DType::U32 {
            return self;
        }
        let dtype = match op {
            UnOp::IsNan | UnOp::IsInf | UnOp::Not => DType::Bool,
            _ => self.dtype(),
        };
        // What engines approximate is left to them: the same everywhere, and no second set of functions to download.
        match self.builder.value(self.reg).and_then(|v| exact_unary(op, v)) {
            Some(v) => self.builder.push(Instr::Const(v.bits()), dtype),
            None => self.builder.push(Instr::Unary(op, self.reg), dtype),
        }
    }

    /// Applies a two-operand instruction.
    pub fn bin(self, op: BinOp, other: Ex<'b>) -> Ex<'b> {
        let b = self.builder;
        if self.dtype() == DType::U32 {
            if let Some(ex) = unsigned(op, self, other) {
                return ex;
            }
        }
        let dtype = if op.is_comparison() { DType::Bool } else { self.dtype() };
        if let (Some(x), Some(y)) = (b.value(self.reg), b.value(other.reg)) {
            if let Some(v) = exact_binary(op, x, y) {
                return b.push(Instr::Const(v.bits()), dtype);
            }
        }
        match op {
            BinOp::Add if self.is(0.0) => return other,
            BinOp::Add | BinOp::Sub if other.is(0.0) => return self,
            BinOp::Mul if self.is(1.0) => return other,
            BinOp::Mul | BinOp::Div if other.is(1.0) => return self,
            BinOp::Sub if self.is(0.0) && self.dtype() != DType::Bool => return other.un(UnOp::Neg),
            _ => {}
        }
        b.push(Instr::Binary(op, self.reg, other.reg), dtype)
    }

    /// `yes` where this bool expression holds, else `no`.
    pub fn select(self, yes: Ex<'b>, no: Ex<'b>) -> Ex<'b> {
        match self.builder.value(self.reg) {
            Some(v) if v.bits() != 0 => yes,
            Some(_) => no,
            None if yes.reg == no.reg => yes,
            None => self.builder.push(Instr::Select(self.reg, yes.reg, no.reg), yes.dtype()),
        }
    }

    /// Converts to `dtype`, one of those that expressions compute in: float32, int32, bool or uint32.
    pub fn cast(self, dtype: DType) -> Ex<'b> {
        match (self.dtype(), dtype) {
            (from, to) if from == to => self,
            (DType::U32, DType::F32) => float_of_unsigned(self),
            (DType::F32, DType::U32) => unsigned_of_float(self),
            _ => self.builder.push(Instr::Cast(self.reg), dtype),
        }
    }

    /// The value of a tensor of `dtype` for this result of the lane: rounded, or wrapped around. See [`DType::narrow`].
    pub fn narrow(self, dtype: DType) -> Ex<'b> {
        match dtype {
            DType::F16 => self.un(UnOp::RoundF16),
            DType::BF16 => self.un(UnOp::RoundBf16),
            DType::U8 => self.and(self.k(255.0)),
            // The sign bit is subtracted where it was set.
            DType::I8 => (self.and(self.k(255.0))).xor(self.k(128.0)) - 128.0,
            _ => self,
        }
    }
}

/// The order of unsigned numbers is that of signed ones with the other sign bit. Gives an int32.
fn ordered(x: Ex<'_>) -> Ex<'_> {
    let sign = x.k(2_147_483_648.0);
    x.xor(sign).cast(DType::I32)
}

/// An instruction on uint32 in those on int32, where it is another: engines know int32 alone.
fn unsigned<'b>(op: BinOp, a: Ex<'b>, b: Ex<'b>) -> Option<Ex<'b>> {
    let zero = b.k(0.0);
    Some(match op {
        BinOp::Lt | BinOp::Le | BinOp::Gt | BinOp::Ge => ordered(a).bin(op, ordered(b)),
        BinOp::Min => a.lt(b).select(a, b),
        BinOp::Max => a.gt(b).select(a, b),
        // Half the dividend is a positive int32; what its quotient lacks is 0 or 1. As for int32, a zero divisor gives 0.
        BinOp::Div => {
            let signed = |x: Ex<'b>| x.cast(DType::I32);
            let half = (signed(a >> 1.0) / signed(b)).cast(DType::U32) << 1.0;
            let quotient = half + (a - half * b).ge(b).cast(DType::U32);
            let large = a.ge(b).cast(DType::U32);
            b.eq(zero).select(zero, signed(b).lt(signed(zero)).select(large, quotient))
        }
        BinOp::Rem => b.eq(zero).select(zero, a - a / b * b),
        _ => return None,
    })
}

fn float_of_unsigned(x: Ex<'_>) -> Ex<'_> {
    // Both halves are exact, and the sum is rounded once.
    let (high, low) = (x >> 16.0, x.and(x.k(65535.0)));
    high.cast(DType::I32).cast(DType::F32) * 65536.0 + low.cast(DType::I32).cast(DType::F32)
}

fn unsigned_of_float(x: Ex<'_>) -> Ex<'_> {
    let half = 2_147_483_648.0;
    // From 2^31 on, the difference is exact; conversions to int32 have the limits.
    let low = x.max(x.k(0.0)).cast(DType::I32).cast(DType::U32);
    let high = (x - half).cast(DType::I32).cast(DType::U32);
    x.ge(x.k(half)).select(high.xor(high.k(half)), low)
}

macro_rules! unary_methods {
    ($($(#[$doc:meta])* $name:ident $op:ident),* $(,)?) => {
        impl<'b> Ex<'b> { $($(#[$doc])* pub fn $name(self) -> Ex<'b> { self.un(UnOp::$op) })* }
    };
}
unary_methods! {
    /// |x|
    abs Abs, /// largest integer not above
    floor Floor, /// smallest integer not below
    ceil Ceil, /// nearest integer, halves to even
    round Round, /// towards zero
    trunc Trunc, /// square root
    sqrt Sqrt, /// e^x
    exp Exp, /// e^x - 1
    expm1 Expm1, /// natural logarithm
    log Log, /// log(1 + x)
    log1p Log1p, /// sine
    sin Sin, /// cosine
    cos Cos, /// tangent
    tan Tan, /// arc sine
    asin Asin, /// arc cosine
    acos Acos, /// arc tangent
    atan Atan, /// hyperbolic tangent
    tanh Tanh, /// whether NaN
    is_nan IsNan, /// whether infinite
    is_inf IsInf,
}

macro_rules! binary_methods {
    ($($(#[$doc:meta])* $name:ident $op:ident),* $(,)?) => {
        impl<'b> Ex<'b> { $($(#[$doc])* pub fn $name(self, other: Ex<'b>) -> Ex<'b> { self.bin(BinOp::$op, other) })* }
    };
}
binary_methods! { /// smaller
    min Min, /// larger
    max Max, /// power
    pow Pow, /// angle of (other, self)
    atan2 Atan2, /// ==
    eq Eq, /// !=
    ne Ne, /// <
    lt Lt, /// <=
    le Le, /// >
    gt Gt, /// >=
    ge Ge, /// and
    and And, /// or
    or Or, /// exclusive or
    xor Xor,
}

macro_rules! operators {
    ($($trait:ident $method:ident $op:ident),*) => { $(
        impl<'b> ops::$trait for Ex<'b> {
            type Output = Ex<'b>;
            fn $method(self, other: Ex<'b>) -> Ex<'b> { self.bin(BinOp::$op, other) }
        }
        impl<'b> ops::$trait<f64> for Ex<'b> {
            type Output = Ex<'b>;
            fn $method(self, other: f64) -> Ex<'b> { self.bin(BinOp::$op, self.k(other)) }
        }
        impl<'b> ops::$trait<Ex<'b>> for f64 {
            type Output = Ex<'b>;
            fn $method(self, other: Ex<'b>) -> Ex<'b> { other.k(self).bin(BinOp::$op, other) }
        }
    )* };
}
operators!(Add add Add, Sub sub Sub, Mul mul Mul, Div div Div, Rem rem Rem, Shl shl Shl, Shr shr Shr);

impl<'b> ops::Neg for Ex<'b> {
    type Output = Ex<'b>;
    fn neg(self) -> Ex<'b> {
        self.un(UnOp::Neg)
    }
}

impl<'b> ops::Not for Ex<'b> {
    type Output = Ex<'b>;
    fn not(self) -> Ex<'b> {
        self.un(UnOp::Not)
    }
}
