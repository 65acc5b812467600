//! Metrics as objects: described and computed here, their state is JavaScript's.

use headwater::nn::{metrics::Metric, Value};
use headwater::Error;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::error::{throw, JsResult};
use crate::table::{export, record, tensor, tensors};
use crate::value::{decode, encode};

fn metric(class_name: &str, config: &[u8]) -> Result<Metric, Error> {
    Metric::new(class_name, decode(config)?)
}

/// The Keras class that a name stands for, and its full configuration: a list of two.
#[wasm_bindgen(js_name = metricConfig)]
pub fn metric_config(class_name: &str, config: &[u8]) -> JsResult<Vec<u8>> {
    let metric = metric(class_name, config).map_err(throw)?;
    let class = Value::from(metric.class_name());
    Ok(encode(&Value::List(vec![class, metric.config()])))
}

/// What a batch adds to each sum: records. Without weights, their handle is 0.
#[wasm_bindgen(js_name = metricTerms)]
pub fn metric_terms(class_name: &str, config: &[u8], truth: u32, predicted: u32, weight: u32) -> JsResult<Vec<f64>> {
    let terms = || {
        let weight = (weight != 0).then(|| tensor(weight)).transpose()?;
        metric(class_name, config)?.terms(&tensor(truth)?, &tensor(predicted)?, weight.as_ref())
    };
    let mut out = Vec::new();
    terms().map_err(throw)?.into_iter().for_each(|term| export(&mut out, term));
    Ok(out)
}

/// The value that sums make.
#[wasm_bindgen(js_name = metricResult)]
pub fn metric_result(class_name: &str, config: &[u8], sums: &[u32]) -> JsResult<Vec<f64>> {
    let made = || metric(class_name, config)?.result_of(&tensors(sums)?);
    made().map(record).map_err(throw)
}
