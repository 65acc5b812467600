//! Values of configurations: JSON's kinds, without a parser, which the JavaScript face does not need.

use headwater_core::Listed;
use std::fmt;

use headwater_core::number;

/// A value of a layer's configuration. [`From`] makes one of Rust's types and of `serde_json::Value`.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// Missing.
    #[default]
    Null,
    /// True or false.
    Bool(bool),
    /// Any number.
    Number(f64),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Value>),
    /// Values by key.
    Map(Map),
}

/// Values by key, in the order in which they were set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Map(Vec<(String, Value)>);

impl Map {
    /// Sets a key, which must not be there.
    pub fn set(&mut self, key: &str, value: impl Into<Value>) {
        self.0.push((key.to_owned(), value.into()));
    }

    /// Sets a key, which may be there.
    pub fn replace(&mut self, key: &str, value: Value) {
        self.0.retain(|(k, _)| k != key);
        self.0.push((key.to_owned(), value));
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.iter().find(|(k, _)| k == key).map(|(_, value)| value)
    }

    /// Keys and values.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }
}

impl FromIterator<(String, Value)> for Map {
    fn from_iter<T: IntoIterator<Item = (String, Value)>>(items: T) -> Map {
        Map(items.into_iter().collect())
    }
}

impl Value {
    /// `{class_name, config: {}}`: an initializer without parameters.
    pub fn class(name: &str) -> Value {
        let mut map = Map::default();
        map.set("class_name", name);
        map.set("config", Map::default());
        Value::Map(map)
    }

    /// A map's value of a key; null counts as missing.
    pub fn get(&self, key: &str) -> Option<&Value> {
        match self {
            Value::Map(map) => map.get(key).filter(|v| !matches!(v, Value::Null)),
            _ => None,
        }
    }

    /// A number.
    pub fn number(&self) -> Option<f64> {
        match self {
            Value::Number(n) => Some(*n),
            _ => None,
        }
    }

    /// A whole number of at least 0.
    pub fn size(&self) -> Option<usize> {
        self.number().filter(|n| n.fract() == 0.0 && *n >= 0.0).map(|n| n as usize)
    }

    /// A text.
    pub fn text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A list's values.
    pub fn list(&self) -> Option<&[Value]> {
        match self {
            Value::List(list) => Some(list),
            _ => None,
        }
    }
}

/// As JSON.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut comma = "";
        match self {
            Value::Null => f.write_str("null"),
            Value::Bool(yes) => f.write_str(if *yes { "true" } else { "false" }),
            Value::Number(n) => f.write_str(&number(*n)),
            Value::Text(text) => write!(f, "\"{text}\""),
            Value::List(list) => {
                f.write_str("[")?;
                for value in list {
                    write!(f, "{comma}{value}")?;
                    comma = ",";
                }
                f.write_str("]")
            }
            Value::Map(map) => {
                f.write_str("{")?;
                for (key, value) in map.iter() {
                    write!(f, "{comma}\"{key}\":{value}")?;
                    comma = ",";
                }
                f.write_str("}")
            }
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Value {
        Value::Bool(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Value {
        Value::Number(value)
    }
}

impl From<usize> for Value {
    fn from(value: usize) -> Value {
        Value::Number(value as f64)
    }
}

impl From<isize> for Value {
    fn from(value: isize) -> Value {
        Value::Number(value as f64)
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Value {
        Value::Number(value.into())
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Value {
        Value::Number(value.into())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Value {
        Value::Text(value)
    }
}

impl<T: Into<Value>, const N: usize> From<[T; N]> for Value {
    fn from(values: [T; N]) -> Value {
        Value::List(values.into_iter().map(Into::into).listed())
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Value {
        Value::Text(value.to_owned())
    }
}

impl From<Map> for Value {
    fn from(value: Map) -> Value {
        Value::Map(value)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Value {
        value.map_or(Value::Null, Into::into)
    }
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(values: Vec<T>) -> Value {
        Value::List(values.into_iter().map(Into::into).listed())
    }
}

impl From<(usize, usize)> for Value {
    fn from((a, b): (usize, usize)) -> Value {
        Value::from(vec![a, b])
    }
}

impl From<(usize, usize, usize)> for Value {
    fn from((a, b, c): (usize, usize, usize)) -> Value {
        [a, b, c].into()
    }
}

impl From<serde_json::Value> for Value {
    fn from(value: serde_json::Value) -> Value {
        match value {
            serde_json::Value::Null => Value::Null,
            serde_json::Value::Bool(yes) => Value::Bool(yes),
            // Without its feature `arbitrary_precision` every number is one of these.
            serde_json::Value::Number(n) => Value::Number(n.as_f64().unwrap_or(f64::NAN)),
            serde_json::Value::String(text) => Value::Text(text),
            serde_json::Value::Array(list) => Value::from(list),
            serde_json::Value::Object(map) => Value::Map(map.into_iter().map(|(k, v)| (k, v.into())).collect()),
        }
    }
}

/// Whole numbers stay whole; infinities and NaN, which JSON does not have, become null.
impl From<Value> for serde_json::Value {
    fn from(value: Value) -> serde_json::Value {
        match value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(yes) => yes.into(),
            Value::Number(n) if n.fract() == 0.0 && n.abs() < 9e15 => (n as i64).into(),
            Value::Number(n) => n.into(),
            Value::Text(text) => text.into(),
            Value::List(list) => list.into_iter().map(serde_json::Value::from).collect(),
            Value::Map(map) => serde_json::Value::Object(map.0.into_iter().map(|(k, v)| (k, v.into())).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn json_comes_back_as_it_was() {
        let given = json!({"a": [1, -2.5, null, true], "b": {"c": "d"}, "e": {}, "f": []});
        let value = Value::from(given.clone());
        assert_eq!(serde_json::Value::from(value.clone()), given);
        assert_eq!(value.to_string(), r#"{"a":[1,-2.5,null,true],"b":{"c":"d"},"e":{},"f":[]}"#);
        assert_eq!(value.get("b").and_then(|b| b.get("c")).and_then(Value::text), Some("d"));
        assert_eq!(Value::class("Zeros").to_string(), r#"{"class_name":"Zeros","config":{}}"#);
        assert_eq!(
            (Value::Number(-1.0).size(), Value::Number(1.5).size(), Value::Number(3.0).size()),
            (None, None, Some(3))
        );
        assert_eq!(serde_json::Value::from(Value::Number(f64::NAN)), json!(null));
    }
}
