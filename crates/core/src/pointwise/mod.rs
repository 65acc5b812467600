//! The pointwise family: one row per op in [`table`], and what follows from a row.
//!
//! A row holds a name, a dtype rule, an expression and a reference for the test. Everything else is derived: the CPU
//! and the WGSL code and the fusion rule from the expression, the gradient by differentiating it, the Rust function
//! and the chained method by the table's macro, the JavaScript one from the row's name.

#[cfg(feature = "special")]
mod gamma;
#[cfg(feature = "special")]
pub mod special;
pub mod table;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::collect::Listed;
use crate::dtype::{DType, Scalar};
use crate::error::{Error, Result};
use crate::scalar::{derivative, Builder, Ex, Program, Reg};

/// How operand dtypes are unified, and what comes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TypeRule {
    /// Operands become the wider of their dtypes if that is a float, else float32; so is the result.
    Float,
    /// Operands become the wider of their dtypes, int32 for bool; so is the result.
    Arithmetic,
    /// Operands become floats, as in `Float`; the result is bool.
    Test,
    /// Operands become the wider of their dtypes; the result is bool.
    Compare,
    /// Operands must be bool; so is the result.
    Logical,
    /// Operands must be of one dtype of whole numbers; so is the result.
    Bitwise,
    /// The first operand must be bool; the others become the wider of their dtypes; so is the result.
    Select,
}

impl TypeRule {
    /// The dtypes the operands are cast to.
    ///
    /// # Errors
    /// `ErrorKind::DType` naming `op` when an operand's dtype is not accepted.
    pub fn operands(self, op: &str, dtypes: &[DType]) -> Result<Vec<DType>> {
        let wider = |from: usize| dtypes[from..].iter().fold(DType::Bool, |a, &b| a.upcast(b));
        let require = |dtype: DType, upto: usize| match dtypes[..upto].iter().find(|&&d| d != dtype) {
            Some(other) => Err(Error::dtype(op, dtype.name(), other.name())),
            None => Ok(()),
        };
        Ok(match self {
            TypeRule::Float | TypeRule::Test => vec![wider(0).float(); dtypes.len()],
            TypeRule::Arithmetic if wider(0) == DType::Bool => vec![DType::I32; dtypes.len()],
            TypeRule::Arithmetic => vec![wider(0); dtypes.len()],
            TypeRule::Compare => vec![wider(0); dtypes.len()],
            TypeRule::Logical => require(DType::Bool, dtypes.len()).map(|()| dtypes.to_vec())?,
            TypeRule::Bitwise => {
                let dtype = if dtypes[0].is_integer() { dtypes[0] } else { DType::I32 };
                require(dtype, dtypes.len()).map(|()| dtypes.to_vec())?
            }
            TypeRule::Select => {
                require(DType::Bool, 1)?;
                let mut out = vec![wider(1); dtypes.len()];
                out[0] = DType::Bool;
                out
            }
        })
    }
}

/// A row's expression, by number of operands.
#[derive(Clone, Copy)]
pub enum Expression {
    /// Of one operand.
    One(for<'b> fn(Ex<'b>) -> Ex<'b>),
    /// Of two operands.
    Two(for<'b> fn(Ex<'b>, Ex<'b>) -> Ex<'b>),
    /// Of three operands.
    Three(for<'b> fn(Ex<'b>, Ex<'b>, Ex<'b>) -> Ex<'b>),
}

/// Where a row's gradient comes from.
#[derive(Clone, Copy)]
pub enum Gradient {
    /// From differentiating the expression.
    Derived,
    /// Given, as a function of the result and of the result's gradient. Saves keeping the operand of a unary op.
    OfOutput(for<'b> fn(Ex<'b>, Ex<'b>) -> Ex<'b>),
    /// Given, as a function of the operand and of the result's gradient: where it is more exact than the derived one.
    OfInput(for<'b> fn(Ex<'b>, Ex<'b>) -> Ex<'b>),
}

/// A float64 reference for the generated test, with the operands' ranges. Only in builds with tests: the functions would
/// be downloaded otherwise.
#[cfg(any(test, feature = "reference"))]
#[derive(Clone, Copy)]
pub struct Check {
    /// The exact function.
    pub reference: fn(&[f64]) -> f64,
    /// The range each operand is drawn from.
    pub domain: &'static [(f64, f64)],
}

/// One op of the pointwise family.
pub struct Row {
    /// TensorFlow.js's name.
    pub name: &'static str,
    /// What dtypes go in and come out.
    pub types: TypeRule,
    /// The value.
    pub expression: Expression,
    /// The gradient.
    pub gradient: Gradient,
    /// The test.
    #[cfg(any(test, feature = "reference"))]
    pub check: Check,
}

impl Row {
    /// The number of operands.
    pub fn arity(&self) -> usize {
        match self.expression {
            Expression::One(_) => 1,
            Expression::Two(_) => 2,
            Expression::Three(_) => 3,
        }
    }

    /// The row compiled for operands of `dtypes`, as [`TypeRule::operands`] gave them. Compiled once per dtypes.
    pub fn function(&'static self, dtypes: &[DType]) -> Arc<Function> {
        static COMPILED: Mutex<Vec<Arc<Function>>> = Mutex::new(Vec::new());
        let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = compiled.iter().find(|f| f.name == self.name && f.operands == dtypes) {
            return known.clone();
        }
        let builder = Builder::new();
        let x: Vec<Ex> = dtypes.iter().enumerate().map(|(i, &d)| builder.input(i, d.wide())).listed();
        let y = match self.expression {
            Expression::One(f) => f(x[0]),
            Expression::Two(f) => f(x[0], x[1]),
            Expression::Three(f) => f(x[0], x[1], x[2]),
        };
        // What the operands are computed in is of their dtype; anything else, as a truth value, is of its own.
        let unified = dtypes[dtypes.len() - 1];
        let dtype = if y.dtype() == unified.wide() { unified } else { y.dtype() };
        let reg = y.narrow(dtype).reg;
        let function = Arc::new(Function::new(self.name, dtypes.to_vec(), dtype, builder, reg, self.gradient));
        compiled.push(function.clone());
        function
    }
}

/// A scalar function with its operand dtypes: what a pointwise node of the graph computes per element.
pub struct Function {
    /// Distinguishes functions in the structural hash of a graph.
    pub id: u64,
    /// The op's name, for errors and profiles.
    pub name: &'static str,
    /// The dtype of each operand.
    pub operands: Vec<DType>,
    /// The result's dtype.
    pub dtype: DType,
    /// The code; its inputs are the operands.
    pub program: Program,
    /// The register that holds the result.
    pub output: Reg,
    gradient: Gradient,
    derived: OnceLock<Vec<Option<Arc<Function>>>>,
}

/// The gradient of a [`Function`] by one operand, and what to call it with.
pub enum Derivative {
    /// Call with the operands followed by the result's gradient.
    OfInputs(Arc<Function>),
    /// Call with the result and the result's gradient.
    OfOutput(Arc<Function>),
}

impl Function {
    fn new(
        name: &'static str,
        operands: Vec<DType>,
        dtype: DType,
        builder: Builder,
        output: Reg,
        gradient: Gradient,
    ) -> Function {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let (program, outputs) = builder.finish(&[output]);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        Function { id, name, operands, dtype, program, output: outputs[0], gradient, derived: OnceLock::new() }
    }

    /// A conversion from one dtype to another.
    pub fn cast(from: DType, to: DType) -> Arc<Function> {
        static CASTS: Mutex<Vec<Arc<Function>>> = Mutex::new(Vec::new());
        let mut casts = CASTS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = casts.iter().find(|f| f.operands == [from] && f.dtype == to) {
            return known.clone();
        }
        let builder = Builder::new();
        let reg = {
            let x = builder.input(0, from.wide()).cast(to.wide());
            if from.is_float() && to.is_integer() && to.host_bytes() == 1 {
                // Limited, as conversions to wider whole numbers are.
                let limit = |value| builder.constant(Scalar::from_f64(to, value));
                x.max(limit(f64::NEG_INFINITY)).min(limit(f64::INFINITY)).reg
            } else {
                x.narrow(to).reg
            }
        };
        let function = Arc::new(Function::new("cast", vec![from], to, builder, reg, Gradient::Derived));
        casts.push(function.clone());
        function
    }

    /// The gradient by operand `wrt`; `None` where it is zero everywhere. Itself differentiable.
    pub fn derivative(&self, wrt: usize) -> Option<Derivative> {
        if !self.dtype.is_float() {
            return None;
        }
        let derived = self.derived.get_or_init(|| (0..self.operands.len()).map(|i| self.derive(i)).listed());
        let function = derived[wrt].clone()?;
        Some(match self.gradient {
            Gradient::OfOutput(_) => Derivative::OfOutput(function),
            _ => Derivative::OfInputs(function),
        })
    }

    fn derive(&self, wrt: usize) -> Option<Arc<Function>> {
        let builder = Builder::new();
        let mut operands = match self.gradient {
            Gradient::OfOutput(_) => vec![self.dtype],
            _ => self.operands.clone(),
        };
        operands.push(self.dtype);
        let dtype = self.operands[wrt].float();
        let reg = {
            let x: Vec<Ex> = operands.iter().enumerate().map(|(i, &d)| builder.input(i, d.wide())).listed();
            let dy = x[x.len() - 1];
            let dx = match self.gradient {
                Gradient::OfOutput(f) | Gradient::OfInput(f) => f(x[0].cast(DType::F32), dy),
                Gradient::Derived => derivative(&builder, &self.program, self.output, &x, wrt, dy)?,
            };
            if dx.dtype() != DType::F32 {
                return None;
            }
            dx.narrow(dtype).reg
        };
        Some(Arc::new(Function::new("gradient", operands, dtype, builder, reg, Gradient::Derived)))
    }

    /// The value on one element: the reference the engines are tested against.
    #[cfg(any(test, feature = "reference"))]
    pub fn eval(&self, inputs: &[Scalar]) -> Scalar {
        crate::scalar::eval(&self.program, inputs, &[], None)[self.output as usize]
    }
}

/// The row with a given TensorFlow.js name.
pub fn row(name: &str) -> Option<&'static Row> {
    rows().find(|row| row.name == name)
}

/// Every row of this build.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    #[cfg(feature = "special")]
    let special = special::ROWS;
    #[cfg(not(feature = "special"))]
    let special: &[Row] = &[];
    table::ROWS.iter().chain(special)
}
