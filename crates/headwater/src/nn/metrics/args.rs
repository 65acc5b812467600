//! What metrics are configured with.

use headwater_core::Listed;
use headwater_core::{number, Error, Result};

use super::table::Class;
use crate::nn::{Map, Value};

/// What a key may be. Defaults come first.
pub(super) enum Kind {
    /// True or false.
    Flag(bool),
    /// One of some words; an empty one stands for null.
    Word(&'static [&'static str]),
    /// A number between two, or a list of such.
    Number(f64, f64, f64),
    /// The same, which must be there.
    Needed(f64, f64),
    /// The same, or null.
    Optional(f64, f64),
}

/// A key and what it may be.
pub(super) type Key = (&'static str, Kind);

/// A class and a valid value for each of its keys.
pub(super) struct Args {
    pub class: &'static Class,
    values: Vec<Value>,
}

impl Args {
    /// A configuration with its defaults filled in.
    ///
    /// # Errors
    /// `ErrorKind::Argument` naming a key that the class does not have, lacks or cannot take.
    pub fn new(class: &'static Class, given: &Value) -> Result<Args> {
        if let Value::Map(map) = given {
            let known = |key: &str| matches!(key, "name" | "dtype") || class.keys.iter().any(|(k, _)| *k == key);
            if let Some((key, _)) = map.iter().find(|(key, _)| !known(key)) {
                let keys: Vec<&str> = class.keys.iter().map(|(k, _)| *k).listed();
                return Err(Error::argument(class.class, format_args!("keys among [{}]", keys.join(", ")), key));
            }
        }
        let mut values = Vec::new();
        for (key, kind) in class.keys {
            // Null is a word of its own where words are asked for.
            let value = match given {
                Value::Map(map) => map.get(key),
                _ => None,
            };
            values.push(valid(class.class, key, kind, value)?);
        }
        Ok(Args { class, values })
    }

    /// Writes every key.
    pub fn write(&self, to: &mut Map) {
        self.class.keys.iter().zip(&self.values).for_each(|((key, _), value)| to.set(key, value.clone()));
    }

    fn get(&self, key: &str) -> Option<&Value> {
        self.class.keys.iter().position(|(k, _)| *k == key).map(|i| &self.values[i])
    }

    /// Whether the class has a key.
    pub fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// Whether a flag is there and set.
    pub fn flag(&self, key: &str) -> bool {
        self.get(key) == Some(&Value::Bool(true))
    }

    /// A word; empty where it is null.
    pub fn word(&self, key: &str) -> &str {
        self.get(key).and_then(Value::text).unwrap_or_default()
    }

    /// A number or a list of numbers; none where the key is null or not the class's.
    pub fn list(&self, key: &str) -> Option<Vec<f64>> {
        numbers(self.get(key)?)
    }

    /// A number; none where the key is null or not the class's.
    pub fn optional(&self, key: &str) -> Option<f64> {
        self.list(key)?.first().copied()
    }

    /// A number, 0 where there is none.
    pub fn number(&self, key: &str) -> f64 {
        self.optional(key).unwrap_or_default()
    }

    /// A whole number.
    pub fn size(&self, key: &str) -> usize {
        self.number(key) as usize
    }

    /// The key `axis`: axes.
    pub fn axes(&self) -> Vec<isize> {
        self.list("axis").unwrap_or_default().into_iter().map(|a| a as isize).listed()
    }
}

fn numbers(value: &Value) -> Option<Vec<f64>> {
    match value {
        Value::Number(n) => Some(vec![*n]),
        _ => value.list()?.iter().map(Value::number).collect(),
    }
}

/// The value of a key, or its default.
fn valid(class: &'static str, key: &str, kind: &Kind, given: Option<&Value>) -> Result<Value> {
    let wrong =
        |expected: String| Error::argument(class, format_args!("{expected} as '{key}'"), given.unwrap_or(&Value::Null));
    let present = given.filter(|v| **v != Value::Null);
    match *kind {
        Kind::Flag(default) => match present {
            None => Ok(default.into()),
            Some(value @ Value::Bool(_)) => Ok(value.clone()),
            Some(_) => Err(wrong("true or false".into())),
        },
        Kind::Word(words) => {
            let word = given.map_or(words.first().copied(), |value| {
                let said = if *value == Value::Null { "" } else { value.text().unwrap_or("?") };
                words.iter().copied().find(|word| word.eq_ignore_ascii_case(said))
            });
            let word = word.ok_or_else(|| wrong(format!("one of [{}]", words.join(", "))))?;
            Ok(if word.is_empty() { Value::Null } else { word.into() })
        }
        Kind::Number(_, low, high) | Kind::Needed(low, high) | Kind::Optional(low, high) => match (present, kind) {
            (None, Kind::Number(default, ..)) => Ok((*default).into()),
            (None, Kind::Optional(..)) => Ok(Value::Null),
            _ => {
                let fits = |n: &f64| *n >= low && *n <= high;
                let all = present.and_then(numbers).is_some_and(|list| !list.is_empty() && list.iter().all(fits));
                let value = present.filter(|_| all);
                value.cloned().ok_or_else(|| wrong(format!("numbers from {} to {}", number(low), number(high))))
            }
        },
    }
}
