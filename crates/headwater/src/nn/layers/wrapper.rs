//! A layer within a layer.

use headwater_core::{Error, Result};

use super::super::config::Config;
use super::super::layer::Layer;
use super::super::value::{Map, Value};
use super::create;

/// A layer of a configuration's `{class_name, config}`, with its name.
pub(super) struct Inner {
    pub layer: Box<dyn Layer>,
    pub name: String,
}

impl Inner {
    pub fn new(class: &str, value: &Value) -> Result<Inner> {
        let wrong = || Error::argument(class, "a layer with 'class_name' and 'config' as 'layer'", value);
        let layer = value.get("class_name").and_then(Value::text).ok_or_else(wrong)?;
        let config = value.get("config").ok_or_else(wrong)?;
        let name = config.get("name").and_then(Value::text).unwrap_or("layer").to_owned();
        Ok(Inner { layer: create(layer, config)?, name })
    }

    /// The layer of the key `layer`.
    pub fn of(c: &Config<'_>) -> Result<Inner> {
        Inner::new(c.class, c.get("layer").unwrap_or(&Value::Null))
    }

    pub fn written(&self) -> Value {
        let mut config = Map::default();
        config.set("name", self.name.as_str());
        config.set("trainable", true);
        self.layer.config(&mut config);
        let mut map = Map::default();
        map.set("class_name", self.layer.class_name());
        map.set("config", config);
        map.into()
    }
}
