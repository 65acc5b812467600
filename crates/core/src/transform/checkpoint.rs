//! Gradient checkpointing: memory for time.

use crate::collect::AllOk;
use crate::collect::Listed;
use std::sync::Arc;

use crate::device::Device;
use crate::error::Result;
use crate::ids::IdMap;
use crate::op::{Op, ViewOp};
use crate::tensor::Tensor;

/// What a checkpointed function keeps for its gradient, besides its operands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Checkpoint {
    /// Nothing: all is computed again.
    #[default]
    Nothing,
    /// The results of products and convolutions, which are dear; what lies between them is computed again.
    Contractions,
}

impl Device {
    /// Calls `f` and returns its value, whose gradient calls `f` again rather than keeping what it computed on the way
    /// (Griewank & Walther 2000; Chen et al. 2016, "Training deep nets with sublinear memory cost"). The operands are
    /// found: all tensors from outside that `f` uses receive their gradients.
    ///
    /// `f` must do the same each time: with random operations, use the same seeds.
    ///
    /// # Errors
    /// What `f` gives.
    pub fn checkpoint(
        &self,
        policy: Checkpoint,
        f: impl Fn() -> Result<Tensor> + Send + Sync + 'static,
    ) -> Result<Tensor> {
        let (value, tape) = self.beside_tapes(|| {
            self.start_tape();
            let value = f();
            (value, self.end_tape())
        });
        let value = value?;
        let operands = tape.operands_of(&value);
        drop(tape);
        // A fresh node: the value may be an operand itself.
        let output = self.without_tapes(|| value.same())?;
        let (device, kept) = (self.clone(), operands.clone());
        let again = ViewOp::Recompute { keep_contractions: policy == Checkpoint::Contractions };
        let backward = move |_: &Tensor, dy: &Tensor| {
            let view = |t: &Tensor| device.record(Op::View(again.clone()), &[t], t.shape().clone(), t.dtype());
            let fresh: Vec<Tensor> = kept.iter().map(view).all_ok()?;
            let stand_ins: IdMap<Tensor> = kept.iter().map(Tensor::id).zip(fresh.iter().cloned()).collect();
            device.start_tape();
            let value = device.with_stand_ins(stand_ins, &f);
            let tape = device.end_tape();
            let gradients = tape.gradients(&value?, Some(dy), &fresh.iter().listed())?;
            gradients.into_iter().zip(&kept).map(|(g, t)| g.map_or_else(|| t.zeros_like(), Ok)).all_ok()
        };
        self.record_custom(Arc::new(backward), &operands.iter().listed(), &output);
        Ok(output)
    }
}
