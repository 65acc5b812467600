//! Reading and writing Keras configurations, of Keras 2 and 3.

use headwater_core::ops::Padding;
use headwater_core::{Error, Result};
use serde_json::{json, Map, Value};

/// A layer's configuration.
pub struct Config<'a> {
    /// The layer's class, for messages.
    pub class: &'static str,
    values: &'a Value,
}

impl<'a> Config<'a> {
    /// The configuration `values` of a layer of `class`.
    pub fn new(class: &'static str, values: &'a Value) -> Config<'a> {
        Config { class, values }
    }

    /// The value of a key; null counts as missing.
    pub fn get(&self, key: &str) -> Option<&'a Value> {
        self.values.get(key).filter(|v| !v.is_null())
    }

    fn bad(&self, key: &str, expected: &str, got: &Value) -> Error {
        Error::argument(self.class, format!("{expected} as '{key}'"), got)
    }

    /// A number, or a list of one, as Keras 2 may write it; or the default.
    pub fn number(&self, key: &str, default: f64) -> Result<f64> {
        match self.get(key) {
            None => Ok(default),
            Some(Value::Array(list)) if list.len() == 1 && list[0].is_number() => {
                Ok(list[0].as_f64().unwrap_or(default))
            }
            Some(v) => v.as_f64().ok_or_else(|| self.bad(key, "a number", v)),
        }
    }

    /// A truth value, or the default.
    pub fn flag(&self, key: &str, default: bool) -> Result<bool> {
        match self.get(key) {
            None => Ok(default),
            Some(v) => v.as_bool().ok_or_else(|| self.bad(key, "true or false", v)),
        }
    }

    /// A size, which must be there.
    pub fn size(&self, key: &str) -> Result<usize> {
        let value = self.get(key).unwrap_or(&Value::Null);
        let number = value.as_f64().filter(|n| n.fract() == 0.0 && *n >= 0.0);
        number.map(|n| n as usize).ok_or_else(|| self.bad(key, "a whole number", value))
    }

    /// A text, or the default.
    pub fn text(&self, key: &str, default: &'a str) -> Result<&'a str> {
        match self.get(key) {
            None => Ok(default),
            Some(v) => v.as_str().ok_or_else(|| self.bad(key, "a text", v)),
        }
    }

    /// Numbers of a list.
    pub fn list(&self, key: &str) -> Result<Option<Vec<f64>>> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let items = value.as_array().ok_or_else(|| self.bad(key, "a list", value))?;
        items
            .iter()
            .map(|v| v.as_f64().ok_or_else(|| self.bad(key, "a list of numbers", value)))
            .collect::<Result<_>>()
            .map(Some)
    }

    /// Two sizes of at least 1, or one for both; the default where missing.
    pub fn pair(&self, key: &str, default: Option<(usize, usize)>) -> Result<(usize, usize)> {
        let pair = self.pair_or_zero(key, default)?;
        if pair.0 == 0 || pair.1 == 0 {
            return Err(self.bad(key, "sizes of at least 1", self.get(key).unwrap_or(&Value::Null)));
        }
        Ok(pair)
    }

    fn pair_or_zero(&self, key: &str, default: Option<(usize, usize)>) -> Result<(usize, usize)> {
        let Some(value) = self.get(key) else {
            return default.ok_or_else(|| self.bad(key, "one or two whole numbers", &Value::Null));
        };
        let size = |v: &Value| v.as_u64().map(|n| n as usize);
        let pair = match value {
            Value::Array(items) => match items.as_slice() {
                [one] => size(one).map(|n| (n, n)),
                [a, b] => size(a).zip(size(b)),
                _ => None,
            },
            one => size(one).map(|n| (n, n)),
        };
        pair.ok_or_else(|| self.bad(key, "one or two whole numbers", value))
    }

    /// `[[top, bottom], [left, right]]`, or shorter forms of it.
    pub fn borders(&self, key: &str, default: usize) -> Result<[usize; 4]> {
        let Some(value) = self.get(key) else { return Ok([default; 4]) };
        let nested = value.as_array().filter(|a| a.len() == 2 && a[0].is_array());
        if let Some(sides) = nested {
            let side = |v: &Value| {
                let both = v.as_array()?;
                Some((both.first()?.as_u64()? as usize, both.get(1)?.as_u64()? as usize))
            };
            let sides = side(&sides[0]).zip(side(&sides[1]));
            let ((t, b), (l, r)) = sides.ok_or_else(|| self.bad(key, "[[top, bottom], [left, right]]", value))?;
            return Ok([t, b, l, r]);
        }
        let (h, w) = self.pair_or_zero(key, None)?;
        Ok([h, h, w, w])
    }

    /// `valid` or `same`.
    pub fn padding(&self) -> Result<Padding> {
        match self.text("padding", "valid")? {
            "valid" => Ok(Padding::Valid),
            "same" => Ok(Padding::Same),
            _ => Err(self.bad("padding", "'valid' or 'same'", self.get("padding").unwrap_or(&Value::Null))),
        }
    }

    /// Whether channels come first; Keras's default is last.
    pub fn channels_first(&self) -> Result<bool> {
        match self.text("data_format", "channels_last")? {
            "channels_last" | "channelsLast" => Ok(false),
            "channels_first" | "channelsFirst" => Ok(true),
            _ => Err(self.bad(
                "data_format",
                "'channels_last' or 'channels_first'",
                self.get("data_format").unwrap_or(&Value::Null),
            )),
        }
    }

    /// An activation's name, `linear` where missing; Keras 3 may write an object.
    pub fn activation(&self) -> Result<String> {
        let Some(value) = self.get("activation") else { return Ok("linear".into()) };
        let name = match value {
            Value::String(name) => Some(name.as_str()),
            object => object
                .get("config")
                .and_then(|c| c.as_str())
                .or_else(|| object.get("class_name").and_then(Value::as_str)),
        };
        let name = name.ok_or_else(|| self.bad("activation", "a name", value))?;
        super::activations::known(name)?;
        Ok(name.into())
    }

    /// `{class_name, config}` of an initializer, a regularizer or a constraint, from that form or a name.
    pub fn object(&self, key: &str) -> Option<Value> {
        self.get(key).map(|value| match value {
            Value::String(name) => json!({"class_name": name, "config": {}}),
            object => object.clone(),
        })
    }

    /// An initializer, or the default of a class name.
    pub fn initializer(&self, key: &str, default: &str) -> Value {
        self.object(key).unwrap_or_else(|| json!({"class_name": default, "config": {}}))
    }
}

/// A configuration from pairs.
pub fn object<const N: usize>(pairs: [(&str, Value); N]) -> Map<String, Value> {
    pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()
}
