//! Metrics over several batches against Keras: `tests/keras/metrics.json`.

use std::fs;
use std::path::Path;

use headwater::nn::metrics::Metric;
use headwater::{Device, HostSlice, Result, Tensor};
use serde_json::{json, Value};

const TOLERANCE: f64 = 1e-5;

fn answers() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/keras/metrics.json");
    serde_json::from_str(&fs::read_to_string(path).expect("readable")).expect("JSON")
}

/// The dimensions and the elements of a frozen tensor; null is NaN.
fn frozen(v: &Value) -> (Vec<usize>, Vec<f64>) {
    let items = |v: &Value| v.as_array().expect("a list").clone();
    let dims = items(&v[0]).iter().map(|d| d.as_u64().expect("a dimension") as usize).collect();
    (dims, items(&v[1]).iter().map(|x| x.as_f64().unwrap_or(f64::NAN)).collect())
}

fn tensor(device: &Device, v: &Value) -> Result<Tensor> {
    let (dims, elements) = frozen(v);
    let elements: Vec<f32> = elements.iter().map(|&x| x as f32).collect();
    device.tensor(HostSlice::F32(&elements), dims)
}

fn close(got: &Tensor, want: &Value) -> Result<bool> {
    let (dims, want) = frozen(want);
    let near = |(g, w): (&f32, &f64)| {
        let g = f64::from(*g);
        (g.is_nan() && w.is_nan()) || (g - w).abs() <= TOLERANCE * w.abs().max(1.0)
    };
    Ok(got.shape()[..] == dims[..] && got.to_vec()?.iter().zip(&want).all(near))
}

/// What a case gets wrong on a device.
fn follow(device: &Device, answers: &Value, case: &Value) -> Result<Vec<String>> {
    let batches = &answers["batches"][case["data"].as_str().expect("a name")];
    let weights = &answers["weights"][case["data"].as_str().expect("a name")];
    let class = case["class"].as_str().expect("a class");
    let mut metric = Metric::new(class, case["config"].clone())?;
    let mut wrong = Vec::new();
    for (i, want) in case["results"].as_array().expect("results").iter().enumerate() {
        let truth = tensor(device, &batches["truth"][i])?;
        let predicted = tensor(device, &batches["predicted"][i])?;
        let weight = case["weight"].as_str().map(|w| tensor(device, &weights[w][i])).transpose()?;
        metric.update(&truth, &predicted, weight.as_ref())?;
        let got = metric.result()?;
        if !close(&got, want)? {
            wrong.push(format!(
                "{class} {} {} batch {i}: {:?} for {want}",
                case["config"],
                case["data"],
                got.to_vec()?
            ));
        }
    }
    // A metric made of its own configuration is the same, and forgets.
    let mut again = Metric::new(metric.class_name(), metric.config())?;
    again.set_sums(metric.sums().to_vec());
    assert_eq!(again.config(), metric.config());
    assert!(
        close(&again.result()?, case["results"].as_array().and_then(|r| r.last()).expect("a result"))?
            || !wrong.is_empty()
    );
    again.reset();
    assert_eq!(again.result().expect_err("no batch").code(), "argument");
    Ok(wrong)
}

fn every_case(device: &Device) -> Result<()> {
    let answers = answers();
    let mut wrong = Vec::new();
    let mut classes = Vec::new();
    for case in answers["cases"].as_array().expect("cases") {
        wrong.extend(follow(device, &answers, case)?);
        classes.push(case["class"].as_str().expect("a class"));
    }
    let missing: Vec<&str> = Metric::class_names().filter(|name| !classes.contains(name)).collect();
    assert!(missing.is_empty(), "not in the file: {missing:?}");
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    Ok(())
}

#[test]
fn metrics_follow_keras() -> Result<()> {
    every_case(&headwater::cpu(2))
}

#[cfg(feature = "gpu")]
#[test]
fn metrics_follow_keras_on_the_gpu() -> Result<()> {
    every_case(&headwater::gpu()?)
}

/// A case whose configuration is not what the class begins with must not answer what the class answers without it.
#[test]
fn every_key_changes_a_result() -> Result<()> {
    let device = headwater::cpu(1);
    let answers = answers();
    let mut untold: Vec<(&str, &str)> = Vec::new();
    let mut told: Vec<(&str, &str)> = Vec::new();
    for case in answers["cases"].as_array().expect("cases") {
        let class = case["class"].as_str().expect("a class");
        let given = case["config"].as_object().expect("keys");
        for key in given.keys() {
            let mut less = given.clone();
            less.remove(key);
            let mut without = case.clone();
            without["config"] = Value::Object(less);
            let changes = follow_or_fail(&device, &answers, &without);
            (if changes { &mut told } else { &mut untold }).push((class, key));
        }
    }
    untold.retain(|pair| !told.contains(pair));
    // The number of labels only checks.
    untold.retain(|(_, key)| *key != "num_labels");
    assert!(untold.is_empty(), "these change nothing: {untold:?}");
    let mut unproven = Vec::new();
    for class in Metric::class_names() {
        let needed = json!({"num_classes": 3, "target_class_ids": [1], "specificity": 0.5, "sensitivity": 0.5, "recall": 0.5, "precision": 0.5});
        let given = needed.as_object().expect("keys").iter().filter(|(key, _)| {
            let lone = Metric::new(class, json!({ key.as_str(): 1 })).err().map(|e| e.to_string());
            !lone.is_some_and(|e| e.contains("keys among"))
        });
        let config: serde_json::Map<_, _> = given.map(|(k, v)| (k.clone(), v.clone())).collect();
        let config = if class == "BinaryIoU" { json!({}) } else { Value::Object(config) };
        let full = serde_json::Value::from(Metric::new(class, config)?.config());
        let left = full.as_object().expect("keys").keys().filter(|key| {
            // Keras on TensorFlow takes no other axis here: see `sparse_targets_along_an_axis`.
            let elsewhere = class == "SparseCategoricalCrossentropy" && *key == "axis";
            !elsewhere && !["name", "num_labels"].contains(&key.as_str()) && !told.contains(&(class, key.as_str()))
        });
        unproven.extend(left.map(|key| format!("{class} {key}")));
    }
    assert!(unproven.is_empty(), "no case shows {unproven:?}");
    Ok(())
}

fn follow_or_fail(device: &Device, answers: &Value, case: &Value) -> bool {
    let metric = Metric::new(case["class"].as_str().expect("a class"), case["config"].clone());
    metric.is_err() || follow(device, answers, case).map_or(true, |wrong| !wrong.is_empty())
}

#[test]
fn names_and_configurations() -> Result<()> {
    let name = |class: &str| Metric::new(class, json!({})).map(|m| (m.class_name().to_owned(), m.name().to_owned()));
    assert_eq!(name("auc")?, ("AUC".into(), "auc".into()));
    assert_eq!(name("mse")?, ("MeanSquaredError".into(), "mean_squared_error".into()));
    assert_eq!(name("top_k_categorical_accuracy")?.0, "TopKCategoricalAccuracy");
    let error =
        |class: &str, config: Value| Metric::new(class, config).err().map(|e| e.to_string()).unwrap_or_default();
    assert_eq!(error("Wibble", json!({})), "Unknown metric: 'Wibble'");
    for (class, config, says) in [
        ("AUC", json!({"curve": "XYZ"}), "one of [ROC, PR, PRGAIN] as 'curve'"),
        ("AUC", json!({"num_thresholds": 1}), "numbers from 2 to"),
        ("AUC", json!({"treshold": 1}), "keys among [num_thresholds"),
        ("Precision", json!({"thresholds": [0.5, 1.5]}), "numbers from 0 to 1 as 'thresholds'"),
        ("F1Score", json!({"average": "median"}), "as 'average'"),
        ("MeanIoU", json!({}), "as 'num_classes'"),
        ("BinaryAccuracy", json!({"threshold": "high"}), "as 'threshold'"),
    ] {
        assert!(error(class, config).contains(says), "{class}");
    }
    Ok(())
}

#[test]
fn what_does_not_fit_is_an_error() -> Result<()> {
    let device = headwater::cpu(1);
    let zeros = |dims: &[usize]| device.zeros(dims, headwater::DType::F32);
    let refused = |class: &str, config: Value, t: &[usize], y: &[usize], w: &[usize]| -> Result<()> {
        let mut metric = Metric::new(class, config)?;
        let error = metric.update(&zeros(t)?, &zeros(y)?, Some(&zeros(w)?)).expect_err(class);
        assert_eq!(error.code(), "shape", "{class}: {error}");
        Ok(())
    };
    refused("MeanSquaredError", json!({}), &[3, 2], &[4, 2], &[3])?;
    refused("MeanSquaredError", json!({}), &[3, 2], &[3, 2], &[2])?;
    refused("AUC", json!({}), &[3, 2], &[3], &[3])?;
    refused("AUC", json!({"multi_label": true}), &[3], &[3], &[3])?;
    refused("AUC", json!({"label_weights": [1, 2, 3]}), &[3, 2], &[3, 2], &[3])?;
    refused("Precision", json!({"class_id": 2}), &[3, 2], &[3, 2], &[3])?;
    refused("F1Score", json!({}), &[3], &[3], &[3])?;
    refused("SparseCategoricalAccuracy", json!({}), &[2], &[3, 2], &[3])?;
    refused("TopKCategoricalAccuracy", json!({}), &[3, 2], &[], &[3])?;
    refused("MeanIoU", json!({"num_classes": 2}), &[3], &[4], &[3])?;
    refused("R2Score", json!({}), &[3], &[3], &[3])?;
    // Batches with other numbers of classes have no common sums.
    let mut metric = Metric::new("F1Score", json!({}))?;
    metric.update(&zeros(&[2, 3])?, &zeros(&[2, 3])?, None)?;
    assert_eq!(metric.update(&zeros(&[2, 1])?, &zeros(&[2, 1])?, None).expect_err("classes").code(), "shape");
    // Batches without samples add nothing.
    let mut metric = Metric::new("AUC", json!({}))?;
    metric.update(&zeros(&[0])?, &zeros(&[0])?, None)?;
    assert_eq!(metric.result()?.item()?, 0.0);
    Ok(())
}

#[test]
fn sparse_targets_along_an_axis() -> Result<()> {
    let device = headwater::cpu(1);
    let scores = device.tensor(HostSlice::F32(&[0.1, 0.7, 0.9, 0.3]), [1, 2, 2])?;
    let of = |class: &str, truth: &[f32], dims: &[usize]| -> Result<f64> {
        let mut metric = Metric::new(class, json!({"axis": 1}))?;
        metric.update(&device.tensor(HostSlice::F32(truth), dims)?, &scores, None)?;
        metric.result()?.item()
    };
    // Classes 1 and 0 of the two columns.
    let sparse = of("SparseCategoricalCrossentropy", &[1.0, 0.0], &[1, 2])?;
    assert_eq!(sparse, of("CategoricalCrossentropy", &[0.0, 1.0, 1.0, 0.0], &[1, 2, 2])?);
    assert!((sparse + (0.9f64.ln() + 0.7f64.ln()) / 2.0).abs() < 1e-6);
    Ok(())
}

/// A step with metrics is planned once, and its memory stays.
#[test]
fn batches_of_one_shape_share_a_plan() -> Result<()> {
    let device = headwater::cpu(1);
    let answers = answers();
    for case in answers["cases"].as_array().expect("cases") {
        let data = &answers["batches"][case["data"].as_str().expect("a name")];
        let (truth, predicted) = (tensor(&device, &data["truth"][0])?, tensor(&device, &data["predicted"][0])?);
        let mut metric = Metric::new(case["class"].as_str().expect("a class"), case["config"].clone())?;
        let mut seen = Vec::new();
        for _ in 0..8 {
            metric.update(&truth, &predicted, None)?;
            device.flush()?;
            seen.push((device.stats().plans, device.engine().memory()));
        }
        assert!(seen[3..].iter().all(|s| *s == seen[3]), "{} {}: {seen:?}", case["class"], case["config"]);
    }
    Ok(())
}
