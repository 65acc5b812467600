//! What Keras computes (`tests/keras/layers/*.json.gz`): every layer's configuration, weights, outputs, masks, gradients
//! and losses, on the processor and on the GPU.

use std::fs;
use std::io::Read;
use std::path::Path;

use headwater::nn::{self, constrain, initialize, losses, penalty, Call, Dims, Layer, Map, Model, WeightSpec};
use headwater::{ops, DType, Device, Error, HostData, Result, Shape, Tensor};
use serde_json::Value;

/// Of the largest element of a tensor, or of 1.
const TOLERANCE: f64 = 1e-5;

/// Keys that say nothing of what a layer computes, or whose only value here is the default.
const UNTOLD: &[&str] = &[
    "name",
    "trainable",
    "quantization_config",
    "batch_input_shape",
    "ragged",
    "time_major",
    "sliding_window",
    "synchronized",
    "renorm",
    "renorm_clipping",
    "renorm_momentum",
    "rms_scaling",
];

/// Keys that are written as Keras 2 and TensorFlow.js name them.
const RENAMED: &[(&str, &str, &str)] = &[("LeakyReLU", "negative_slope", "alpha")];

fn malformed(what: &Value) -> Error {
    Error::format("Keras's answers", format!("unexpected {what}"))
}

fn list(v: &Value) -> Result<&[Value]> {
    v.as_array().map(Vec::as_slice).ok_or_else(|| malformed(v))
}

fn text(v: &Value) -> Result<&str> {
    v.as_str().ok_or_else(|| malformed(v))
}

/// A tensor as a file has it: dtype, shape and elements.
struct Frozen {
    dtype: DType,
    shape: Shape,
    elements: Vec<f64>,
}

impl Frozen {
    fn new(v: &Value) -> Result<Frozen> {
        let number = |v: &Value| match v.as_str() {
            Some("inf") => Ok(f64::INFINITY),
            Some("-inf") => Ok(f64::NEG_INFINITY),
            Some(_) => Ok(f64::NAN),
            None => v.as_f64().ok_or_else(|| malformed(v)),
        };
        let dtype = match text(&v[0])? {
            "float32" => DType::F32,
            "int32" | "int64" => DType::I32,
            _ => DType::Bool,
        };
        let shape = list(&v[1])?.iter().map(|d| Ok(number(d)? as usize)).collect::<Result<_>>()?;
        Ok(Frozen { dtype, shape, elements: list(&v[2])?.iter().map(number).collect::<Result<_>>()? })
    }

    fn upload(&self, device: &Device) -> Result<Tensor> {
        let data = HostData::from_f64(self.dtype, &self.elements);
        device.tensor(data.as_slice(), &self.shape)
    }

    /// Says how `got` differs.
    fn check(&self, what: &str, got: &Tensor, wrong: &mut Vec<String>) -> Result<()> {
        if (got.shape(), got.dtype()) != (&self.shape, self.dtype) {
            wrong.push(format!("{what}: {got:?} instead of {} {}", self.dtype.name(), self.shape));
            return Ok(());
        }
        let largest = self.elements.iter().filter(|v| v.is_finite()).fold(1.0f64, |m, v| m.max(v.abs()));
        let same = |g: f64, w: f64| g == w || (g.is_nan() && w.is_nan()) || (g - w).abs() <= TOLERANCE * largest;
        let got = got.to_host()?.to_f64();
        if let Some((i, (g, w))) = got.iter().zip(&self.elements).enumerate().find(|(_, (&g, &w))| !same(g, w)) {
            wrong.push(format!("{what} {i}: {g} instead of {w}"));
        }
        Ok(())
    }
}

/// Keys of weights that the layer does not have.
const WITHOUT: &[(&str, &str)] = &[("use_bias", "bias_"), ("center", "beta_"), ("scale", "gamma_")];

/// Whether a value of our configuration says what Keras's says.
fn same_value(keras: &Value, ours: &Value) -> bool {
    let word = |s: &str| s.replace('_', "").to_ascii_lowercase();
    match (keras, ours) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::String(a), Value::String(b)) => word(a) == word(b),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_value(a, b)),
        (Value::Array(a), b) if a.len() == 1 => same_value(&a[0], b),
        (a, Value::Array(b)) if b.len() == 1 => same_value(a, &b[0]),
        (Value::Object(a), Value::Object(_)) => {
            let class = a.get("class_name").and_then(Value::as_str).unwrap_or("");
            a.iter().all(|(key, a)| different_key(class, key, a, ours).is_none())
        }
        (a, b) => a == b,
    }
}

/// A key whose value differs, with both values.
fn different_key(class: &str, key: &str, keras: &Value, ours: &Value) -> Option<String> {
    let name = RENAMED.iter().find(|r| (r.0, r.1) == (class, key)).map_or(key, |r| r.2);
    let mine = ours.get(name).unwrap_or(&Value::Null);
    (!UNTOLD.contains(&key) && !same_value(keras, mine)).then(|| format!("'{key}' is {mine} instead of {keras}"))
}

fn configuration(layer: &dyn Layer) -> Value {
    let mut config = Map::default();
    layer.config(&mut config);
    nn::Value::from(config).into()
}

fn dims(shape: &Shape) -> Dims {
    shape.iter().map(|&n| Some(n)).collect()
}

struct Case<'a> {
    json: &'a Value,
    layer: Box<dyn Layer>,
    inputs: Vec<Tensor>,
    masks: Vec<Option<Tensor>>,
    weights: Vec<Tensor>,
    wrong: Vec<String>,
}

impl Case<'_> {
    fn new<'a>(device: &Device, json: &'a Value) -> Result<Case<'a>> {
        let class = text(&json["class"])?;
        let layer = nn::create(class, &json["config"].clone().into())?;
        let inputs = list(&json["inputs"])?.iter().map(|v| Frozen::new(v)?.upload(device)).collect::<Result<_>>()?;
        let weights =
            list(&json["weights"])?.iter().map(|w| Frozen::new(&w[2])?.upload(device)).collect::<Result<_>>()?;
        let mask = |v: &Value| (!v.is_null()).then(|| Frozen::new(v)?.upload(device)).transpose();
        let masks = json["masks"].as_array().into_iter().flatten().map(mask).collect::<Result<_>>()?;
        Ok(Case { json, layer, inputs, masks, weights, wrong: Vec::new() })
    }

    fn configurations(&mut self) -> Result<()> {
        let class = text(&self.json["class"])?;
        let ours = configuration(&*self.layer);
        let keras = self.json["config"].as_object().ok_or_else(|| malformed(self.json))?;
        let absent = |key: &str| {
            WITHOUT.iter().any(|(flag, prefix)| keras.get(*flag) == Some(&false.into()) && key.starts_with(prefix))
        };
        let told = keras.iter().filter(|(key, _)| !absent(key));
        self.wrong.extend(told.filter_map(|(key, value)| different_key(class, key, value, &ours)));
        let again = configuration(&*nn::create(class, &ours.clone().into())?);
        if (self.layer.class_name(), &again) != (class, &ours) {
            self.wrong.push(format!("configuration: {again} instead of {ours}"));
        }
        Ok(())
    }

    /// Names, shapes, initial values, constraints and regularizers.
    fn weights(&mut self, device: &Device) -> Result<Vec<WeightSpec>> {
        let shapes: Vec<Dims> = self.inputs.iter().map(|x| dims(x.shape())).collect();
        let specs = self.layer.weights(&shapes)?;
        let frozen = list(&self.json["weights"])?;
        let described: Vec<(&str, &Shape, bool)> =
            specs.iter().map(|s| (s.name.rsplit('/').next().unwrap_or(""), &s.shape, s.trainable)).collect();
        let mut expected = Vec::new();
        for (w, value) in frozen.iter().zip(&self.weights) {
            // Keras 2 and TensorFlow.js name a depthwise kernel so everywhere.
            let depthwise = text(&self.json["class"])?.starts_with("Depthwise") && w[0] == "kernel";
            expected.push((if depthwise { "depthwise_kernel" } else { text(&w[0])? }, value.shape(), w[1] == true));
        }
        if described != expected {
            self.wrong.push(format!("weights: {described:?} instead of {expected:?}"));
        }
        for (i, spec) in specs.iter().enumerate().filter(|(_, spec)| !spec.state) {
            let name = format!("'{}'", spec.name);
            if !self.json["initial"][i].is_null() {
                let initial = initialize(device, &spec.initializer, &spec.shape, spec.dtype, 1)?;
                Frozen::new(&self.json["initial"][i])?.check(&format!("initial {name}"), &initial, &mut self.wrong)?;
            }
            match (&spec.constraint, &self.json["constrained"][i]) {
                (None, Value::Null) => (),
                (Some(constraint), frozen) if !frozen.is_null() => {
                    let value = constrain(constraint, &self.weights[i])?;
                    Frozen::new(frozen)?.check(&format!("constrained {name}"), &value, &mut self.wrong)?;
                }
                (ours, _) => self.wrong.push(format!("constraint of {name}: {ours:?}")),
            }
        }
        Ok(specs)
    }

    fn outputs(&mut self, device: &Device, specs: &[WeightSpec]) -> Result<()> {
        let call = Call { training: self.json["training"] == true, seed: 1, masks: &self.masks };
        let outputs = list(&self.json["outputs"])?;
        let factors = list(&self.json["factors"])?;
        let mut wrong = Vec::new();
        let mut losses = Vec::new();
        // Weights, then inputs, with Keras's gradients of the sum of outputs times factors.
        let values: Vec<&Tensor> = self.weights.iter().chain(&self.inputs).collect();
        let gradients = list(&self.json["weight_gradients"])?.iter().chain(list(&self.json["input_gradients"])?);
        let wanted: Vec<(usize, &Value)> = gradients.enumerate().filter(|(_, g)| !g.is_null()).collect();
        let by: Vec<&Tensor> = wanted.iter().map(|&(i, _)| values[i]).collect();
        let shapes: Vec<Dims> = self.inputs.iter().map(|x| dims(x.shape())).collect();
        let foretold = self.layer.output_shape(&shapes)?;
        let (_, found) = device.value_and_grads(&by, || {
            let output = self.layer.call(&self.inputs, &self.weights, &call)?;
            let shapes: Vec<Dims> = output.tensors.iter().map(|t| dims(t.shape())).collect();
            if shapes != foretold || shapes.len() != outputs.len() {
                wrong.push(format!("shapes: {shapes:?} instead of {foretold:?}, {} outputs", outputs.len()));
            }
            let mut total = device.zeros(Shape::scalar(), DType::F32)?;
            for (i, tensor) in output.tensors.iter().enumerate() {
                Frozen::new(&outputs[i])?.check(&format!("output {i}"), tensor, &mut wrong)?;
                if !factors[i].is_null() {
                    let factor = Frozen::new(&factors[i])?.upload(device)?;
                    total = ops::add(&total, &ops::sum(&ops::mul(tensor, &factor)?, None, false)?)?;
                }
            }
            for (i, frozen) in self.json["updates"].as_array().into_iter().flatten().enumerate() {
                let update = output.updates.iter().find(|(at, _)| *at == i);
                match (update, frozen.is_null()) {
                    (Some((_, update)), false) => {
                        Frozen::new(frozen)?.check(&format!("update {i}"), update, &mut wrong)?;
                    }
                    (None, true) => (),
                    _ => wrong.push(format!("update {i}: {:?}", update.is_some())),
                }
            }
            losses = output.losses;
            Ok(total)
        })?;
        for ((i, frozen), gradient) in wanted.into_iter().zip(&found) {
            Frozen::new(frozen)?.check(&format!("gradient {i}"), gradient, &mut wrong)?;
        }
        let masks = self.layer.masks(&self.inputs, &self.masks)?;
        for i in 0..outputs.len() {
            match (masks.get(i).cloned().flatten(), &self.json["output_masks"][i]) {
                (None, Value::Null) => (),
                (Some(mask), frozen) if !frozen.is_null() => {
                    Frozen::new(frozen)?.check(&format!("mask {i}"), &mask, &mut wrong)?;
                }
                (ours, keras) => wrong.push(format!("mask {i}: {ours:?} instead of {keras}")),
            }
        }
        let mut loss = 0.0;
        for term in losses {
            loss += term.item()?;
        }
        for (spec, weight) in specs.iter().zip(&self.weights) {
            loss += spec.regularizer.as_ref().map_or(Ok(0.0), |r| penalty(r, weight)?.item())?;
        }
        let keras = self.json["loss"].as_f64().unwrap_or(0.0);
        if (loss - keras).abs() > TOLERANCE * keras.abs().max(1.0) {
            wrong.push(format!("losses {loss} instead of {keras}"));
        }
        self.wrong.extend(wrong);
        Ok(())
    }
}

fn check(device: &Device, json: &Value) -> Result<Vec<String>> {
    let mut case = Case::new(device, json)?;
    case.configurations()?;
    let specs = case.weights(device)?;
    if case.wrong.is_empty() {
        case.outputs(device, &specs)?;
    }
    Ok(case.wrong)
}

/// Calls `f` with every case: its family, its place there, and itself.
fn each_case(mut f: impl FnMut(&str, usize, &Value)) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/keras/layers");
    let mut files: Vec<_> = fs::read_dir(&folder).expect("tests/keras/layers").flatten().map(|e| e.path()).collect();
    files.retain(|p| p.extension().is_some_and(|e| e == "gz"));
    files.sort();
    assert!(!files.is_empty(), "no answers");
    for file in files {
        let family = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        for (i, case) in unpacked(&file)["cases"].as_array().expect("cases").iter().enumerate() {
            f(&family, i, case);
        }
    }
}

fn run(device: &Device) {
    let mut wrong = Vec::new();
    each_case(|family, i, case| {
        let problems = check(device, case).unwrap_or_else(|error| vec![error.to_string()]);
        if !problems.is_empty() {
            wrong.push(format!("{family} {i}, {}: {}", case["class"], problems.join("; ")));
        }
    });
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// Whether there is an error is up to the layer; it does not panic.
#[test]
fn inputs_of_any_rank_and_number_are_computed_or_refused() {
    let device = headwater::cpu(1);
    each_case(|_, _, json| {
        let case = Case::new(&device, json).expect("a case");
        for rank in 0..6 {
            let x = device.zeros(vec![1; rank], DType::F32).expect("zeros");
            let given = vec![x.clone(); case.inputs.len()];
            for inputs in [&given[..], &given[..1], &[]] {
                let unknown: Vec<Dims> = inputs.iter().map(|x| vec![None; x.rank()]).collect();
                let layer = &case.layer;
                let _ = (layer.weights(&unknown), layer.output_shape(&unknown), layer.masks(inputs, &[]));
                for masks in [&[][..], &[Some(x.clone())]] {
                    for training in [false, true] {
                        let _ = layer.call(inputs, &case.weights, &Call { training, seed: 1, masks });
                    }
                }
            }
        }
    });
}

/// Reads a packed file of `tests/keras`.
fn unpacked(path: &Path) -> Value {
    let mut text = String::new();
    let packed = fs::File::open(path).expect("readable");
    flate2::read::GzDecoder::new(packed).read_to_string(&mut text).expect("gzip");
    serde_json::from_str(&text).expect("JSON")
}

/// Models of Keras 3 and of Keras 2.
#[test]
fn stored_models() -> Result<()> {
    let device = headwater::cpu(1);
    for file in ["models.json.gz", "models2.json.gz"] {
        let models = unpacked(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/keras").join(file));
        for frozen in list(&models)? {
            let name = text(&frozen["name"])?;
            let model = Model::from_keras(&device, &frozen["topology"], 1)?;
            let again = Model::from_keras(&device, &model.to_keras(name), 1)?;
            for model in [model, again] {
                let wrong = stored_model(&device, frozen, &model)?;
                assert!(wrong.is_empty(), "{file}, {name}: {}", wrong.join("\n"));
            }
        }
    }
    Ok(())
}

/// How a model with Keras's weights differs from Keras's.
fn stored_model(device: &Device, frozen: &Value, model: &Model) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    let weights = model.weights();
    let shapes: Vec<&Shape> = weights.iter().map(|weight| &weight.spec.shape).collect();
    let values: Vec<Frozen> = list(&frozen["weights"])?.iter().map(Frozen::new).collect::<Result<_>>()?;
    if shapes != values.iter().map(|value| &value.shape).collect::<Vec<_>>() {
        return Ok(vec![format!("weights {shapes:?}")]);
    }
    for (weight, value) in weights.iter().zip(&values) {
        weight.set(value.upload(device)?)?;
    }
    let inputs: Vec<Tensor> =
        list(&frozen["inputs"])?.iter().map(|v| Frozen::new(v)?.upload(device)).collect::<Result<_>>()?;
    let called = model.call(&inputs.iter().collect::<Vec<_>>(), Call::default())?;
    let outputs = list(&frozen["outputs"])?;
    if outputs.len() != called.outputs.len() {
        wrong.push(format!("{} outputs", called.outputs.len()));
    }
    for (i, (output, value)) in called.outputs.iter().zip(outputs).enumerate() {
        Frozen::new(value)?.check(&format!("output {i}"), output, &mut wrong)?;
    }
    if frozen["target"].is_null() {
        return Ok(wrong);
    }
    let target = Frozen::new(&frozen["target"])?.upload(device)?;
    for (i, loss) in ["meanSquaredError", "meanAbsoluteError"].into_iter().enumerate() {
        let values = losses::loss(loss)?(&target, &called.outputs[0])?;
        let mean = losses::masked_mean(&values, called.masks[0].as_ref())?.item()?;
        let keras = frozen["losses"][i].as_f64().ok_or_else(|| malformed(frozen))?;
        if (mean - keras).abs() > TOLERANCE * keras.max(1.0) {
            wrong.push(format!("{loss} {mean} instead of {keras}"));
        }
    }
    Ok(wrong)
}

#[test]
fn cpu() {
    run(&headwater::cpu(1));
}

#[cfg(feature = "gpu")]
#[test]
fn gpu() {
    run(&headwater::gpu().expect("a GPU: `cargo xtask setup` installs a software one"));
}
