//! Mixed precision against Keras (`tests/keras/mixed.json`), and training in it.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use headwater::nn::layers::{BatchNormalization, Dense};
use headwater::nn::schedules::Schedule;
use headwater::nn::{Call, Dims, Layer, Map, Model, Network, Output, Policy, Sequential, Weight, WeightSpec};
use headwater::train::{
    Backup, Callback, Clip, Control, Ema, Fit, LossScale, Moments, Optimizer, Options, Rule, Run, Samples, Trainer,
};
use headwater::{cpu, ops, AllOk, DType, Device, HostSlice, Result, Shape, Tensor};
use serde_json::Value;

fn answers() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/keras/mixed.json");
    serde_json::from_str(&fs::read_to_string(path).expect("readable")).expect("JSON")
}

fn list(v: &Value) -> &[Value] {
    v.as_array().expect("a list")
}

fn numbers(v: &Value) -> Vec<f32> {
    list(v).iter().map(|x| x.as_f64().unwrap_or(f64::NAN) as f32).collect()
}

fn sizes(v: &Value) -> Vec<usize> {
    list(v).iter().map(|n| n.as_u64().expect("a size") as usize).collect()
}

fn tensor(device: &Device, values: &Value, shape: &[usize]) -> Result<Tensor> {
    device.tensor(HostSlice::F32(&numbers(values)), shape)
}

fn near(what: &str, got: &Tensor, want: &Value, tolerance: f32) -> Result<()> {
    let (got, want) = (got.cast(DType::F32)?.to_vec()?, numbers(want));
    let size = want.iter().fold(1.0_f32, |a, b| a.max(b.abs()));
    let worst = got.iter().zip(&want).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(got.len() == want.len() && worst <= tolerance * size, "{what}: {worst}: {got:?} for {want:?}");
    Ok(())
}

#[test]
fn layers_compute_in_16_bits_what_those_of_keras_do_and_keep_weights_in_32() -> Result<()> {
    let device = cpu(1);
    for case in list(&answers()["layers"]) {
        let (class, policy) = (case["layer"].as_str().expect("a class"), case["policy"].as_str().expect("a policy"));
        let what = format!("{policy} {class} {}", case["config"]);
        let mut config = case["config"].clone();
        config["dtype"] = policy.into();
        let shape = sizes(&case["shape"]);
        let dims: Dims = [None].into_iter().chain(shape[1..].iter().map(|&n| Some(n))).collect();
        let model = Sequential::new(&device, dims, 1).add(class, config)?.build();
        assert_eq!(model.layers()[1].config()["dtype"], policy);
        assert_eq!(model.needs_loss_scale(), policy == "mixed_float16");
        let half = if policy == "mixed_float16" { DType::F16 } else { DType::BF16 };
        // A few units in the last place.
        let tolerance = if half == DType::F16 { 2.0_f32.powi(-9) } else { 2.0_f32.powi(-6) };
        let reset = || -> Result<()> {
            let stored = list(&case["weights"]).iter();
            let values: Vec<Tensor> = stored.map(|w| tensor(&device, &w["values"], &sizes(&w["shape"]))).all_ok()?;
            model.set_weights(&values)
        };
        reset()?;
        let (x, call) = (tensor(&device, &case["x"], &shape)?, Call { training: true, ..Call::default() });
        let y = model.call(&[&x], call)?.outputs.remove(0);
        assert_eq!(y.dtype(), half, "{what}");
        near(&what, &y, &case["y"], tolerance)?;
        let still: Vec<Weight> = model.weights().into_iter().filter(|w| !w.trainable()).collect();
        for (weight, want) in still.iter().zip(list(&case["after"])) {
            near(&format!("{what}: {}", weight.name), &weight.value(), want, tolerance)?;
        }
        reset()?;
        let trained: Vec<Weight> = model.weights().into_iter().filter(Weight::trainable).collect();
        let values: Vec<Tensor> = [x.clone()].into_iter().chain(trained.iter().map(Weight::value)).collect();
        let dy = device.tensor(HostSlice::F32(&numbers(&case["dy"])), y.shape())?;
        let (_, gradients) = device.value_and_grads(&values.iter().collect::<Vec<_>>(), || {
            (&model.call(&[&x], call)?.outputs[0].cast(DType::F32)? * &dy)?.sum(None, false)
        })?;
        let wanted = [&case["dx"]].into_iter().chain(list(&case["gradients"]));
        for (i, (gradient, want)) in gradients.iter().zip(wanted).enumerate() {
            assert_eq!(gradient.dtype(), DType::F32, "{what}");
            near(&format!("{what}, gradient {i}"), gradient, want, 4.0 * tolerance)?;
        }
        assert!(model.weights().iter().all(|w| w.value().dtype() == DType::F32), "{what}");
    }
    Ok(())
}

/// Weights of any shapes.
struct Holder(Vec<Shape>);

impl Layer for Holder {
    fn class_name(&self) -> &'static str {
        "Holder"
    }
    fn config(&self, _: &mut Map) {}
    fn weights(&self, _: &[Dims]) -> Result<Vec<WeightSpec>> {
        let spec = |(i, shape): (usize, &Shape)| {
            WeightSpec::new(&format!("v{i}"), shape.clone(), headwater::nn::Value::class("Zeros"), true)
        };
        Ok(self.0.iter().enumerate().map(spec).collect())
    }
    fn output_shape(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        Ok(inputs.to_vec())
    }
    fn call(&self, inputs: &[Tensor], _: &[Tensor], _: &Call<'_>) -> Result<Output> {
        Ok(Output::of(inputs[0].clone()))
    }
}

fn optimizer(run: &Value) -> Result<Optimizer> {
    let (config, scale) = (&run["config"], &run["scale"]);
    let get = |key: &str| config[key].as_f64();
    let moments = Moments { epsilon: get("epsilon").unwrap_or(1e-7), ..Moments::default() };
    let rule = match run["optimizer"].as_str().expect("a name") {
        "SGD" if get("momentum").is_none() => Rule::Sgd,
        "SGD" => Rule::Momentum { momentum: 0.9, nesterov: false },
        "Adam" if config["amsgrad"] == true => Rule::Amsgrad(moments),
        "Adam" => Rule::Adam(moments),
        "Adamax" => Rule::Adamax(moments),
        "Lamb" => Rule::Lamb(moments),
        "Nadam" => Rule::Nadam(moments),
        "RMSprop" => Rule::RmsProp { rho: 0.9, momentum: 0.0, epsilon: 1e-7, centered: false },
        _ => Rule::Ftrl { power: -0.5, initial: 0.1, l1: 0.0, l2: 0.0, shrinkage: 0.0, beta: 0.0 },
    };
    let rate = &config["learning_rate"];
    let decay = |key: &str| rate[key].as_f64().expect("a number");
    let rate = rate.as_f64().map_or_else(
        || Schedule::ExponentialDecay {
            initial: decay("initial_learning_rate"),
            steps: decay("decay_steps"),
            rate: decay("decay_rate"),
            staircase: false,
        },
        Schedule::Constant,
    );
    let ema = get("ema_momentum").map(|momentum| Ema {
        momentum,
        overwrite_every: config["ema_overwrite_frequency"].as_u64().map(|n| n as u32),
    });
    let options = Options {
        weight_decay: get("weight_decay").unwrap_or(0.0),
        clip: get("global_clipnorm").map(Clip::GlobalNorm),
        ema,
        ..Options::default()
    };
    let initial = scale["initial_scale"].as_f64().unwrap_or(32768.0);
    let scale = LossScale::new(initial, scale["dynamic_growth_steps"].as_u64().unwrap_or(2000) as u32)?;
    Ok(Optimizer::new(rule, rate)?.with(options).loss_scaled(scale))
}

/// Makes the steps of every run; after each, the optimizer goes on as another in its place where `resumes`.
fn follow_keras(device: &Device, resumes: bool) -> Result<()> {
    let answers = answers();
    let shapes: Vec<Vec<usize>> = list(&answers["shapes"]).iter().map(sizes).collect();
    for run in list(&answers["runs"]) {
        let name = format!("{} {}", run["optimizer"], run["config"]);
        let holder = Holder(shapes.iter().map(|s| Shape::from(&s[..])).collect());
        let weights = Sequential::new(device, vec![None, Some(1)], 1).layer(holder)?.build().weights();
        for ((weight, start), shape) in weights.iter().zip(list(&run["start"])).zip(&shapes) {
            weight.set(tensor(device, start, shape)?)?;
        }
        let mut own = optimizer(run)?;
        let mut skipped = 0;
        for (at, step) in list(&run["steps"]).iter().enumerate() {
            let what = format!("{name} step {at}");
            let mut gradients = Vec::new();
            for (i, (values, shape)) in list(&step["gradients"]).iter().zip(&shapes).enumerate() {
                let mut values = numbers(values);
                if step["bad"][0] == i {
                    values[1] = step["bad"][1].as_str().and_then(|bad| bad.parse().ok()).expect("a number");
                }
                gradients.push(device.tensor(HostSlice::F32(&values), &shape[..])?);
            }
            own.apply(&weights, &gradients)?;
            for (weight, want) in weights.iter().zip(list(&step["weights"])) {
                near(&what, &weight.value(), want, 1e-5)?;
            }
            skipped += u32::from(!step["bad"].is_null());
            let scale = own.loss_scale().expect("a scale");
            assert_eq!((Some(scale.value()?), scale.skipped()?), (step["scale"].as_f64(), skipped), "{what}");
            assert_eq!(u64::from(own.iterations()?), step["iterations"].as_u64().expect("a number"), "{what}");
            if resumes {
                let state = own.state(&weights)?;
                let mut next = optimizer(run)?;
                next.set_state(&weights, |name| state.iter().find(|(n, _)| n == name).map(|(_, t)| t.clone()))?;
                own = next;
            }
        }
        own.finish(&weights)?;
        for (weight, want) in weights.iter().zip(list(&run["final"])) {
            near(&format!("{name} in the end"), &weight.value(), want, 1e-5)?;
        }
    }
    Ok(())
}

#[test]
fn a_loss_scale_skips_halves_and_doubles_as_that_of_keras() -> Result<()> {
    follow_keras(&cpu(1), false)
}

#[test]
fn a_loss_scale_is_stored_with_its_optimizer() -> Result<()> {
    follow_keras(&cpu(1), true)
}

#[cfg(feature = "gpu")]
#[test]
fn a_loss_scale_is_the_same_on_the_gpu() -> Result<()> {
    follow_keras(&headwater::gpu()?, false)
}

fn model(device: &Device, policy: Policy, seed: u32) -> Result<Model> {
    let model = Sequential::new(device, vec![None, Some(4)], seed)
        .layer(Dense::new(32).activation("relu"))?
        .layer(BatchNormalization::new())?
        .layer(Dense::new(16).activation("relu"))?
        .layer(Dense::new(2).activation("softmax").name("last"))?
        .build();
    model.set_policy(policy);
    Ok(model)
}

fn data(device: &Device) -> Result<Samples> {
    let x = ops::random_normal(device, [256, 4], 0.0, 1.0, 1)?;
    let column = |i| x.slice(&[0, i], &[256, 1])?.reshape([256]);
    let same = ops::greater(&(&column(0)? * &column(1)?)?, &x.constant(0.0))?.cast(DType::I32)?;
    Samples::new(&[&x], &[&ops::one_hot(&same, 2, 1.0, 0.0, DType::F32)?])
}

#[test]
fn a_model_of_mixed_precision_reaches_the_accuracy_of_float32() -> Result<()> {
    let device = cpu(1);
    let samples = data(&device)?;
    let mut reached = Vec::new();
    for policy in [Policy::Float32, Policy::MixedFloat16, Policy::MixedBfloat16] {
        let model = model(&device, policy, 3)?;
        let mut trainer = Trainer { epochs: 30, ..Trainer::new(Optimizer::adam(0.01)?, "categoricalCrossentropy")? };
        let history = trainer.fit_with(&model, &samples, Fit::new())?;
        reached.push(history.accuracy[29]);
        assert_eq!(trainer.optimizer.loss_scale().is_some(), policy == Policy::MixedFloat16);
        let x = ops::random_normal(&device, [3, 4], 0.0, 1.0, 1)?;
        assert_eq!(model.predict(&[&x])?[0].dtype(), policy.compute());
        assert!(model.weights().iter().all(|w| w.value().dtype() == DType::F32));
    }
    assert!(reached.iter().all(|&accuracy| accuracy > 0.93 && accuracy > reached[0] - 0.02), "{reached:?}");
    Ok(())
}

#[test]
fn policies_are_stored_with_models() -> Result<()> {
    let device = cpu(1);
    let model = model(&device, Policy::MixedFloat16, 1)?;
    model.layer("last")?.set_policy(Policy::Float32);
    let json = model.to_keras("net");
    let again = Model::from_keras(&device, &json, 1)?;
    assert_eq!(again.to_keras("net"), json);
    let policies: Vec<Policy> = again.layers().iter().skip(1).map(|layer| layer.policy()).collect();
    assert_eq!(policies, [&[Policy::MixedFloat16; 3][..], &[Policy::Float32]].concat());
    assert!(again.needs_loss_scale());
    Ok(())
}

/// Ends a training after so many steps.
struct After(usize);

impl Callback for After {
    fn step_end(&mut self, run: &Run, _: Option<&Tensor>, _: &dyn Network, _: &mut Optimizer) -> Result<Control> {
        Ok(if run.steps + 1 == self.0 { Control::Stop } else { Control::Continue })
    }
}

#[test]
fn an_overflow_skips_the_step_and_a_resumed_training_keeps_the_scale() -> Result<()> {
    let device = cpu(1);
    let samples = data(&device)?;
    type Outcome = (Vec<Vec<u32>>, f64, u32, u32, f64);
    let train = |backup: Option<Backup>, seed, steps| -> Result<Outcome> {
        let model = model(&device, Policy::MixedFloat16, seed)?;
        // Above float16's range: the first steps overflow. The rate follows the steps that are made.
        let decay = Schedule::ExponentialDecay { initial: 0.02, steps: 5.0, rate: 0.9, staircase: true };
        let optimizer = Optimizer::adam(decay)?.loss_scaled(LossScale::new(f64::from(1 << 26), 6)?);
        let objective = Trainer::new(optimizer, "categoricalCrossentropy")?;
        let mut trainer = Trainer { epochs: 4, backup, ..objective };
        trainer.fit_with(&model, &samples, Fit::new().callback(&mut After(steps)))?;
        let weights = model.weights().iter().map(|w| w.value().to_lanes()).all_ok()?;
        let scale = trainer.optimizer.loss_scale().expect("a scale");
        let (value, skipped, rate) = (scale.value()?, scale.skipped()?, trainer.optimizer.rate());
        Ok((weights, value, skipped, trainer.optimizer.iterations()?, rate))
    };
    let whole = train(None, 1, 99)?;
    let (_, scale, skipped, iterations, rate) = &whole;
    assert!(*skipped > 5 && *scale < f64::from(1 << 20), "{skipped} {scale}");
    assert_eq!(iterations + skipped, 32);
    assert!((rate - 0.02 * 0.9_f64.powi(*iterations as i32 / 5)).abs() < 1e-12);
    for steps in [1, 7, 13, 30] {
        let store: Arc<Mutex<Option<Vec<u8>>>> = Arc::default();
        train(Some(Backup::new(store.clone())), 1, steps)?;
        assert_eq!(train(Some(Backup::new(store)), 9, 99)?, whole, "after {steps} steps");
    }
    assert!(LossScale::new(0.0, 1).is_err() && LossScale::new(1.0, 0).is_err());
    Ok(())
}

#[test]
fn an_overflow_leaves_out_its_part_of_accumulated_gradients() -> Result<()> {
    let device = cpu(1);
    let bad = [f32::NAN, f32::INFINITY];
    let holder = Holder(vec![Shape::from([2])]);
    let weights = Sequential::new(&device, vec![None, Some(1)], 1).layer(holder)?.build().weights();
    let options = || Options { accumulate: 3, ..Options::default() };
    let make =
        || -> Result<Optimizer> { Ok(Optimizer::sgd(1.0)?.with(options()).loss_scaled(LossScale::new(64.0, 3)?)) };
    let mut own = make()?;
    let mut follow = |gradients: [[f32; 2]; 3], want: [f32; 2], (scale, skipped, iterations): (f64, u32, u32)| {
        for gradient in gradients {
            own.apply(&weights, &[device.tensor(HostSlice::F32(&gradient), [2])?])?;
        }
        assert_eq!(weights[0].value().to_vec()?, want);
        let kept = own.loss_scale().expect("a scale");
        assert_eq!((kept.value()?, kept.skipped()?, own.iterations()?), (scale, skipped, iterations));
        Result::Ok(())
    };
    follow([[1.0, 2.0], [3.0, 0.0], [2.0, 1.0]], [-2.0, -1.0], (128.0, 0, 1))?;
    // As Keras's optimizer with two parts to a step does.
    follow([[1.0, 2.0], bad, [3.0, 4.0]], [-4.0, -4.0], (64.0, 0, 2))?;
    follow([bad, [1.0, 0.0], bad], [-5.0, -4.0], (16.0, 0, 3))?;
    follow([bad, bad, bad], [-5.0, -4.0], (2.0, 1, 3))?;
    follow([[1.0, 2.0], [3.0, 0.0], [2.0, 1.0]], [-7.0, -5.0], (4.0, 1, 4))?;
    // By the samples of each part.
    let mut own = Optimizer::sgd(1.0)?.loss_scaled(LossScale::new(64.0, 3)?);
    weights[0].set(device.zeros([2], DType::F32)?)?;
    for (gradient, samples) in [([1.0, 2.0], 6.0), (bad, 6.0), ([5.0, 6.0], 2.0)] {
        own.accumulate(&weights, &[device.tensor(HostSlice::F32(&gradient), [2])?], 3, samples)?;
    }
    assert_eq!(weights[0].value().to_vec()?, [-2.0, -3.0]);
    Ok(())
}

#[test]
fn accumulation_in_mixed_precision_goes_on_after_an_overflow() -> Result<()> {
    let device = cpu(1);
    let samples = data(&device)?;
    type Outcome = (Vec<Vec<u32>>, f64, u32);
    let train = |backup: Option<Backup>, seed, steps| -> Result<Outcome> {
        let model = model(&device, Policy::MixedFloat16, seed)?;
        let optimizer = Optimizer::adam(0.02)?.loss_scaled(LossScale::new(f64::from(1 << 22), 6)?);
        let mut trainer =
            Trainer { epochs: 4, accumulate: 3, backup, ..Trainer::new(optimizer, "categoricalCrossentropy")? };
        trainer.fit_with(&model, &samples, Fit::new().callback(&mut After(steps)))?;
        let weights = model.weights().iter().map(|w| w.value().to_lanes()).all_ok()?;
        let scale = trainer.optimizer.loss_scale().expect("a scale");
        Ok((weights, scale.value()?, trainer.optimizer.iterations()?))
    };
    let whole = train(None, 1, 99)?;
    for steps in [1, 2, 5, 13] {
        let store: Arc<Mutex<Option<Vec<u8>>>> = Arc::default();
        train(Some(Backup::new(store.clone())), 1, steps)?;
        assert_eq!(train(Some(Backup::new(store)), 9, 99)?, whole, "after {steps} steps");
    }
    Ok(())
}
