//! MobileNetV2 (Sandler et al. 2018) with torchvision's ImageNet weights, as a Keras model.
//!
//! Batch normalisation is folded into the convolutions. The network takes NHWC images; with `preprocess` raw pixels
//! from 0 to 255, which a first layer normalises as torchvision does.

use headwater::Result;
use serde_json::{json, Value};

use crate::{format_error, HostTensor, TensorMap};

/// Expansion, channels, blocks and first stride of each stage.
const STAGES: [(usize, usize, usize, usize); 7] =
    [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)];

/// Mean and deviation of ImageNet's channels in [0, 1].
const MEAN: [f64; 3] = [0.485, 0.456, 0.406];
const DEVIATION: [f64; 3] = [0.229, 0.224, 0.225];

/// torchvision's batch normalisation.
const EPSILON: f64 = 1e-5;

/// A Keras topology and its weights in the order of the layers.
pub struct KerasModel {
    /// The topology.
    pub topology: Value,
    /// The weights by name.
    pub weights: Vec<(String, HostTensor)>,
}

/// The layers so far.
struct Network<'a> {
    checkpoint: &'a TensorMap,
    layers: Vec<Value>,
    weights: Vec<(String, HostTensor)>,
    last: String,
}

impl Network<'_> {
    fn add(&mut self, class: &str, name: &str, mut config: Value, inputs: &[&str]) {
        if let Some(config) = config.as_object_mut() {
            config.insert("name".into(), json!(name));
            config.insert("trainable".into(), json!(true));
        }
        let inbound: Vec<Value> = inputs.iter().map(|i| json!([i, 0, 0, {}])).collect();
        let inbound = if inbound.is_empty() { json!([]) } else { json!([inbound]) };
        self.layers.push(json!({"class_name": class, "name": name, "config": config, "inbound_nodes": inbound}));
        self.last = name.into();
    }

    fn then(&mut self, class: &str, name: &str, config: Value) {
        let last = self.last.clone();
        self.add(class, name, config, &[&last]);
    }

    fn tensor(&self, name: &str) -> Result<&HostTensor> {
        self.checkpoint
            .get(name)
            .ok_or_else(|| format_error("MobileNetV2 checkpoint", format!("expected a tensor '{name}', found none")))
    }

    /// A tensor of `rank` dimensions, the first of size `len` where that is known.
    fn shaped(&self, name: &str, rank: usize, len: Option<usize>) -> Result<&HostTensor> {
        let tensor = self.tensor(name)?;
        if tensor.shape.len() == rank && len.is_none_or(|len| tensor.shape.first() == Some(&len)) {
            return Ok(tensor);
        }
        let first = len.map_or_else(String::new, |len| format!(" and {len} rows"));
        let message = format!("expected '{name}' with {rank} dimensions{first}, received shape {:?}", tensor.shape);
        Err(format_error("MobileNetV2 checkpoint", message))
    }

    /// A convolution `[out, in, h, w]` with the batch normalisation after it folded in: its kernel and its bias.
    fn folded(&self, conv: &str, norm: &str) -> Result<(HostTensor, HostTensor)> {
        let kernel = self.shaped(&format!("{conv}.weight"), 4, None)?;
        let out = kernel.shape[0];
        let part = |name: &str| Ok(self.shaped(&format!("{norm}.{name}"), 1, Some(out))?.to_f32());
        let (gamma, beta, mean, variance) =
            (part("weight")?, part("bias")?, part("running_mean")?, part("running_var")?);
        let scale = |o: usize| f64::from(gamma[o]) / (f64::from(variance[o]) + EPSILON).sqrt();
        let each = kernel.shape[1..].iter().product::<usize>().max(1);
        let values =
            kernel.to_f32().iter().enumerate().map(|(i, &w)| (f64::from(w) * scale(i / each)) as f32).collect();
        let bias = (0..out).map(|o| (f64::from(beta[o]) - f64::from(mean[o]) * scale(o)) as f32).collect();
        Ok((HostTensor::f32(kernel.shape.clone(), values), HostTensor::f32(vec![out], bias)))
    }

    /// A convolution layer, preceded by torchvision's padding where Keras's `same` would pad otherwise, and followed
    /// by ReLU6 where asked.
    fn conv(&mut self, name: &str, conv: &str, norm: &str, stride: usize, relu: bool) -> Result<()> {
        let (kernel, bias) = self.folded(conv, norm)?;
        let (h, w) = (kernel.shape[2], kernel.shape[3]);
        let depthwise = kernel.shape[1] == 1 && kernel.shape[0] > 1 && h > 1;
        let shifted = h == 3 && stride == 2;
        if shifted {
            self.then(
                "ZeroPadding2D",
                &format!("{name}_pad"),
                json!({"padding": [[1, 1], [1, 1]], "data_format": "channels_last"}),
            );
        }
        let mut config = json!({
            "kernel_size": [h, w], "strides": [stride, stride], "padding": if shifted { "valid" } else { "same" },
            "data_format": "channels_last", "dilation_rate": [1, 1], "activation": "linear", "use_bias": true,
        });
        let layer = if relu { format!("{name}_conv") } else { name.to_owned() };
        let (class, key, kernel) = if depthwise {
            config["depth_multiplier"] = json!(1);
            ("DepthwiseConv2D", "depthwise_kernel", kernel.permuted(&[2, 3, 0, 1]))
        } else {
            config["filters"] = json!(kernel.shape[0]);
            ("Conv2D", "kernel", kernel.permuted(&[2, 3, 1, 0]))
        };
        self.then(class, &layer, config);
        self.weights.push((format!("{layer}/{key}"), kernel));
        self.weights.push((format!("{layer}/bias"), bias));
        if relu {
            self.then("ReLU", name, json!({"max_value": 6.0}));
        }
        Ok(())
    }
}

/// Builds the model from torchvision's checkpoint. The 1280-wide feature layer is named `features`, the classifier `logits`.
///
/// # Errors
/// `ErrorKind::Format` naming a tensor that the checkpoint lacks, or has in another shape.
pub fn from_torchvision(checkpoint: &TensorMap, preprocess: bool) -> Result<KerasModel> {
    let mut net = Network { checkpoint, layers: Vec::new(), weights: Vec::new(), last: String::new() };
    net.add(
        "InputLayer",
        "input",
        json!({"batch_input_shape": [null, 224, 224, 3], "dtype": "float32", "sparse": false}),
        &[],
    );
    if preprocess {
        let scale: Vec<f64> = DEVIATION.iter().map(|d| 1.0 / (255.0 * d)).collect();
        let offset: Vec<f64> = MEAN.iter().zip(DEVIATION).map(|(m, d)| -m / d).collect();
        net.then("Rescaling", "preprocess", json!({"scale": scale, "offset": offset}));
    }
    net.conv("features_0", "features.0.0", "features.0.1", 2, true)?;
    let (mut index, mut channels) = (1, 32);
    for (expansion, width, blocks, first_stride) in STAGES {
        for block in 0..blocks {
            let stride = if block == 0 { first_stride } else { 1 };
            let (name, from) = (format!("features_{index}"), format!("features.{index}.conv"));
            let shortcut = (stride == 1 && channels == width).then(|| net.last.clone());
            let mut part = 0;
            if expansion != 1 {
                net.conv(&format!("{name}_expand"), &format!("{from}.0.0"), &format!("{from}.0.1"), 1, true)?;
                part = 1;
            }
            net.conv(&format!("{name}_dw"), &format!("{from}.{part}.0"), &format!("{from}.{part}.1"), stride, true)?;
            let (project, norm) = (format!("{from}.{}", part + 1), format!("{from}.{}", part + 2));
            net.conv(&format!("{name}_project"), &project, &norm, 1, false)?;
            if let Some(shortcut) = shortcut {
                let last = net.last.clone();
                net.add("Add", &format!("{name}_add"), json!({}), &[&shortcut, &last]);
            }
            channels = width;
            index += 1;
        }
    }
    net.conv("features_18", "features.18.0", "features.18.1", 1, true)?;
    net.then("GlobalAveragePooling2D", "features", json!({"data_format": "channels_last"}));
    let weight = net.shaped("classifier.1.weight", 2, None)?;
    let bias = net.shaped("classifier.1.bias", 1, Some(weight.shape[0]))?;
    let (kernel, bias) = (weight.permuted(&[1, 0]), bias.clone());
    net.then("Dense", "logits", json!({"units": bias.shape[0], "activation": "linear", "use_bias": true}));
    net.weights.push(("logits/kernel".into(), kernel));
    net.weights.push(("logits/bias".into(), bias));
    let topology = json!({"keras_version": "2.15.0", "backend": "tensorflow", "model_config": {
        "class_name": "Functional",
        "config": {"name": "mobilenet_v2", "layers": net.layers, "input_layers": [["input", 0, 0]], "output_layers": [["logits", 0, 0]]},
    }});
    Ok(KerasModel { topology, weights: net.weights })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint(kernel: &[usize], norm: usize) -> TensorMap {
        let filled = |shape: &[usize], v: f32| HostTensor::f32(shape.to_vec(), vec![v; shape.iter().product()]);
        let mut tensors = TensorMap::from([("c.weight".to_owned(), filled(kernel, 2.0))]);
        for (name, value) in [("weight", 3.0), ("bias", 1.0), ("running_mean", 0.5), ("running_var", 4.0)] {
            tensors.insert(format!("n.{name}"), filled(&[norm], value));
        }
        tensors
    }

    fn folded(tensors: &TensorMap) -> Result<(HostTensor, HostTensor)> {
        let net = Network { checkpoint: tensors, layers: Vec::new(), weights: Vec::new(), last: String::new() };
        net.folded("c", "n")
    }

    #[test]
    fn folding_gives_what_normalising_after_gives() -> Result<()> {
        let (kernel, bias) = folded(&checkpoint(&[2, 1, 1, 1], 2))?;
        // 3 * (2 x - 0.5) / sqrt(4) + 1 = 3 x + 0.25
        assert!(kernel.to_f32().iter().all(|k| (k - 3.0).abs() < 1e-4), "{kernel:?}");
        assert!(bias.to_f32().iter().all(|b| (b - 0.25).abs() < 1e-4), "{bias:?}");
        Ok(())
    }

    #[test]
    fn other_shapes_and_missing_tensors_are_errors_that_name_them() {
        let message = |tensors: &TensorMap| folded(tensors).expect_err("not MobileNetV2").to_string();
        let text = message(&checkpoint(&[2, 1, 1, 1], 3));
        assert!(text.contains("expected 'n.weight' with 1 dimensions and 2 rows, received shape [3]"), "{text}");
        let text = message(&checkpoint(&[2, 1], 2));
        assert!(text.contains("expected 'c.weight' with 4 dimensions, received shape [2, 1]"), "{text}");
        let mut tensors = checkpoint(&[2, 1, 1, 1], 2);
        tensors.remove("n.running_var");
        assert!(message(&tensors).contains("expected a tensor 'n.running_var', found none"));
    }
}
