//! Scalar programs as WGSL statements, over single elements or over four at a time.

use std::fmt::Write;

use headwater_core::plan::Map;
use headwater_core::scalar::{BinOp, Instr, UnOp};
use headwater_core::{DType, Scalar};

use super::code::Code;

impl Code<'_> {
    /// Statements that compute a map's program: register `n` is `{prefix}r{n}`, input `n` is `{prefix}x{n}`.
    pub fn statements(&mut self, prefix: &str, map: &Map) -> String {
        let mut text = String::new();
        for (n, (instr, &dtype)) in map.program.code.iter().zip(&map.program.types).enumerate() {
            let reg = |r: u16| format!("{prefix}r{r}");
            let kind = |r: u16| map.program.types[r as usize];
            let value = match *instr {
                Instr::Input(k) => format!("{prefix}x{k}"),
                Instr::Acc => "acc".into(),
                Instr::Const(bits) => {
                    let constant = self.constant(dtype, bits);
                    self.splat(dtype, constant)
                }
                Instr::Param(k) => {
                    let param = self.param(dtype, map.params[k as usize]);
                    self.splat(dtype, param)
                }
                Instr::Unary(op, a) => self.unary(op, kind(a), &reg(a)),
                Instr::Binary(op @ (BinOp::Min | BinOp::Max), a, b) if kind(a) == DType::F32 => {
                    let known = |r: u16| matches!(map.program.constant(r), Some(Scalar::F32(c)) if !c.is_nan());
                    self.extreme(op == BinOp::Max, (&reg(a), known(a)), (&reg(b), known(b)))
                }
                Instr::Binary(op, a, b) => self.binary(op, kind(a), &reg(a), &reg(b)),
                Instr::Select(c, a, b) => format!("select({}, {}, {})", reg(b), reg(a), reg(c)),
                Instr::Cast(a) => self.cast(kind(a), dtype, &reg(a)),
            };
            let _ = writeln!(text, "let {prefix}r{n} = {value};");
        }
        text
    }

    fn cast(&mut self, from: DType, to: DType, a: &str) -> String {
        let (source, target) = (self.register(from), self.register(to));
        match (from, to) {
            (DType::F32, DType::I32) => format!("{}({a})", self.function("to_int")),
            (DType::I32, DType::F32) => format!("{target}({a})"),
            // As below: NaN is true.
            (DType::F32 | DType::I32, DType::Bool) => format!("!({a} == {source}(0))"),
            (DType::Bool, DType::F32 | DType::I32) => format!("select({target}(0), {target}(1), {a})"),
            _ => a.into(),
        }
    }

    fn unary(&mut self, op: UnOp, kind: DType, a: &str) -> String {
        if kind == DType::Bool {
            return if op == UnOp::Not { format!("!{a}") } else { a.into() };
        }
        let function = match op {
            UnOp::Neg => "-".into(),
            UnOp::Abs => "abs".into(),
            UnOp::Not => return format!("({a} == {}(0))", self.register(kind)),
            _ if kind == DType::I32 => return a.into(),
            UnOp::Floor => "floor".into(),
            UnOp::Ceil => "ceil".into(),
            UnOp::Round => "round".into(),
            UnOp::Trunc => "trunc".into(),
            UnOp::Sqrt => "sqrt".into(),
            UnOp::Exp => self.function("exp_"),
            UnOp::Log => self.function("log_"),
            UnOp::Expm1 => self.function("expm1"),
            UnOp::Log1p => self.function("log1p"),
            UnOp::Sin => self.function("sin_"),
            UnOp::Cos => self.function("cos_"),
            UnOp::Tan => self.function("tan_"),
            UnOp::Asin => self.function("asin_"),
            UnOp::Acos => self.function("acos_"),
            UnOp::Atan => self.function("atan_"),
            UnOp::Tanh => self.function("tanh_"),
            UnOp::IsNan => self.function("is_nan"),
            UnOp::IsInf => self.function("is_inf"),
            UnOp::RoundF16 => self.function("round_f16"),
            UnOp::RoundBf16 => self.function("round_bf16"),
        };
        format!("{function}({a})")
    }

    /// The larger or smaller of two floats. An operand known not to be NaN needs no test.
    fn extreme(&mut self, max: bool, (a, a_known): (&str, bool), (b, b_known): (&str, bool)) -> String {
        let plain = if max { "max" } else { "min" };
        match (a_known, b_known) {
            (true, true) => format!("{plain}({a}, {b})"),
            (false, true) => format!("select({plain}({a}, {b}), {a}, {}({a}))", self.function("is_nan")),
            (true, false) => format!("select({plain}({a}, {b}), {b}, {}({b}))", self.function("is_nan")),
            (false, false) => format!("{}({a}, {b})", self.function(if max { "max_" } else { "min_" })),
        }
    }

    fn binary(&mut self, op: BinOp, kind: DType, a: &str, b: &str) -> String {
        let infix = |symbol: &str| format!("({a} {symbol} {b})");
        if kind == DType::Bool {
            return match op {
                BinOp::And | BinOp::Mul | BinOp::Min => infix("&"),
                BinOp::Or | BinOp::Add | BinOp::Max => infix("|"),
                BinOp::Xor | BinOp::Ne => infix("!="),
                BinOp::Eq => infix("=="),
                BinOp::Lt => format!("(!{a} & {b})"),
                BinOp::Le => format!("(!{a} | {b})"),
                BinOp::Gt => format!("({a} & !{b})"),
                BinOp::Ge => format!("({a} | !{b})"),
                _ => a.into(),
            };
        }
        let float = kind == DType::F32;
        let call = |function: String| format!("{function}({a}, {b})");
        let unsigned = if self.wide { "vec4<u32>" } else { "u32" };
        let symbol = match op {
            BinOp::Add => "+",
            BinOp::Sub => "-",
            BinOp::Mul => "*",
            BinOp::Div if float => "/",
            BinOp::Div => return call(self.function("divide")),
            BinOp::Rem => return call(self.function(if float { "rem_float" } else { "rem_int" })),
            BinOp::Min => return call("min".into()),
            BinOp::Max => return call("max".into()),
            BinOp::Pow => return call(self.function("pow_")),
            BinOp::Atan2 => return call(self.function("atan2_")),
            BinOp::Eq => "==",
            // Compilers take != for a comparison that is false of NaN.
            BinOp::Ne => return format!("!({a} == {b})"),
            BinOp::Lt => "<",
            BinOp::Le => "<=",
            BinOp::Gt => ">",
            BinOp::Ge => ">=",
            BinOp::And => "&",
            BinOp::Or => "|",
            BinOp::Xor => "^",
            BinOp::Shl => return format!("({a} << ({unsigned}({b}) & {unsigned}(31u)))"),
            BinOp::Shr => {
                let signed = self.register(DType::I32);
                return format!("{signed}({unsigned}({a}) >> ({unsigned}({b}) & {unsigned}(31u)))");
            }
        };
        infix(symbol)
    }
}
