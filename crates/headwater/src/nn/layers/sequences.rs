//! Layers of sequences: those of images without an axis, pooling over all steps, masks.

use headwater_core::calc::Calc;
use headwater_core::{ops, Result, Tensor};

use super::super::config::{data_format, Config};
use super::super::layer::{ranked, single, Call, Dims, Layer, Output};
use super::super::value::Map;
use super::unsqueezed::unsqueezed;
use super::{layer, Make};

pub(super) const LAYERS: &[(&str, Make)] = &[
    ("Conv1D", |c| unsqueezed(c, "Conv2D")),
    ("Conv1DTranspose", |c| unsqueezed(c, "Conv2DTranspose")),
    ("SeparableConv1D", |c| unsqueezed(c, "SeparableConv2D")),
    ("DepthwiseConv1D", |c| unsqueezed(c, "DepthwiseConv2D")),
    ("MaxPooling1D", |c| unsqueezed(c, "MaxPooling2D")),
    ("AveragePooling1D", |c| unsqueezed(c, "AveragePooling2D")),
    ("UpSampling1D", |c| unsqueezed(c, "UpSampling2D")),
    ("ZeroPadding1D", |c| unsqueezed(c, "ZeroPadding2D")),
    ("Cropping1D", |c| unsqueezed(c, "Cropping2D")),
    ("GlobalMaxPooling1D", |c| layer(Global::new(c, true)?)),
    ("GlobalAveragePooling1D", |c| layer(Global::new(c, false)?)),
    ("Masking", |c| layer(Masking { value: c.number("mask_value", 0.0)? })),
];

/// The largest or the mean of all steps.
struct Global {
    class: &'static str,
    max: bool,
    channels_first: bool,
    keep: bool,
}

impl Global {
    fn new(c: &Config<'_>, max: bool) -> Result<Global> {
        Ok(Global { class: c.class, max, channels_first: c.channels_first()?, keep: c.flag("keepdims", false)? })
    }

    fn axis(&self) -> usize {
        if self.channels_first {
            2
        } else {
            1
        }
    }
}

impl Layer for Global {
    fn class_name(&self) -> &'static str {
        self.class
    }

    fn config(&self, to: &mut Map) {
        to.set("data_format", data_format(self.channels_first));
        to.set("keepdims", self.keep);
    }

    fn output_shape(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        let mut shape = ranked(self.class, inputs, 3)?.clone();
        if self.keep {
            shape[self.axis()] = Some(1);
        } else {
            shape.remove(self.axis());
        }
        Ok(vec![shape])
    }

    fn call(&self, inputs: &[Tensor], _weights: &[Tensor], call: &Call<'_>) -> Result<Output> {
        let x = single(self.class, inputs)?;
        let axes = [self.axis() as isize];
        match call.mask(0) {
            Some(mask) if !self.max => {
                let calc = Calc::default();
                let mask = calc.of(mask).expand(if self.channels_first { 1 } else { 2 });
                let counted = calc.of(x).where_else(mask, 0.0).sum(&axes, self.keep);
                calc.result(counted / mask.number().sum(&axes, self.keep)).map(Output::of)
            }
            _ if self.max => ops::max(x, Some(&axes), self.keep).map(Output::of),
            _ => ops::mean(x, Some(&axes), self.keep).map(Output::of),
        }
    }
}

/// Masks the steps whose elements all are one value.
struct Masking {
    value: f64,
}

impl Masking {
    fn mask(&self, x: &Tensor, keep: bool) -> Result<Tensor> {
        ops::any(&ops::not_equal(x, &x.constant(self.value))?, Some(&[-1]), keep)
    }
}

impl Layer for Masking {
    fn class_name(&self) -> &'static str {
        "Masking"
    }

    fn config(&self, to: &mut Map) {
        to.set("mask_value", self.value);
    }

    fn output_shape(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        Ok(vec![single("Masking", inputs)?.clone()])
    }

    fn call(&self, inputs: &[Tensor], _weights: &[Tensor], _call: &Call<'_>) -> Result<Output> {
        let x = single("Masking", inputs)?;
        ops::select(&self.mask(x, true)?, x, &x.constant(0.0)).map(Output::of)
    }

    fn masks(&self, inputs: &[Tensor], _masks: &[Option<Tensor>]) -> Result<Vec<Option<Tensor>>> {
        Ok(vec![Some(self.mask(single("Masking", inputs)?, false)?)])
    }
}
