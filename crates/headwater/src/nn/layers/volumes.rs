//! What volumes have otherwise than images; most of their layers are those of images with an axis more.

use headwater_core::{ops, Result, Shape, Tensor};

use super::super::config::{data_format, Config};
use super::super::layer::{ranked, ranked_tensor, Call, Dims, Layer, Output};
use super::super::value::Map;
use super::{layer, Make};

pub(super) const LAYERS: &[(&str, Make)] = &[("UpSampling3D", |c| layer(UpSampling::new(c)?))];

/// Every element several times along each axis.
struct UpSampling {
    size: [usize; 3],
    channels_first: bool,
}

impl UpSampling {
    fn new(c: &Config<'_>) -> Result<UpSampling> {
        Ok(UpSampling { size: c.sizes("size", 3, Some(2))?, channels_first: c.channels_first()? })
    }

    /// Each axis and how often its elements are repeated.
    fn axes(&self) -> impl Iterator<Item = (usize, usize)> {
        (if self.channels_first { 2 } else { 1 }..).zip(self.size)
    }
}

impl Layer for UpSampling {
    fn class_name(&self) -> &'static str {
        "UpSampling3D"
    }

    fn config(&self, to: &mut Map) {
        to.set("size", self.size.to_vec());
        to.set("data_format", data_format(self.channels_first));
    }

    fn output_shape(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        let mut shape = ranked("UpSampling3D", inputs, 5)?.clone();
        self.axes().for_each(|(axis, times)| shape[axis] = shape[axis].map(|n| n * times));
        Ok(vec![shape])
    }

    fn call(&self, inputs: &[Tensor], _weights: &[Tensor], _call: &Call<'_>) -> Result<Output> {
        let mut y = ranked_tensor("UpSampling3D", inputs, 5)?.clone();
        for (axis, times) in self.axes() {
            let [before, after] = [&y.shape()[..=axis], &y.shape()[axis + 1..]].map(|part| part.iter().product());
            let wide = ops::broadcast_to(&ops::reshape(&y, [before, 1, after])?, [before, times, after])?;
            let mut shape = y.shape().to_vec();
            shape[axis] *= times;
            y = ops::reshape(&wide, Shape::from(shape))?;
        }
        Ok(Output::of(y))
    }
}
