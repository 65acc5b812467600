//! Categories as vectors.

use headwater_core::calc::Calc;
use headwater_core::{ops, Error, Result, Tensor};

use super::super::super::config::Config;
use super::super::super::layer::{single, Call, Dims, Layer, Output};
use super::super::super::value::Map;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Int,
    OneHot,
    MultiHot,
    Count,
}

/// Which bin a number falls into, or which category it names: as a number, or a vector that says so.
pub(super) struct Encoding {
    class: &'static str,
    mode: Mode,
    depth: usize,
    /// Between the bins; `None` for categories.
    boundaries: Option<Vec<f64>>,
    /// How finely the bins of data are measured; of no effect where they are given.
    epsilon: f64,
}

impl Encoding {
    pub fn of_bins(c: &Config<'_>) -> Result<Encoding> {
        let missing = || Error::argument(c.class, "a list of numbers as 'bin_boundaries'", "null");
        let boundaries = c.list("bin_boundaries")?.ok_or_else(missing)?;
        Ok(Encoding {
            class: c.class,
            mode: mode(c, "int")?,
            depth: boundaries.len() + 1,
            boundaries: Some(boundaries),
            epsilon: c.number("epsilon", 0.01)?,
        })
    }

    pub fn of_categories(c: &Config<'_>) -> Result<Encoding> {
        let mode = mode(c, "multi_hot")?;
        let depth = c.size("num_tokens")?;
        if mode == Mode::Int {
            return Err(Error::argument(
                c.class,
                "one_hot, multi_hot or count as 'output_mode'",
                c.text("output_mode", "")?,
            ));
        }
        Ok(Encoding { class: c.class, mode, depth, boundaries: None, epsilon: 0.0 })
    }
}

fn mode(c: &Config<'_>, default: &'static str) -> Result<Mode> {
    match c.text("output_mode", default)? {
        "int" => Ok(Mode::Int),
        "one_hot" | "oneHot" => Ok(Mode::OneHot),
        "multi_hot" | "multiHot" | "binary" => Ok(Mode::MultiHot),
        "count" => Ok(Mode::Count),
        other => Err(Error::argument(c.class, "int, one_hot, multi_hot or count as 'output_mode'", other)),
    }
}

impl Layer for Encoding {
    fn class_name(&self) -> &'static str {
        self.class
    }

    fn config(&self, to: &mut Map) {
        match &self.boundaries {
            Some(boundaries) => {
                to.set("bin_boundaries", boundaries.clone());
                to.set("epsilon", self.epsilon);
                to.set("sparse", false);
            }
            None => to.set("num_tokens", self.depth),
        }
        let mode = match self.mode {
            Mode::Int => "int",
            Mode::OneHot => "one_hot",
            Mode::MultiHot => "multi_hot",
            Mode::Count => "count",
        };
        to.set("output_mode", mode);
    }

    fn output_shape(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        let input = inputs.first().ok_or_else(|| Error::argument(self.class, "an input", "none"))?;
        let mut shape = input.clone();
        match self.mode {
            Mode::Int => return Ok(vec![shape]),
            Mode::OneHot if shape.len() > 1 && shape.last() == Some(&Some(1)) => drop(shape.pop()),
            Mode::OneHot => (),
            // Over the categories of each sample; without samples, over all.
            _ if shape.len() > 1 => drop(shape.remove(1)),
            _ => shape.clear(),
        }
        shape.push(Some(self.depth));
        Ok(vec![shape])
    }

    /// The second input, of counts alone, has a weight for each category.
    fn call(&self, inputs: &[Tensor], _weights: &[Tensor], _call: &Call<'_>) -> Result<Output> {
        let (x, counted) = match inputs {
            [x, weights] if self.mode == Mode::Count && self.boundaries.is_none() => (x, Some(weights)),
            _ => (single(self.class, inputs)?, None),
        };
        let calc = Calc::default();
        let (last, several) = (x.shape().last().copied(), x.rank() > 1);
        let x = calc.of(x);
        let mut index = match &self.boundaries {
            None => x.whole(),
            Some(boundaries) => {
                x.number().expand(-1).with(x.vector(boundaries), ops::greater_equal).whole().sum(&[-1], false)
            }
        };
        if self.mode == Mode::Int {
            return calc.result(index).map(Output::of);
        }
        if self.mode == Mode::OneHot && several && last == Some(1) {
            index = index.squeeze(-1);
        }
        let mut hot = index.one_hot(self.depth);
        if let Some(weights) = counted {
            hot = hot * calc.of(weights).expand(-1);
        }
        let axis = [if several { 1 } else { 0 }];
        let y = match self.mode {
            _ if x.rank() == 0 => hot,
            Mode::MultiHot => hot.max_along(&axis, false),
            Mode::Count => hot.sum(&axis, false),
            _ => hot,
        };
        calc.result(y).map(Output::of)
    }
}
