//! The pointwise family: one row per op in [`table`], and what follows from a row.
//!
//! A row holds a name, a dtype rule, an expression and a reference for the test. Everything else is derived: the CPU
//! and the WGSL code and the fusion rule from the expression, the gradient by differentiating it, the Rust function
//! and the chained method by the table's macro, the JavaScript one from the row's name.

mod gamma;
pub mod table;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::dtype::{DType, Scalar};
use crate::error::{Error, Result};
use crate::scalar::{derivative, Builder, Ex, Program, Reg};

/// How operand dtypes are unified, and what comes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TypeRule {
    /// Operands become float32; so is the result.
    Float,
    /// Operands become the wider of their dtypes, at least int32; so is the result.
    Arithmetic,
    /// Operands become float32; the result is bool.
    Test,
    /// Operands become the wider of their dtypes; the result is bool.
    Compare,
    /// Operands must be bool; so is the result.
    Logical,
    /// Operands must be int32; so is the result.
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
            TypeRule::Float | TypeRule::Test => vec![DType::F32; dtypes.len()],
            TypeRule::Arithmetic => vec![wider(0).upcast(DType::I32); dtypes.len()],
            TypeRule::Compare => vec![wider(0); dtypes.len()],
            TypeRule::Logical => require(DType::Bool, dtypes.len()).map(|()| dtypes.to_vec())?,
            TypeRule::Bitwise => require(DType::I32, dtypes.len()).map(|()| dtypes.to_vec())?,
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
        let x: Vec<Ex> = dtypes.iter().enumerate().map(|(i, &d)| builder.input(i, d)).collect();
        let y = match self.expression {
            Expression::One(f) => f(x[0]),
            Expression::Two(f) => f(x[0], x[1]),
            Expression::Three(f) => f(x[0], x[1], x[2]),
        };
        let reg = y.reg;
        let function = Arc::new(Function::new(self.name, dtypes.to_vec(), builder, reg, self.gradient));
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
    fn new(name: &'static str, operands: Vec<DType>, builder: Builder, output: Reg, gradient: Gradient) -> Function {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let (program, outputs) = builder.finish(&[output]);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        Function { id, name, operands, program, output: outputs[0], gradient, derived: OnceLock::new() }
    }

    /// A conversion from one dtype to another.
    pub fn cast(from: DType, to: DType) -> Arc<Function> {
        static CASTS: OnceLock<Vec<Arc<Function>>> = OnceLock::new();
        const ALL: [DType; 3] = [DType::F32, DType::I32, DType::Bool];
        let casts = CASTS.get_or_init(|| {
            let pairs = ALL.iter().flat_map(|&from| ALL.iter().map(move |&to| (from, to)));
            pairs
                .map(|(from, to)| {
                    let builder = Builder::new();
                    let reg = builder.input(0, from).cast(to).reg;
                    Arc::new(Function::new("cast", vec![from], builder, reg, Gradient::Derived))
                })
                .collect()
        });
        casts[from as usize * ALL.len() + to as usize].clone()
    }

    /// The result's dtype.
    pub fn dtype(&self) -> DType {
        self.program.types[self.output as usize]
    }

    /// The gradient by operand `wrt`; `None` where it is zero everywhere. Itself differentiable.
    pub fn derivative(&self, wrt: usize) -> Option<Derivative> {
        if self.dtype() != DType::F32 {
            return None;
        }
        let derived = self.derived.get_or_init(|| (0..self.operands.len()).map(|i| self.derive(i)).collect());
        let function = derived[wrt].clone()?;
        Some(match self.gradient {
            Gradient::OfOutput(_) => Derivative::OfOutput(function),
            _ => Derivative::OfInputs(function),
        })
    }

    fn derive(&self, wrt: usize) -> Option<Arc<Function>> {
        let builder = Builder::new();
        let mut operands = match self.gradient {
            Gradient::OfOutput(_) => vec![DType::F32],
            _ => self.operands.clone(),
        };
        operands.push(DType::F32);
        let reg = {
            let x: Vec<Ex> = operands.iter().enumerate().map(|(i, &d)| builder.input(i, d)).collect();
            let dy = x[x.len() - 1];
            let dx = match self.gradient {
                Gradient::OfOutput(f) | Gradient::OfInput(f) => f(x[0].cast(DType::F32), dy),
                Gradient::Derived => derivative(&builder, &self.program, self.output, &x, wrt, dy)?,
            };
            dx.reg
        };
        if builder.reg(reg).dtype() != DType::F32 {
            return None;
        }
        Some(Arc::new(Function::new("gradient", operands, builder, reg, Gradient::Derived)))
    }

    /// The value on one element: the reference the engines are tested against.
    pub fn eval(&self, inputs: &[Scalar]) -> Scalar {
        crate::scalar::eval(&self.program, inputs, &[], None)[self.output as usize]
    }
}

/// The row with a given TensorFlow.js name.
pub fn row(name: &str) -> Option<&'static Row> {
    table::ROWS.iter().find(|row| row.name == name)
}
