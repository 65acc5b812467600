//! Layers before they are part of a model.

use std::sync::Arc;

use super::layer::Layer;
use super::model::{Model, Policy};
use super::value::{Map, Value};

/// What a definition makes.
#[derive(Clone)]
pub(super) enum Kind {
    /// A layer of a class, from its configuration.
    Class(String, Map),
    Layer(Arc<dyn Layer>),
    Model(Arc<Model>),
}

/// A layer that is not yet part of a model.
///
/// Every one of [`layers`](crate::nn::layers) becomes a definition, as do a Keras class name with its configuration
/// (`("Dense", json!({"units": 3}))`), a [`Layer`] of one's own, and a [`Model`], which keeps its weights.
#[derive(Clone)]
pub struct Definition {
    pub(super) name: Option<String>,
    pub(super) trainable: bool,
    pub(super) policy: Policy,
    pub(super) kind: Kind,
}

impl Definition {
    fn of(kind: Kind) -> Definition {
        Definition { name: None, trainable: true, policy: Policy::Float32, kind }
    }

    /// A layer of a Keras class without options.
    pub(super) fn class(name: &str) -> Definition {
        Definition::of(Kind::Class(name.into(), Map::default()))
    }

    /// Sets an option of the configuration.
    pub(super) fn set(&mut self, key: &str, value: impl Into<Value>) {
        if let Kind::Class(_, config) = &mut self.kind {
            config.replace(key, value.into());
        }
    }

    /// The layer's configuration, with its name: what layers within layers are written as.
    pub(super) fn written(&self) -> Value {
        let (class, mut config) = match &self.kind {
            Kind::Class(class, config) => (class.as_str(), config.clone()),
            Kind::Layer(layer) => {
                let mut config = Map::default();
                layer.config(&mut config);
                (layer.class_name(), config)
            }
            // A model is no configuration of one layer.
            Kind::Model(_) => return Value::Null,
        };
        if let Some(name) = &self.name {
            config.replace("name", name.as_str().into());
        }
        let mut map = Map::default();
        map.set("class_name", class);
        map.set("config", config);
        map.into()
    }

    /// Names the layer; the names of its weights begin so.
    #[must_use]
    pub fn name(mut self, name: &str) -> Definition {
        self.name = Some(name.into());
        self
    }

    /// Whether training changes the layer's weights, which it does where nothing is said.
    #[must_use]
    pub fn trainable(mut self, yes: bool) -> Definition {
        self.trainable = yes;
        self
    }

    /// What the layer computes in, for a layer that is no model: those of a model have their own.
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Definition {
        self.policy = policy;
        self
    }
}

/// A Keras class and its configuration, of which "name", "trainable" and a policy as "dtype" are the layer's.
impl<C: Into<Value>> From<(&str, C)> for Definition {
    fn from((class, config): (&str, C)) -> Definition {
        let config = config.into();
        let name = config.get("name").and_then(Value::text).map(String::from);
        let trainable = config.get("trainable") != Some(&Value::Bool(false));
        let policy = Policy::of(config.get("dtype"));
        let config = if let Value::Map(map) = config { map } else { Map::default() };
        Definition { name, trainable, policy, kind: Kind::Class(class.into(), config) }
    }
}

impl<L: Layer + 'static> From<L> for Definition {
    fn from(layer: L) -> Definition {
        Definition::of(Kind::Layer(Arc::new(layer)))
    }
}

impl From<Box<dyn Layer>> for Definition {
    fn from(layer: Box<dyn Layer>) -> Definition {
        Definition::of(Kind::Layer(layer.into()))
    }
}

impl From<Model> for Definition {
    fn from(model: Model) -> Definition {
        Definition::of(Kind::Model(Arc::new(model)))
    }
}

impl From<&Model> for Definition {
    fn from(model: &Model) -> Definition {
        Definition::from(model.clone())
    }
}
