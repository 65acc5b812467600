//! What a module must carry for given models and scripts.

use std::collections::BTreeSet;

use anyhow::{ensure, Result};
use serde_json::Value;

/// The kernels that engines have beside elementwise ones, reductions and products.
const KERNELS: [&str; 13] = [
    "conv",
    "depthwise",
    "convGradient",
    "depthwiseGradient",
    "pool",
    "resize",
    "index",
    "pad",
    "concat",
    "argReduce",
    "scan",
    "sort",
    "linalg",
];

/// Layers by Keras's class name, and the kernels of each; one that is not here has all.
const LAYERS: [(&str, &[&str]); 42] = [
    ("InputLayer", &[]),
    ("Identity", &[]),
    ("Activation", &[]),
    ("ReLU", &[]),
    ("LeakyReLU", &[]),
    ("ELU", &[]),
    ("ThresholdedReLU", &[]),
    ("Softmax", &[]),
    ("PReLU", &[]),
    ("Dense", &[]),
    ("Flatten", &[]),
    ("Reshape", &[]),
    ("Permute", &[]),
    ("RepeatVector", &[]),
    ("Dropout", &[]),
    ("SpatialDropout1D", &[]),
    ("SpatialDropout2D", &[]),
    ("GaussianNoise", &[]),
    ("GaussianDropout", &[]),
    ("Add", &[]),
    ("Subtract", &[]),
    ("Multiply", &[]),
    ("Average", &[]),
    ("Maximum", &[]),
    ("Minimum", &[]),
    ("BatchNormalization", &[]),
    ("LayerNormalization", &[]),
    ("Rescaling", &[]),
    ("GlobalMaxPooling2D", &[]),
    ("GlobalAveragePooling2D", &[]),
    ("Cropping2D", &[]),
    ("Concatenate", &["concat"]),
    ("Embedding", &["index"]),
    ("Conv2D", &["conv"]),
    ("DepthwiseConv2D", &["conv", "depthwise"]),
    ("SeparableConv2D", &["conv", "depthwise"]),
    ("Conv2DTranspose", &["conv", "convGradient"]),
    ("MaxPooling2D", &["pool"]),
    ("AveragePooling2D", &["pool"]),
    ("UpSampling2D", &["resize"]),
    ("ZeroPadding2D", &["pad"]),
    ("Resizing", &["resize"]),
];

/// Models, which are no layers of the module.
const MODELS: [&str; 3] = ["Functional", "Model", "Sequential"];

/// Operations that need kernels, of those that scripts may name; one whose family has a feature of its own needs all.
const OPERATIONS: [(&str, &[&str]); 20] = [
    ("concat", &["concat"]),
    ("pad", &["pad"]),
    ("gather", &["index"]),
    ("unsortedSegmentSum", &["index"]),
    ("argMax", &["argReduce"]),
    ("argMin", &["argReduce"]),
    ("conv1d", &["conv"]),
    ("conv2d", &["conv"]),
    ("depthwiseConv2d", &["conv", "depthwise"]),
    ("conv2dTranspose", &["conv", "convGradient"]),
    ("maxPool", &["pool"]),
    ("avgPool", &["pool"]),
    ("resizeBilinear", &["resize"]),
    ("resizeNearestNeighbor", &["resize"]),
    ("topk", &["sort", "index"]),
    ("sort", &["sort", "index"]),
    ("argsort", &["sort"]),
    ("cumsum", &["scan"]),
    ("cumprod", &["scan"]),
    ("roll", &["concat"]),
];

/// Operations of families that few models need, and all kernels with them.
const OTHERS: &[&str] = &[
    "bandPart",
    "batchToSpaceND",
    "bincount",
    "cholesky",
    "conv1dTranspose",
    "conv3d",
    "conv3dTranspose",
    "cropAndResize",
    "cummax",
    "cummin",
    "depthToSpace",
    "det",
    "diag",
    "diagPart",
    "diagonal",
    "dilation2d",
    "dot",
    "eigh",
    "einsum",
    "eye",
    "fft",
    "frame",
    "gatherND",
    "gridSample",
    "ifft",
    "inv",
    "irfft",
    "inverseStft",
    "kron",
    "localResponseNormalization",
    "logCumsumExp",
    "lstsq",
    "matrixRank",
    "maxPool3d",
    "avgPool3d",
    "maxPoolWithArgmax",
    "meshgrid",
    "mirrorPad",
    "overlapAndAdd",
    "pinv",
    "qr",
    "randomGamma",
    "randomPoisson",
    "multinomial",
    "permutation",
    "resizeBicubic",
    "rfft",
    "rotateWithOffset",
    "scatterND",
    "searchSorted",
    "slogdet",
    "solve",
    "spaceToBatchND",
    "spaceToDepth",
    "sparseToDense",
    "stft",
    "svd",
    "tensorScatter",
    "tensordot",
    "trace",
    "transform",
    "triangularSolve",
    "unsortedSegmentMax",
    "unsortedSegmentMean",
    "unsortedSegmentMin",
    "unsortedSegmentProd",
];

/// Operations that bring rows to the pointwise table, and a feature of its own for them.
const DISTRIBUTIONS: [&str; 11] = [
    "bernoulli",
    "digamma",
    "gumbel",
    "lgamma",
    "logaddexp",
    "multinomial",
    "permutation",
    "randomExponential",
    "randomGamma",
    "randomInt",
    "randomPoisson",
];

/// Names of what to carry, as `headwater_core::selection` reads them.
#[derive(Default)]
pub struct Needs(BTreeSet<String>);

impl Needs {
    fn add(&mut self, name: &str) {
        self.0.insert(name.to_owned());
    }

    fn kernels(&mut self, kernels: &[&str]) {
        self.0.extend(kernels.iter().map(|kernel| format!("kernel:{kernel}")));
    }

    /// Adds gradients, whatever kernel a gradient may be computed by, and losses, metrics and optimizers: those named, or all
    /// where none is. Scripts put their names together, so that they are not found there.
    pub fn training(&mut self, named: &[String]) {
        self.add("gradients");
        self.kernels(&KERNELS);
        for group in ["loss/", "metric/", "optimizer/"] {
            if named.is_empty() {
                self.add(group);
            }
            self.0.extend(named.iter().map(|name| format!("{group}{name}")));
        }
    }

    /// Adds a layer of Keras class `class`.
    pub fn layer(&mut self, class: &str) {
        self.add(class);
        // Layers of sequences are made of those of images.
        if class.contains("1D") && class != "SpatialDropout1D" {
            return self.layer(&class.replace("1D", "2D"));
        }
        let known = LAYERS.iter().find(|(name, _)| *name == class);
        self.kernels(known.map_or(&KERNELS, |(_, kernels)| kernels));
    }

    /// Adds the layers of a model: of what Keras and TensorFlow.js write, whatever surrounds it.
    ///
    /// # Errors
    /// Where no layer is found.
    pub fn model(&mut self, json: &Value) -> Result<()> {
        let mut layers = 0;
        self.layers(json, &mut layers);
        ensure!(layers > 0, "there is no layer in it: expected the model.json of a layers model");
        Ok(())
    }

    fn layers(&mut self, json: &Value, found: &mut usize) {
        match json {
            Value::Array(items) => items.iter().for_each(|item| self.layers(item, found)),
            Value::Object(map) => {
                // Initializers, regularizers and the like have class names, too, and are carried with training.
                if let (Some(class), Some(config)) = (map.get("class_name").and_then(Value::as_str), map.get("config"))
                {
                    let layer = config.get("name").is_some() || config.get("layer").is_some();
                    if layer && !MODELS.contains(&class) {
                        *found += 1;
                        self.layer(class);
                        if config.get("groups").and_then(Value::as_u64).is_some_and(|groups| groups > 1) {
                            self.kernels(&["depthwise"]);
                        }
                    }
                }
                map.values().for_each(|value| self.layers(value, found));
            }
            _ => {}
        }
    }

    /// Adds the operations that a script names: any of its texts that might be a name.
    pub fn script(&mut self, script: &str) {
        for quote in ['"', '\'', '`'] {
            // Between two quotes is a text or what separates two: names of operations stand in texts only.
            for text in script.split(quote).filter(|text| is_name(text)) {
                self.add(text);
                let known = OPERATIONS.iter().find(|(name, _)| *name == text);
                self.kernels(known.map_or(&[], |(_, kernels)| kernels));
                if OTHERS.contains(&text) {
                    self.kernels(&KERNELS);
                }
            }
        }
    }

    /// Whether the family of distributions is among them.
    pub fn distributions(&self) -> bool {
        DISTRIBUTIONS.iter().any(|&name| self.0.contains(name))
    }

    /// All names.
    pub fn words(&self) -> String {
        self.0.iter().map(String::as_str).collect::<Vec<_>>().join(" ")
    }
}

/// Whether an operation could be named so: `matMul`, `loss/hinge`.
fn is_name(text: &str) -> bool {
    (2..48).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '/')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn words(needs: &Needs) -> Vec<&str> {
        needs.0.iter().map(String::as_str).collect()
    }

    #[test]
    fn a_model_needs_its_layers_and_their_kernels() {
        let initializer = json!({"class_name": "Zeros", "config": {}});
        let dense = json!({"class_name": "Dense", "config": {"name": "a", "bias_initializer": initializer}});
        let conv = json!({"class_name": "Conv2D", "config": {"name": "b", "groups": 4}});
        let inner = json!({"class_name": "Sequential", "config": {"name": "c", "layers": [conv]}});
        let model =
            json!({"modelTopology": {"class_name": "Model", "config": {"name": "d", "layers": [dense, inner]}}});
        let mut needs = Needs::default();
        needs.model(&model).unwrap();
        assert_eq!(words(&needs), ["Conv2D", "Dense", "kernel:conv", "kernel:depthwise"]);
        assert!(needs.model(&json!({"weightsManifest": []})).is_err());
        needs.layer("Conv1D");
        assert!(!words(&needs).contains(&"kernel:scan"), "a convolution of sequences has the kernels of one of images");
        needs.layer("LSTM");
        assert!(words(&needs).contains(&"kernel:scan"), "a layer that is not listed has all kernels");
    }

    #[test]
    fn training_needs_what_is_named_or_all() {
        let words = |named: &[String]| {
            let mut needs = Needs::default();
            needs.training(named);
            needs.words()
        };
        assert!(words(&[]).contains("loss/ ") && words(&[]).contains("gradients"));
        let one = words(&["adam".to_owned()]);
        assert!(one.contains("optimizer/adam") && !one.contains("optimizer/ "), "{one}");
    }

    #[test]
    fn a_script_needs_what_it_names() {
        let mut needs = Needs::default();
        needs.script(r#"run("matMul",a);y("loss/hinge");throw"No such thing";z("argMax")"#);
        assert_eq!(words(&needs), ["argMax", "kernel:argReduce", "loss/hinge", "matMul"]);
    }
}
