//! A function captured as one plan.

use crate::collect::AllOk;
use crate::collect::{joined, Listed};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::device::{Device, Gathered};
use crate::dtype::DType;
use crate::engine::Buffer;
use crate::error::{Error, Result};
use crate::ids::IdMap;
use crate::lower::lower;
use crate::plan::{Plan, ValueId};
use crate::shape::Shape;
use crate::tensor::{Node, State, Tensor};

use super::trace::{steps, trace};

/// Where a plan's given value comes from.
enum Leaf {
    /// This operand of a call.
    Operand(usize),
    /// A tensor the function used that was no operand.
    Held(Buffer),
}

/// A function of tensors as one plan: calls do not call the function, nor plan, nor look a plan up.
///
/// What the function took from outside its operands is part of it: values of other tensors, numbers and seeds stay as they
/// were when it was captured. Results are not recorded on tapes: capture the function that computes the gradients.
pub struct Captured {
    device: Device,
    /// For what the operands of the last call had in their memory.
    plan: Mutex<Plan>,
    leaves: Vec<Leaf>,
    params: Vec<u32>,
    operands: Vec<(Shape, DType)>,
    results: Vec<(Shape, DType)>,
}

impl Captured {
    /// Traces `f` for operands of these shapes and dtypes.
    ///
    /// # Errors
    /// What `f` gives; `ErrorKind::Argument` when it reads values that depend on its operands.
    pub fn new(
        device: &Device,
        operands: &[(Shape, DType)],
        f: impl FnOnce(&[Tensor]) -> Result<Vec<Tensor>>,
    ) -> Result<Captured> {
        let (placeholders, results) = trace(device, operands.iter().cloned(), f)?;
        Captured::traced(device, &placeholders, &results)
    }

    /// The function that made `results` of `placeholders`.
    ///
    /// # Errors
    /// `ErrorKind::Device` when a value that it uses cannot be computed.
    pub fn traced(device: &Device, placeholders: &[Tensor], results: &[Tensor]) -> Result<Captured> {
        // What is known is computed now, once.
        let outside = |node: &Node| !node.traced && node.as_scalar().is_none();
        for step in steps(results) {
            let inputs = match &*step.state() {
                State::Pending { inputs, .. } => inputs.clone(),
                _ => continue,
            };
            for input in inputs.into_iter().filter(|i| outside(i)) {
                Tensor::of_node(device.clone(), input).buffer()?;
            }
        }
        for result in results.iter().filter(|r| outside(&r.node)) {
            result.buffer()?;
        }
        let mut nodes: Vec<_> = results.iter().map(|t| t.node.clone()).listed();
        nodes.sort_unstable_by_key(|n| n.id);
        nodes.dedup_by_key(|n| n.id);
        let gathered = Gathered::new(&nodes);
        let mut plan = lower(&gathered.graph(device.engine().has_halves()), device.engine().max_kernel_buffers())?;
        // Results in the caller's order, a repeated one as often as asked for.
        let place = |t: &Tensor| plan.results[nodes.partition_point(|n| n.id < t.id())];
        plan.results = results.iter().map(place).listed();
        let operand: IdMap<usize> = placeholders.iter().enumerate().map(|(i, t)| (t.id(), i)).collect();
        let leaf = |node: &Arc<Node>| match &*node.state() {
            State::Ready(buffer) => Some(Ok(Leaf::Held(buffer.clone()))),
            State::Pending { .. } => None,
            State::Placeholder => Some(operand.get(node.id).map(|&i| Leaf::Operand(i)).ok_or_else(|| {
                Error::argument("jit", "a function of its own operands", "the operand of another traced function")
            })),
        };
        Ok(Captured {
            device: device.clone(),
            leaves: gathered.nodes.iter().filter_map(leaf).all_ok()?,
            params: gathered.params,
            plan: Mutex::new(plan),
            operands: placeholders.iter().map(|t| (t.shape().clone(), t.dtype())).listed(),
            results: results.iter().map(|t| (t.shape().clone(), t.dtype())).listed(),
        })
    }

    /// The function's results for `operands`.
    ///
    /// # Errors
    /// `ErrorKind::Shape` when there are more or fewer operands, or of other shapes or dtypes, than it was captured for;
    /// `ErrorKind::Device` when running fails.
    pub fn call(&self, operands: &[&Tensor]) -> Result<Vec<Tensor>> {
        let given = operands.iter().map(|t| (t.shape(), t.dtype()));
        if !given.eq(self.operands.iter().map(|(shape, dtype)| (shape, *dtype))) {
            let show = |list: &mut dyn Iterator<Item = (&Shape, DType)>| -> String {
                joined(&list.map(|(s, d)| format!("{} {s}", d.name())).listed(), ", ")
            };
            let expected = show(&mut self.operands.iter().map(|(s, d)| (s, *d)));
            return Err(Error::shape("jit", expected, show(&mut operands.iter().map(|t| (t.shape(), t.dtype())))));
        }
        if let Some(other) = operands.iter().find(|t| !t.device().same(&self.device)) {
            let expected = format_args!("operands on '{}'", self.device.engine().name());
            return Err(Error::argument("jit", expected, format_args!("one on '{}'", other.device().engine().name())));
        }
        let buffers: Vec<Buffer> = operands.iter().map(|t| t.buffer()).all_ok()?;
        let leaf = |leaf: &Leaf| match leaf {
            Leaf::Operand(i) => buffers[*i].clone(),
            Leaf::Held(buffer) => buffer.clone(),
        };
        let leaves: Vec<Buffer> = self.leaves.iter().map(leaf).listed();
        let plan = &mut *self.plan.lock().unwrap_or_else(PoisonError::into_inner);
        // A dtype is stored in one way or another; what an engine prepared reads one.
        for (value, leaf) in plan.values.iter_mut().zip(&leaves).filter(|(value, leaf)| value.stored != leaf.dtype) {
            value.stored = leaf.dtype;
            plan.prepared = OnceLock::new();
        }
        let mut values = plan.start(leaves.into_iter().map(Some).listed());
        self.device.engine().run(plan, &mut values, 0, &self.params, &|| false)?;
        let tensor = |(&value, (shape, dtype)): (&ValueId, &(Shape, DType))| {
            Some(Tensor::ready(&self.device, values[value].clone()?, shape.clone(), *dtype))
        };
        Ok(plan.results.iter().zip(&self.results).filter_map(tensor).listed())
    }
}
