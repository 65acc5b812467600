//! In which dtypes layers compute and keep weights.

use std::sync::atomic::{AtomicU8, Ordering};

use headwater_core::{AllOk, DType, Result, Tensor};

use super::super::layer::{Call, Layer, Output};
use super::super::value::{Map, Value};
use super::{Called, Model, Op};

/// What a layer computes in; its weights are of float32 whatever that is. Keras's policies of mixed precision.
///
/// The engines may hold a 16-bit float in a lane of 32 bits and round it after each operation: results are those of 16 bits, but
/// memory and time need not be.
///
/// ```
/// use headwater::nn::layers::{BatchNormalization, Dense};
/// use headwater::nn::{Policy, Sequential};
/// use headwater::train::{Fit, Optimizer, Samples, Trainer};
/// use headwater::{cpu, ops, DType, Result};
///
/// # fn main() -> Result<()> {
/// let device = cpu(1);
/// let x = ops::random_normal(&device, [256, 4], 0.0, 1.0, 1)?;
/// let y = x.sum(Some(&[1]), true)?;
/// let model = Sequential::new(&device, vec![None, Some(4)], 1)
///     .layer(Dense::new(16).activation("relu"))?
///     .layer(BatchNormalization::new())?
///     .layer(Dense::new(1).name("last"))?
///     .build();
/// model.set_policy(Policy::MixedFloat16);
/// // As Keras advises, what the loss is made of has all its bits.
/// model.layer("last")?.set_policy(Policy::Float32);
/// let mut trainer = Trainer { epochs: 20, ..Trainer::new(Optimizer::adam(0.02)?, "meanSquaredError")? };
/// let history = trainer.fit_with(&model, &Samples::new(&[&x], &[&y])?, Fit::new())?;
/// assert!(history.loss[19] < 0.2 * history.loss[0]);
/// // Training in float16 scales its losses.
/// assert!(trainer.optimizer.loss_scale().is_some());
/// assert!(model.weights().iter().all(|weight| weight.value().dtype() == DType::F32));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// In the dtype of the inputs, halves in float32.
    #[default]
    Float32,
    /// In float16, which needs losses that are scaled: see [`LossScale`](crate::train::LossScale).
    MixedFloat16,
    /// In bfloat16.
    MixedBfloat16,
}

const ALL: [Policy; 3] = [Policy::Float32, Policy::MixedFloat16, Policy::MixedBfloat16];

impl Policy {
    /// Keras's name.
    pub fn name(self) -> &'static str {
        match self {
            Policy::Float32 => "float32",
            Policy::MixedFloat16 => "mixed_float16",
            Policy::MixedBfloat16 => "mixed_bfloat16",
        }
    }

    /// What layers compute in.
    pub fn compute(self) -> DType {
        match self {
            Policy::Float32 => DType::F32,
            Policy::MixedFloat16 => DType::F16,
            Policy::MixedBfloat16 => DType::BF16,
        }
    }

    /// The policy that "dtype" of a Keras configuration is, as Keras 2 and 3 write it; other dtypes are those of inputs.
    pub(in crate::nn) fn of(dtype: Option<&Value>) -> Policy {
        let name = dtype.and_then(|dtype| dtype.text().or_else(|| dtype.get("config")?.get("name")?.text()));
        ALL.into_iter().find(|policy| Some(policy.name()) == name).unwrap_or_default()
    }

    /// Calls a layer, with inputs and weights as the policy has them.
    pub(super) fn call(
        self,
        layer: &dyn Layer,
        inputs: &[Tensor],
        weights: &[Tensor],
        call: &Call<'_>,
    ) -> Result<Output> {
        let compute = match self {
            Policy::Float32 if !inputs.iter().any(half) => return layer.call(inputs, weights, call),
            _ if is_wide(layer) => DType::F32,
            policy => policy.compute(),
        };
        let all = |list: &[Tensor]| list.iter().map(|t| floats(t, compute)).all_ok();
        let output = layer.call(&all(inputs)?, &all(weights)?, call)?;
        let tensors = output.tensors.iter().map(|t| floats(t, self.compute())).all_ok()?;
        let losses = output.losses.iter().map(|t| floats(t, DType::F32)).all_ok()?;
        Ok(Output { tensors, losses, ..output })
    }
}

/// How a layer's policy is shared by clones of its model.
#[derive(Default)]
pub(super) struct Shared(AtomicU8);

impl Shared {
    pub(super) fn new(policy: Policy) -> Shared {
        Shared(AtomicU8::new(policy as u8))
    }

    pub(super) fn get(&self) -> Policy {
        ALL.get(usize::from(self.0.load(Ordering::Relaxed))).copied().unwrap_or_default()
    }

    pub(super) fn set(&self, policy: Policy) {
        self.0.store(policy as u8, Ordering::Relaxed);
    }
}

fn half(tensor: &Tensor) -> bool {
    matches!(tensor.dtype(), DType::F16 | DType::BF16)
}

/// A tensor in a dtype, if it is one of floats.
fn floats(tensor: &Tensor, dtype: DType) -> Result<Tensor> {
    if tensor.dtype().is_float() && tensor.dtype() != dtype {
        return tensor.cast(dtype);
    }
    Ok(tensor.clone())
}

/// Whether a layer, or the one that it wraps, computes means and deviations: in float32 whatever the policy.
fn is_wide(layer: &dyn Layer) -> bool {
    const WIDE: [&str; 4] = ["BatchNormalization", "LayerNormalization", "GroupNormalization", "RMSNormalization"];
    let mut config = Map::default();
    layer.config(&mut config);
    let inner = config.get("layer").and_then(|inner| inner.get("class_name")?.text());
    WIDE.contains(&layer.class_name()) || inner.is_some_and(|class| WIDE.contains(&class))
}

impl Called {
    /// With outputs that are halves in float32: what losses and metrics are computed of.
    pub(crate) fn widened(mut self) -> Result<Called> {
        let wide = |t: &Tensor| if half(t) { t.cast(DType::F32) } else { Ok(t.clone()) };
        self.outputs = self.outputs.iter().map(wide).all_ok()?;
        Ok(self)
    }
}

impl Model {
    /// Sets what all layers compute in. All clones of the model and models that contain it follow.
    pub fn set_policy(&self, policy: Policy) {
        for node in &self.nodes {
            node.policy.set(policy);
            if let Op::Model(model) = &node.op {
                model.set_policy(policy);
            }
        }
    }

    /// Whether a layer computes in a dtype.
    pub(super) fn computes_in(&self, dtype: DType) -> bool {
        self.nodes.iter().any(|node| match &node.op {
            Op::Input => false,
            Op::Layer(_) => node.policy.get().compute() == dtype,
            Op::Model(model) => model.computes_in(dtype),
        })
    }
}
