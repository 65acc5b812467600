//! Reading and writing Keras configurations, of Keras 2 and 3.

use headwater_core::ops::Padding;
use headwater_core::Listed;
use headwater_core::{Error, Result};

use super::losses::camel;
use super::value::Value;

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
        self.values.get(key)
    }

    /// Keys and values.
    #[cfg(any(feature = "layers-recurrent", feature = "layers-sequences"))]
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, &'a Value)> {
        let map = if let Value::Map(map) = self.values { Some(map) } else { None };
        map.into_iter().flat_map(super::value::Map::iter)
    }

    /// Whether a key is there and null, which is not its default.
    pub fn is_null(&self, key: &str) -> bool {
        matches!(self.values, Value::Map(map) if map.get(key) == Some(&Value::Null))
    }

    fn bad(&self, key: &str, expected: &str) -> Error {
        Error::argument(self.class, format_args!("{expected} as '{key}'"), self.get(key).unwrap_or(&Value::Null))
    }

    /// A number, or a list of one, as Keras 2 may write it; or the default.
    pub fn number(&self, key: &str, default: f64) -> Result<f64> {
        match self.get(key) {
            None => Ok(default),
            Some(Value::Number(n)) => Ok(*n),
            Some(Value::List(list)) if list.len() == 1 => list[0].number().ok_or_else(|| self.bad(key, "a number")),
            Some(_) => Err(self.bad(key, "a number")),
        }
    }

    /// A truth value, or the default.
    pub fn flag(&self, key: &str, default: bool) -> Result<bool> {
        match self.get(key) {
            None => Ok(default),
            Some(Value::Bool(yes)) => Ok(*yes),
            Some(_) => Err(self.bad(key, "true or false")),
        }
    }

    /// A size of at least 1, which must be there.
    pub fn size(&self, key: &str) -> Result<usize> {
        self.get(key).and_then(Value::size).filter(|&n| n > 0).ok_or_else(|| self.bad(key, "a positive integer"))
    }

    /// A text, or the default.
    pub fn text(&self, key: &str, default: &'a str) -> Result<&'a str> {
        self.get(key).map_or(Ok(default), |v| v.text().ok_or_else(|| self.bad(key, "a text")))
    }

    /// Numbers of a list.
    pub fn list(&self, key: &str) -> Result<Option<Vec<f64>>> {
        self.list_or(key, None)
    }

    /// Numbers of a list, with what null stands for in it.
    pub fn list_or(&self, key: &str, null: Option<f64>) -> Result<Option<Vec<f64>>> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let number = |item: &Value| if matches!(item, Value::Null) { null } else { item.number() };
        let items: Option<Vec<f64>> = value.list().and_then(|items| items.iter().map(number).collect());
        items.map(Some).ok_or_else(|| self.bad(key, "a list of numbers"))
    }

    /// Axes: one number or several; the default where missing.
    pub fn axes(&self, key: &str, default: isize) -> Result<Vec<isize>> {
        match self.get(key) {
            Some(Value::List(_)) => Ok(self.list(key)?.unwrap_or_default().into_iter().map(|a| a as isize).listed()),
            _ => Ok(vec![self.number(key, default as f64)? as isize]),
        }
    }

    /// `n` sizes of at least 1, or one for all; the default where missing. There are never more than three.
    pub fn sizes(&self, key: &str, n: usize, default: Option<usize>) -> Result<[usize; 3]> {
        let sizes = self.sizes_or_zero(key, n, default)?;
        if sizes.contains(&0) {
            return Err(self.bad(key, "sizes of at least 1"));
        }
        Ok(sizes)
    }

    /// As [`Config::sizes`], with sizes of 0.
    pub fn sizes_or_zero(&self, key: &str, n: usize, default: Option<usize>) -> Result<[usize; 3]> {
        let expected = || self.bad(key, if n == 3 { "one or three whole numbers" } else { "one or two whole numbers" });
        let list = match self.get(key) {
            None => return default.map(|size| [size; 3]).ok_or_else(expected),
            Some(Value::List(list)) => &list[..],
            Some(value) => std::slice::from_ref(value),
        };
        let mut sizes = [1; 3];
        for (i, size) in sizes.iter_mut().enumerate() {
            let value = if list.len() == 1 { &list[0] } else { list.get(i.min(n - 1)).unwrap_or(&Value::Null) };
            *size = value.size().filter(|_| list.len() <= n).ok_or_else(expected)?;
        }
        Ok(sizes)
    }

    /// What is before and after along each of `n` axes, such as `[[top, bottom], [left, right]]`, or shorter forms of it.
    pub fn borders(&self, key: &str, n: usize, default: usize) -> Result<[(usize, usize); 3]> {
        let Some(sides @ [Value::List(_), ..]) = self.get(key).and_then(Value::list) else {
            return Ok(self.sizes_or_zero(key, n, Some(default))?.map(|n| (n, n)));
        };
        let mut borders = [(0, 0); 3];
        for (border, side) in borders.iter_mut().zip(sides) {
            let pair = match side.list() {
                Some([a, b]) => a.size().zip(b.size()),
                _ => None,
            };
            let expected = || self.bad(key, "[before, after] of each axis");
            *border = pair.filter(|_| sides.len() == n).ok_or_else(expected)?;
        }
        Ok(borders)
    }

    /// `valid` or `same`.
    pub fn padding(&self) -> Result<Padding> {
        match self.text("padding", "valid")? {
            "valid" => Ok(Padding::Valid),
            "same" => Ok(Padding::Same),
            _ => Err(self.bad("padding", "'valid' or 'same'")),
        }
    }

    /// Whether channels come first; Keras's default is last.
    pub fn channels_first(&self) -> Result<bool> {
        match self.text("data_format", "channels_last")? {
            "channels_last" | "channelsLast" => Ok(false),
            "channels_first" | "channelsFirst" => Ok(true),
            _ => Err(self.bad("data_format", "'channels_last' or 'channels_first'")),
        }
    }

    /// An activation's name, `linear` where missing.
    pub fn activation(&self) -> Result<String> {
        self.activation_of("activation", "linear")
    }

    /// The name of an activation, or the default; null is `linear`. Keras 3 may write an object.
    pub fn activation_of(&self, key: &str, default: &str) -> Result<String> {
        let Some(value) = self.get(key) else {
            return Ok(if self.is_null(key) { "linear".into() } else { default.into() });
        };
        let name = value.text().or_else(|| value.get("config")?.text()).or_else(|| value.get("class_name")?.text());
        let name = name.ok_or_else(|| self.bad(key, "a name"))?;
        super::activations::known(name)?;
        Ok(name.into())
    }

    /// `{class_name, config}` of an initializer, a regularizer or a constraint, from that form or a name.
    pub fn object(&self, key: &str) -> Option<Value> {
        self.get(key).map(|value| match value.text().map(class_name).as_deref() {
            None => value.clone(),
            // Of nothing, where Keras reads it without numbers.
            Some("L1L2") => super::regularizers::l1_l2(0.01, 0.01),
            Some(class) => Value::class(class),
        })
    }

    /// An initializer, or the default of a class name.
    pub fn initializer(&self, key: &str, default: &str) -> Value {
        self.object(key).unwrap_or_else(|| Value::class(default))
    }
}

/// The class of an initializer, a regularizer or a constraint from its name in any form: `glorotUniform`, `he_normal`, `l1_l2`.
/// A file must have the class: neither Keras nor TensorFlow.js reads a name where it is due.
pub(super) fn class_name(name: &str) -> String {
    let mut class = camel(name);
    if let Some(first) = class.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    if class == "L1l2" {
        class.make_ascii_uppercase();
    }
    class
}

/// Keras's name of where the channels are.
pub fn data_format(channels_first: bool) -> &'static str {
    if channels_first {
        "channels_first"
    } else {
        "channels_last"
    }
}

/// One axis as a number, several as a list.
pub fn axes_value(axes: &[isize]) -> Value {
    match *axes {
        [axis] => axis.into(),
        _ => axes.to_vec().into(),
    }
}

/// Keras's name of a padding.
pub fn padding(padding: Padding) -> &'static str {
    if padding == Padding::Same {
        "same"
    } else {
        "valid"
    }
}
