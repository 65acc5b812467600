//! Optimizers step by step, and schedules, against Keras: `tests/keras/optimizers.json`.

use std::fs;
use std::path::Path;

use headwater::nn::layers::Dense;
use headwater::nn::schedules::Schedule;
use headwater::nn::{Model, Sequential, Weight};
use headwater::train::{Clip, Control, Ema, Moments, Optimizer, Options, Rule, Trainer};
use headwater::{cpu, Device, HostSlice, Result, Tensor};
use serde_json::{json, Value};

fn answers() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/keras/optimizers.json");
    serde_json::from_str(&fs::read_to_string(path).expect("readable")).expect("JSON")
}

fn numbers(v: &Value) -> Vec<f64> {
    v.as_array().expect("numbers").iter().map(|x| x.as_f64().expect("a number")).collect()
}

/// Number `key` of a configuration.
fn get(config: &Value, key: &str, fallback: f64) -> f64 {
    config[key].as_f64().unwrap_or(fallback)
}

fn flag(config: &Value, key: &str) -> bool {
    config[key].as_bool().unwrap_or(false)
}

fn schedule(v: &Value) -> Schedule {
    let c = &v["config"];
    let n = |key: &str| get(c, key, f64::NAN);
    let (initial, steps, staircase) = (n("initial_learning_rate"), n("decay_steps"), flag(c, "staircase"));
    match v["class_name"].as_str().expect("a class") {
        "ExponentialDecay" => Schedule::ExponentialDecay { initial, steps, rate: n("decay_rate"), staircase },
        "InverseTimeDecay" => Schedule::InverseTimeDecay { initial, steps, rate: n("decay_rate"), staircase },
        "PolynomialDecay" => {
            let (end, power) = (n("end_learning_rate"), n("power"));
            Schedule::PolynomialDecay { initial, steps, end, power, cycle: flag(c, "cycle") }
        }
        "PiecewiseConstantDecay" => {
            let values = numbers(&c["values"]);
            let pieces = numbers(&c["boundaries"]).into_iter().zip(values.iter().copied()).collect();
            Schedule::PiecewiseConstantDecay { pieces, last: values[values.len() - 1] }
        }
        "CosineDecay" => {
            let decay = |initial| Schedule::CosineDecay { initial, steps, alpha: n("alpha") };
            match c["warmup_target"].as_f64() {
                None => decay(initial),
                Some(to) => Schedule::WarmUp { from: initial, to, steps: n("warmup_steps"), then: Box::new(decay(to)) },
            }
        }
        "CosineDecayRestarts" => Schedule::CosineDecayRestarts {
            initial,
            steps: n("first_decay_steps"),
            longer: n("t_mul"),
            higher: n("m_mul"),
            alpha: n("alpha"),
        },
        other => panic!("{other}"),
    }
}

fn rule(name: &str, c: &Value) -> Rule {
    let n = |key: &str, fallback: f64| get(c, key, fallback);
    let moments = Moments { beta1: n("beta_1", 0.9), beta2: n("beta_2", 0.999), epsilon: n("epsilon", 1e-7) };
    match name {
        "SGD" if n("momentum", 0.0) == 0.0 => Rule::Sgd,
        "SGD" => Rule::Momentum { momentum: n("momentum", 0.0), nesterov: flag(c, "nesterov") },
        "Adam" | "AdamW" if flag(c, "amsgrad") => Rule::Amsgrad(moments),
        "Adam" | "AdamW" => Rule::Adam(moments),
        "Adamax" => Rule::Adamax(moments),
        "Nadam" => Rule::Nadam(moments),
        "Lamb" => Rule::Lamb(moments),
        "Lion" => Rule::Lion { beta1: n("beta_1", 0.9), beta2: n("beta_2", 0.99) },
        "RMSprop" => Rule::RmsProp {
            rho: n("rho", 0.9),
            momentum: n("momentum", 0.0),
            epsilon: n("epsilon", 1e-7),
            centered: flag(c, "centered"),
        },
        "Adagrad" => Rule::Adagrad { initial: n("initial_accumulator_value", 0.1), epsilon: n("epsilon", 1e-7) },
        "Adadelta" => Rule::Adadelta { rho: n("rho", 0.95), epsilon: n("epsilon", 1e-7) },
        "Ftrl" => Rule::Ftrl {
            power: n("learning_rate_power", -0.5),
            initial: n("initial_accumulator_value", 0.1),
            l1: n("l1_regularization_strength", 0.0),
            l2: n("l2_regularization_strength", 0.0),
            shrinkage: n("l2_shrinkage_regularization_strength", 0.0),
            beta: n("beta", 0.0),
        },
        other => panic!("{other}"),
    }
}

fn options(name: &str, c: &Value) -> Options {
    let clips = [
        ("clipvalue", Clip::Value as fn(f64) -> Clip),
        ("clipnorm", Clip::Norm),
        ("global_clipnorm", Clip::GlobalNorm),
    ];
    let ema = Ema {
        momentum: get(c, "ema_momentum", 0.99),
        overwrite_every: c["ema_overwrite_frequency"].as_u64().map(|n| n as u32),
    };
    Options {
        weight_decay: get(c, "weight_decay", if name == "AdamW" { 0.004 } else { 0.0 }),
        clip: clips.iter().find_map(|(key, clip)| Some(clip(c[*key].as_f64()?))),
        ema: flag(c, "use_ema").then_some(ema),
        accumulate: get(c, "gradient_accumulation_steps", 1.0) as u32,
        multiplier: None,
    }
}

/// Weights of a dense layer, with these values.
fn weights(device: &Device, values: &[f64]) -> Result<Vec<Weight>> {
    let dense = json!({"units": 3});
    let model = Sequential::new(device, vec![None, Some(2)], 1).add("Dense", dense)?.build();
    let weights = model.weights();
    for (weight, value) in weights.iter().zip(tensors(device, &weights, values)?) {
        weight.set(value)?;
    }
    Ok(weights)
}

/// A flat list as tensors of the weights' shapes.
fn tensors(device: &Device, weights: &[Weight], values: &[f64]) -> Result<Vec<Tensor>> {
    let mut left: Vec<f32> = values.iter().map(|&x| x as f32).collect();
    let next = |w: &Weight| {
        let rest = left.split_off(w.spec.shape.size());
        device.tensor(HostSlice::F32(&std::mem::replace(&mut left, rest)), w.spec.shape.clone())
    };
    weights.iter().map(next).collect()
}

fn flat(weights: &[Weight]) -> Result<Vec<f64>> {
    Ok(weights
        .iter()
        .map(|w| w.value().to_vec())
        .collect::<Result<Vec<_>>>()?
        .into_iter()
        .flatten()
        .map(f64::from)
        .collect())
}

fn check(what: &str, got: &[f64], want: &[f64]) {
    let worst = got.iter().zip(want).map(|(g, w)| (g - w).abs() / w.abs().max(1.0)).fold(0.0, f64::max);
    assert!(got.len() == want.len() && worst < 1e-5, "{what}: {worst}: {got:?} for {want:?}");
}

fn follow_keras(device: &Device) -> Result<()> {
    let answers = answers();
    let gradients: Vec<Vec<f64>> = answers["gradients"].as_array().expect("steps").iter().map(numbers).collect();
    for run in answers["runs"].as_array().expect("runs") {
        let (name, config) = (run["optimizer"].as_str().expect("a name"), &run["config"]);
        let rate = match config["learning_rate"].as_f64() {
            Some(rate) => rate.into(),
            None => schedule(&config["learning_rate"]),
        };
        let mut optimizer = Optimizer::new(rule(name, config), rate)?.with(options(name, config));
        let weights = weights(device, &numbers(&answers["weights"]))?;
        let trace: Vec<Vec<f64>> = run["weights"].as_array().expect("steps").iter().map(numbers).collect();
        for (i, (gradient, want)) in gradients.iter().zip(&trace).enumerate() {
            optimizer.apply(&weights, &tensors(device, &weights, gradient)?)?;
            check(&format!("{name} {config} step {i}"), &flat(&weights)?, want);
        }
        if let Some(last) = trace.get(gradients.len()) {
            optimizer.finish(&weights)?;
            check(&format!("{name} {config} in the end"), &flat(&weights)?, last);
        }
    }
    Ok(())
}

#[test]
fn on_the_processor() -> Result<()> {
    follow_keras(&headwater::cpu(1))
}

#[cfg(feature = "gpu")]
#[test]
fn on_the_gpu() -> Result<()> {
    follow_keras(&headwater::gpu()?)
}

#[test]
fn schedules() {
    for v in answers()["schedules"].as_array().expect("schedules") {
        let schedule = schedule(v);
        for (step, want) in numbers(&v["steps"]).into_iter().zip(numbers(&v["rates"])) {
            let got = schedule.at(step);
            // Keras computes rates in float32.
            assert!((got - want).abs() <= 2e-6 * want.abs().max(1e-3), "{v} at {step}: {got} for {want}");
        }
    }
}

#[test]
fn another_rate_is_no_other_plan() -> Result<()> {
    let device = headwater::cpu(1);
    let weights = weights(&device, &[0.5; 9])?;
    let rate = Schedule::CosineDecay { initial: 0.1, steps: 50.0, alpha: 0.0 };
    let ema = Some(Ema { momentum: 0.9, overwrite_every: None });
    let options = Options { weight_decay: 0.1, clip: Some(Clip::GlobalNorm(1.0)), ema, ..Options::default() };
    let mut optimizer = Optimizer::adam(rate)?.with(options);
    let mut plans = Vec::new();
    for i in 0..20 {
        optimizer.apply(&weights, &tensors(&device, &weights, &[f64::from(i); 9])?)?;
        device.flush()?;
        plans.push(device.stats().plans);
    }
    assert_eq!(plans[2], plans[19], "{plans:?}");
    Ok(())
}

#[test]
fn a_step_is_one_kernel() -> Result<()> {
    let device = headwater::cpu(1);
    let weights = &weights(&device, &[0.5; 9])?[..1];
    let moments = Moments::default();
    let rules = [
        Rule::Adam(moments),
        Rule::Amsgrad(moments),
        Rule::Nadam(moments),
        Rule::Lion { beta1: 0.9, beta2: 0.99 },
        Rule::Ftrl { power: -0.5, initial: 0.1, l1: 0.1, l2: 0.1, shrinkage: 0.1, beta: 0.1 },
    ];
    for rule in rules {
        let ema = Some(Ema { momentum: 0.9, overwrite_every: None });
        let options = Options { weight_decay: 0.1, clip: Some(Clip::Value(1.0)), ema, ..Options::default() };
        let mut optimizer = Optimizer::new(rule, 0.1)?.with(options);
        let mut kernels = 0;
        for _ in 0..3 {
            let gradients = tensors(&device, weights, &[0.1; 6])?;
            let before = device.stats().kernels;
            optimizer.apply(weights, &gradients)?;
            device.flush()?;
            kernels = device.stats().kernels - before;
        }
        assert_eq!(kernels, 1, "{rule:?}");
    }
    Ok(())
}

#[test]
fn a_weight_has_its_own_rate() -> Result<()> {
    let device = headwater::cpu(1);
    let weights = weights(&device, &[1.0; 9])?;
    let multiplier: headwater::train::Multiplier =
        std::sync::Arc::new(|name| if name.ends_with("bias") { 0.0 } else { 0.5 });
    let options = Options { weight_decay: 0.1, multiplier: Some(multiplier), ..Options::default() };
    let mut optimizer = Optimizer::sgd(0.1)?.with(options);
    optimizer.apply(&weights, &tensors(&device, &weights, &[1.0; 9])?)?;
    let moved = 1.0 - 0.05 * 0.1 - 0.05;
    check("kernel, bias", &flat(&weights)?, &[moved, moved, moved, moved, moved, moved, 1.0, 1.0, 1.0]);
    let few = optimizer.apply(&weights, &[]).expect_err("no gradients");
    assert_eq!(few.to_string(), "Error in optimizer: expected 2 gradients, received 0");
    Ok(())
}

#[test]
fn layers_may_be_frozen_and_freed_between_fits() -> Result<()> {
    let device = cpu(1);
    let x = headwater::ops::random_normal(&device, [32, 3], 0.0, 1.0, 1)?;
    let fit = |trainer: &mut Trainer, model: &Model| trainer.fit(model, &x, &x, |_, _| Control::Continue);
    let model = Sequential::new(&device, vec![None, Some(3)], 1)
        .layer(Dense::new(5).activation("tanh").name("base"))?
        .layer(Dense::new(3).name("head"))?
        .build();
    let slot = |trainer: &Trainer, i: usize| -> Result<Vec<f32>> {
        let trained: Vec<Weight> = model.weights().into_iter().filter(Weight::trainable).collect();
        trainer.optimizer.state(&trained)?[i].1.to_vec()
    };
    let ema = Some(Ema { momentum: 0.5, overwrite_every: None });
    let optimizer = Optimizer::adam(0.01)?.with(Options { ema, ..Options::default() });
    let mut trainer = Trainer::new(optimizer, "mse")?;
    model.layer("base")?.set_trainable(false);
    fit(&mut trainer, &model)?;
    let of_head = slot(&trainer, 1)?;
    model.layer("base")?.set_trainable(true);
    let base = model.weight("base/kernel")?;
    let before = base.value().to_vec()?;
    fit(&mut trainer, &model)?;
    assert_ne!(base.value().to_vec()?, before);
    // The head's slots went on, those of the base began.
    assert_ne!(slot(&trainer, 5)?, of_head);
    assert_eq!(slot(&trainer, 1)?.len(), 15);
    // Another layer of as many weights.
    let of_base = slot(&trainer, 1)?;
    model.layer("head")?.set_trainable(false);
    fit(&mut trainer, &model)?;
    assert_eq!(trainer.optimizer.iterations()?, 3);
    assert_ne!(slot(&trainer, 1)?, of_base);
    // Another model.
    let other = Sequential::new(&device, vec![None, Some(3)], 1).layer(Dense::new(3))?.build();
    fit(&mut trainer, &other)?;
    // What was stored is of certain weights.
    let state = trainer.optimizer.state(&other.weights())?;
    let mut restored = Optimizer::adam(0.01)?;
    restored.set_state(&other.weights(), |name| state.iter().find(|(n, _)| n == name).map(|(_, t)| t.clone()))?;
    let mut trainer = Trainer::new(restored, "mse")?;
    let error = fit(&mut trainer, &model).expect_err("other weights");
    assert!(error.to_string().contains("the same weights"), "{error}");
    Ok(())
}

#[test]
fn numbers_outside_of_their_range_are_refused() -> Result<()> {
    let refused = |rule: Rule, what: &str| {
        let error = Optimizer::new(rule, 0.1).err().map(|e| e.to_string()).unwrap_or_default();
        assert!(error.contains(what), "{error}: {what}");
    };
    let moments = Moments::default();
    refused(Rule::Momentum { momentum: 1.5, nesterov: false }, "a momentum from 0 to 1, received 1.5");
    refused(Rule::Adam(Moments { beta1: 1.0, ..moments }), "a beta1 from 0 to less than 1, received 1");
    refused(Rule::Lamb(Moments { beta2: f64::NAN, ..moments }), "a beta2 from 0 to less than 1, received NaN");
    refused(Rule::Nadam(Moments { epsilon: -1.0, ..moments }), "an epsilon of at least 0, received -1");
    refused(Rule::Lion { beta1: -0.1, beta2: 0.9 }, "a beta1 from 0 to 1");
    refused(Rule::RmsProp { rho: 2.0, momentum: 0.0, epsilon: 1e-7, centered: false }, "a rho from 0 to 1");
    refused(Rule::Adagrad { initial: -1.0, epsilon: 1e-7 }, "an initial sum of at least 0");
    refused(Rule::Adadelta { rho: 2.0, epsilon: 1e-7 }, "a rho from 0 to 1");
    let ftrl = |power, l1| Rule::Ftrl { power, initial: 0.1, l1, l2: 0.0, shrinkage: 0.0, beta: 0.0 };
    refused(ftrl(1.0, 0.0), "a power of at most 0");
    refused(ftrl(-0.5, -1.0), "penalties of at least 0");
    let rate = Optimizer::sgd(f64::NAN).err().map(|e| e.to_string());
    assert_eq!(rate.as_deref(), Some("Error in optimizer: expected a learning rate, received NaN"));

    let device = cpu(1);
    let x = device.ones([4, 2], headwater::DType::F32)?;
    let model = Sequential::new(&device, vec![None, Some(2)], 1).layer(Dense::new(2))?.build();
    let before = model.weights()[0].value().to_vec()?;
    let plain = Options::default;
    for (options, what) in [
        (Options { clip: Some(Clip::Norm(0.0)), ..plain() }, "a limit of gradients above 0, received 0"),
        (Options { clip: Some(Clip::Value(f64::NAN)), ..plain() }, "a limit of gradients above 0, received NaN"),
        (Options { weight_decay: -1.0, ..plain() }, "a weight decay of at least 0"),
        (Options { ema: Some(Ema { momentum: 1.5, overwrite_every: None }), ..plain() }, "a momentum from 0 to 1"),
        (Options { ema: Some(Ema { momentum: 0.5, overwrite_every: Some(0) }), ..plain() }, "after 1 step or more"),
    ] {
        let mut trainer = Trainer::new(Optimizer::sgd(0.1)?.with(options), "mse")?;
        let error = trainer.fit(&model, &x, &x, |_, _| Control::Continue).expect_err(what);
        assert!(error.to_string().contains(what), "{error}");
    }
    assert_eq!(model.weights()[0].value().to_vec()?, before);
    Ok(())
}

#[test]
fn a_gradient_has_the_shape_of_its_weight() -> Result<()> {
    let device = cpu(1);
    let model = Sequential::new(&device, vec![None, Some(2)], 1).layer(Dense::new(2).name("d"))?.build();
    let (weights, bias) = (model.weights(), device.ones([2], headwater::DType::F32)?);
    let before = weights[0].value().to_vec()?;
    for mut optimizer in
        [Optimizer::sgd(0.1)?, Optimizer::sgd(0.1)?.with(Options { accumulate: 2, ..Options::default() })]
    {
        let error = optimizer.apply(&weights, &[bias.clone(), bias.clone()]).expect_err("another shape");
        assert_eq!(error.to_string(), "Error in d/kernel: expected a gradient of shape [2,2], received [2]");
    }
    assert_eq!(weights[0].value().to_vec()?, before);
    Ok(())
}
