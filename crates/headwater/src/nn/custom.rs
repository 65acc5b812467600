//! Layers that a program has itself, by name.

use std::sync::{Arc, PoisonError, RwLock};

use headwater_core::Result;

use super::layer::Layer;
use super::value::Value;

type Make = dyn Fn(&Value) -> Result<Box<dyn Layer>> + Send + Sync;

static MAKERS: RwLock<Vec<(String, Arc<Make>)>> = RwLock::new(Vec::new());

/// Makes a layer of your own known by its class name, so that [`create`](super::create), [`Sequential::add`](super::Sequential::add)
/// and stored models find it. `make` is given the configuration. A name that is there already, a layer of Keras's included, is
/// `make`'s from now on.
///
/// ```
/// use headwater::nn::{self, Call, Dims, Layer, Map, Model, Output, Sequential, Value, WeightSpec};
/// use headwater::{ops, Result, Tensor};
/// use serde_json::json;
///
/// /// A learned factor for every feature, and a constant that a configuration sets.
/// struct Scale {
///     shift: f64,
/// }
///
/// impl Layer for Scale {
///     fn class_name(&self) -> &'static str {
///         "Scale"
///     }
///     fn config(&self, to: &mut Map) {
///         to.set("shift", self.shift);
///     }
///     fn weights(&self, inputs: &[Dims]) -> Result<Vec<WeightSpec>> {
///         let features = inputs[0].last().copied().flatten().unwrap_or(1);
///         Ok(vec![WeightSpec::new("factor", [features].into(), Value::class("Ones"), true)])
///     }
///     fn output_shape(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
///         Ok(inputs.to_vec())
///     }
///     fn call(&self, inputs: &[Tensor], weights: &[Tensor], _call: &Call<'_>) -> Result<Output> {
///         let shift = inputs[0].constant(self.shift);
///         Ok(Output::of(ops::add(&ops::mul(&inputs[0], &weights[0])?, &shift)?))
///     }
/// }
///
/// # fn main() -> Result<()> {
/// nn::register("Scale", |config| {
///     let shift = config.get("shift").and_then(Value::number).unwrap_or(0.0);
///     Ok(Box::new(Scale { shift }))
/// });
/// let device = headwater::cpu(1);
/// let model = Sequential::new(&device, vec![None, Some(2)], 1).add("Scale", json!({"shift": 3.0}))?.build();
/// // Or as it is, without a name: `.layer(Scale { shift: 3.0 })`.
/// let x = device.ones([1, 2], headwater::DType::F32)?;
/// assert_eq!(model.predict(&[&x])?[0].to_vec()?, [4.0, 4.0]);
/// // It is stored and comes back by its name.
/// let again = Model::from_keras(&device, &model.to_keras("scaled"), 1)?;
/// assert_eq!(again.predict(&[&x])?[0].to_vec()?, [4.0, 4.0]);
/// # Ok(())
/// # }
/// ```
pub fn register(class_name: &str, make: impl Fn(&Value) -> Result<Box<dyn Layer>> + Send + Sync + 'static) {
    let mut makers = MAKERS.write().unwrap_or_else(PoisonError::into_inner);
    makers.retain(|(name, _)| name != class_name);
    makers.push((class_name.into(), Arc::new(make)));
}

/// The layer of a registered class; `None` where no such is registered.
pub(super) fn registered(class_name: &str, config: &Value) -> Option<Result<Box<dyn Layer>>> {
    // Made after the lock is let go: a layer may have others within.
    let make = {
        let makers = MAKERS.read().unwrap_or_else(PoisonError::into_inner);
        let of = |wanted: &str| makers.iter().find(|(name, _)| name == wanted).map(|(_, make)| make.clone());
        of(class_name).or_else(|| of(class_name.rsplit_once('>')?.1))
    };
    make.map(|make| make(config))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{create, Map};

    #[test]
    fn a_package_in_front_of_the_name_is_skipped() -> Result<()> {
        let none = || Value::Map(Map::default());
        assert!(create("Own>Twice", &none()).is_err());
        register("Twice", |_| create("Dense", &serde_json::json!({"units": 2}).into()));
        assert_eq!(create("Own>Twice", &none())?.class_name(), "Dense");
        // Classes of the library are in no package.
        assert!(create("Own>Dense", &none()).is_err());
        Ok(())
    }
}
