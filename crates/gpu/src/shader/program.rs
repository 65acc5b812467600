//! Scalar programs as WGSL statements.

use std::fmt::Write;

use headwater_core::plan::Map;
use headwater_core::scalar::{BinOp, Instr, UnOp};
use headwater_core::DType;

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
                Instr::Const(bits) => self.constant(dtype, bits),
                Instr::Param(k) => self.param(dtype, map.params[k as usize]),
                Instr::Unary(op, a) => self.unary(op, kind(a), &reg(a)),
                Instr::Binary(op, a, b) => self.binary(op, kind(a), &reg(a), &reg(b)),
                Instr::Select(c, a, b) => format!("select({}, {}, {})", reg(b), reg(a), reg(c)),
                Instr::Cast(a) => self.cast(kind(a), dtype, &reg(a)),
            };
            let _ = writeln!(text, "  let {prefix}r{n} = {value};");
        }
        text
    }

    fn cast(&mut self, from: DType, to: DType, a: &str) -> String {
        match (from, to) {
            (DType::F32, DType::I32) => format!("{}({a})", self.need("to_int")),
            (DType::I32, DType::F32) => format!("f32({a})"),
            (DType::F32, DType::Bool) => format!("({a} != 0.0)"),
            (DType::I32, DType::Bool) => format!("({a} != 0)"),
            (DType::Bool, DType::F32) => format!("select(0.0, 1.0, {a})"),
            (DType::Bool, DType::I32) => format!("select(0, 1, {a})"),
            _ => a.into(),
        }
    }

    fn unary(&mut self, op: UnOp, kind: DType, a: &str) -> String {
        if kind == DType::Bool {
            return if op == UnOp::Not { format!("!{a}") } else { a.into() };
        }
        let function = match op {
            UnOp::Neg => "-",
            UnOp::Abs => "abs",
            UnOp::Not => return format!("({a} == {}(0))", super::code::type_name(kind)),
            _ if kind == DType::I32 => return a.into(),
            UnOp::Floor => "floor",
            UnOp::Ceil => "ceil",
            UnOp::Round => "round",
            UnOp::Trunc => "trunc",
            UnOp::Sqrt => "sqrt",
            UnOp::Exp => self.need("exp_"),
            UnOp::Log => self.need("log_"),
            UnOp::Expm1 => self.need("expm1"),
            UnOp::Log1p => self.need("log1p"),
            UnOp::Sin => self.need("sin_"),
            UnOp::Cos => self.need("cos_"),
            UnOp::Tan => self.need("tan_"),
            UnOp::Asin => self.need("asin_"),
            UnOp::Acos => self.need("acos_"),
            UnOp::Atan => self.need("atan_"),
            UnOp::Tanh => self.need("tanh_"),
            UnOp::IsNan => self.need("is_nan"),
            UnOp::IsInf => self.need("is_inf"),
        };
        format!("{function}({a})")
    }

    fn binary(&mut self, op: BinOp, kind: DType, a: &str, b: &str) -> String {
        let infix = |symbol: &str| format!("({a} {symbol} {b})");
        if kind == DType::Bool {
            return match op {
                BinOp::And | BinOp::Mul | BinOp::Min => infix("&&"),
                BinOp::Or | BinOp::Add | BinOp::Max => infix("||"),
                BinOp::Xor | BinOp::Ne => infix("!="),
                BinOp::Eq => infix("=="),
                BinOp::Lt => format!("(!{a} && {b})"),
                BinOp::Le => format!("(!{a} || {b})"),
                BinOp::Gt => format!("({a} && !{b})"),
                BinOp::Ge => format!("({a} || !{b})"),
                _ => a.into(),
            };
        }
        let float = kind == DType::F32;
        let symbol = match op {
            BinOp::Add => "+",
            BinOp::Sub => "-",
            BinOp::Mul => "*",
            BinOp::Div if float => "/",
            BinOp::Div => return format!("{}({a}, {b})", self.need("divide")),
            BinOp::Rem => return format!("{}({a}, {b})", self.need(if float { "rem_float" } else { "rem_int" })),
            BinOp::Min if float => return format!("{}({a}, {b})", self.need("min_")),
            BinOp::Max if float => return format!("{}({a}, {b})", self.need("max_")),
            BinOp::Min => return format!("min({a}, {b})"),
            BinOp::Max => return format!("max({a}, {b})"),
            BinOp::Pow => return format!("{}({a}, {b})", self.need("pow_")),
            BinOp::Atan2 => return format!("{}({a}, {b})", self.need("atan2_")),
            BinOp::Eq => "==",
            BinOp::Ne => "!=",
            BinOp::Lt => "<",
            BinOp::Le => "<=",
            BinOp::Gt => ">",
            BinOp::Ge => ">=",
            BinOp::And => "&",
            BinOp::Or => "|",
            BinOp::Xor => "^",
            BinOp::Shl => return format!("({a} << (u32({b}) & 31u))"),
            BinOp::Shr => return format!("i32(u32({a}) >> (u32({b}) & 31u))"),
        };
        infix(symbol)
    }
}
