//! Layers of programs, by name.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use headwater_core::{Error, Result};

use super::layer::Layer;
use super::layers::built_in;
use super::value::Value;

/// Makes a layer of its configuration, which has what [`Layer::config`] wrote.
pub type MakeLayer = fn(&Value) -> Result<Box<dyn Layer>>;

static MAKERS: RwLock<BTreeMap<String, MakeLayer>> = RwLock::new(BTreeMap::new());

/// Makes a class of layers known to the whole program, so that models that contain them load. A class that is registered again
/// is replaced.
///
/// ```
/// use headwater::nn::{create, register_layer, Call, Dims, Layer, Map, Model, Output, Sequential, Value, WeightSpec};
/// use headwater::{cpu, ops, Error, Result, Tensor};
///
/// /// `factor * x^power`, where the power is learnt.
/// struct Power {
///     factor: f64,
/// }
///
/// impl Layer for Power {
///     fn class_name(&self) -> &'static str {
///         "Power"
///     }
///     fn config(&self, to: &mut Map) {
///         to.set("factor", self.factor);
///     }
///     fn weights(&self, _inputs: &[Dims]) -> Result<Vec<WeightSpec>> {
///         Ok(vec![WeightSpec::new("power", [1].into(), Value::class("Ones"), true)])
///     }
///     fn output_shape(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
///         Ok(inputs.to_vec())
///     }
///     fn call(&self, inputs: &[Tensor], weights: &[Tensor], _call: &Call<'_>) -> Result<Output> {
///         Ok(Output::of((&ops::pow(&inputs[0], &weights[0])? * self.factor)?))
///     }
/// }
///
/// # fn main() -> Result<()> {
/// register_layer("Power", |config| {
///     let wrong = || Error::argument("Power", "a number as 'factor'", config);
///     let factor = config.get("factor").and_then(Value::number).ok_or_else(wrong)?;
///     Ok(Box::new(Power { factor }))
/// })?;
/// let device = cpu(1);
/// let model = Sequential::new(&device, vec![None, Some(2)], 1).layer(Power { factor: 3.0 })?.build();
/// let again = Model::from_keras(&device, &model.to_keras("m"), 1)?;
/// let x = ops::range(&device, 1.0, 3.0, 1.0, headwater::DType::F32)?.reshape([1, 2])?;
/// assert_eq!(again.predict(&[&x])?[0].to_vec()?, [3.0, 6.0]);
/// assert_eq!(again.weights()[0].name, "power_1/power");
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// `ErrorKind::Argument` for the name of a layer of this library.
pub fn register_layer(class_name: &str, make: MakeLayer) -> Result<()> {
    if built_in(class_name) {
        return Err(Error::argument("register_layer", "a name that no layer of this library has", class_name));
    }
    MAKERS.write().unwrap_or_else(PoisonError::into_inner).insert(class_name.into(), make);
    Ok(())
}

/// The layer of a registered class.
pub(super) fn create(class_name: &str, config: &Value) -> Result<Box<dyn Layer>> {
    let make = MAKERS.read().unwrap_or_else(PoisonError::into_inner).get(class_name).copied();
    // Keras writes a package in front of the names of registered classes: `Package>Name`.
    let bare = class_name.rsplit('>').next().filter(|bare| *bare != class_name);
    match (make, bare) {
        (Some(make), _) => make(config),
        (None, Some(bare)) => create(bare, config),
        (None, None) => Err(Error::unknown("layer", class_name)),
    }
}
