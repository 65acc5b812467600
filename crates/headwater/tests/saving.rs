//! Models of every kind come back from files, with what their optimizers keep.

use std::path::PathBuf;

use headwater::nn::layers::{BatchNormalization, Bidirectional, Concatenate, Conv2D, Dense, Embedding, Flatten, LSTM};
use headwater::nn::{
    register, Call, Dims, Functional, Layer, Map, Model, Output, Sequential, Value, Weight, WeightSpec,
};
use headwater::tfjs::{Quantization, SaveOptions};
use headwater::train::{Ema, Fit, Moments, Objective, Optimizer, Options, Rule, Samples, Trainer};
use headwater::{cpu, ops, DType, Device, Error, Result, Tensor};

/// A directory that is removed afterwards.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Directory {
        Directory(std::env::temp_dir().join(format!("headwater-saving-{name}-{}", std::process::id())))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// `x * scale`, where the scale is learnt.
struct Scaled;

impl Layer for Scaled {
    fn class_name(&self) -> &'static str {
        "Scaled"
    }
    fn config(&self, _to: &mut Map) {}
    fn weights(&self, _inputs: &[Dims]) -> Result<Vec<WeightSpec>> {
        Ok(vec![WeightSpec::new("scale", [1].into(), Value::class("Ones"), true)])
    }
    fn output_shape(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        Ok(inputs.to_vec())
    }
    fn call(&self, inputs: &[Tensor], weights: &[Tensor], _call: &Call<'_>) -> Result<Output> {
        Ok(Output::of((&inputs[0] * &weights[0])?))
    }
}

fn convolutional(device: &Device) -> Result<Model> {
    Ok(Sequential::new(device, vec![None, Some(6), Some(6), Some(1)], 1)
        .layer(Conv2D::new(3, 3).activation("relu"))?
        .layer(BatchNormalization::new())?
        .layer(Flatten::new())?
        .layer(Dense::new(2).activation("softmax"))?
        .build())
}

fn recurrent(device: &Device) -> Result<Model> {
    Ok(Sequential::new(device, vec![None, Some(5)], 1)
        .layer(Embedding::new(7, 4).mask_zero(true))?
        .layer(Bidirectional::new(LSTM::new(3)).merge_mode("sum"))?
        .layer(Dense::new(2).activation("softmax"))?
        .build())
}

/// Two inputs, a shared model, a custom layer, a frozen one.
fn functional(device: &Device) -> Result<Model> {
    let tower = Sequential::new(device, vec![None, Some(3)], 1).layer(Dense::new(4).activation("tanh"))?.build();
    let mut net = Functional::new(device, 2);
    let (a, b) = (net.input("a", vec![None, Some(3)])?, net.input("b", vec![None, Some(3)])?);
    let tower = net.layer(tower);
    let (left, right) = (net.call(tower, &[a])?, net.call(tower, &[b])?);
    let scaled = net.apply(Scaled, &[right])?;
    let both = net.apply(Concatenate::new(), &[left, scaled])?;
    let fixed = net.apply(Dense::new(4).trainable(false), &[both])?;
    let class = net.apply(Dense::new(2).activation("softmax"), &[fixed])?;
    net.build(&[a, b], &[class])
}

fn samples(device: &Device, model: &Model) -> Result<Samples> {
    let input = |(i, shape): (usize, &Dims)| {
        let shape: Vec<usize> = shape.iter().map(|d| d.unwrap_or(12)).collect();
        ops::random_uniform(device, shape, 0.0, 6.0, i as u32)?.floor()
    };
    let inputs = model.input_shapes().iter().enumerate().map(input).collect::<Result<Vec<_>>>()?;
    let classes = ops::random_uniform(device, [12], 0.0, 2.0, 9)?.cast(DType::I32)?;
    let y = ops::one_hot(&classes, 2, 1.0, 0.0, DType::F32)?;
    Samples::new(&inputs.iter().collect::<Vec<_>>(), &[&y])
}

fn trainer(optimizer: Optimizer) -> Result<Trainer> {
    let objective = Objective::of_outputs(&["categoricalCrossentropy"])?;
    Ok(Trainer { batch_size: 5, ..Trainer::compiled(optimizer, objective) })
}

type Make = fn() -> Result<Optimizer>;
type Kind = (&'static str, fn(&Device) -> Result<Model>);

#[test]
fn every_kind_of_model_goes_on_as_if_it_had_not_been_saved() -> Result<()> {
    register("Scaled", |_| Ok(Box::new(Scaled)));
    let device = cpu(1);
    let kinds: [Kind; 3] = [("convolutional", convolutional), ("recurrent", recurrent), ("functional", functional)];
    let optimizers: [Make; 4] = [
        || Optimizer::sgd(0.1),
        || Optimizer::adam(0.01),
        || Optimizer::new(Rule::Amsgrad(Moments::default()), 0.01),
        || {
            let ema = Some(Ema { momentum: 0.9, overwrite_every: Some(2) });
            Ok(Optimizer::new(Rule::Momentum { momentum: 0.9, nesterov: true }, 0.05)?
                .with(Options { ema, ..Options::default() }))
        },
    ];
    for (name, make) in kinds {
        for (i, optimizer) in optimizers.iter().enumerate() {
            let directory = Directory::new(&format!("{name}-{i}"));
            let model = make(&device)?;
            let samples = samples(&device, &model)?;
            let mut first = trainer(optimizer()?)?;
            first.fit_with(&model, &samples, Fit::new())?;
            model.save_with(
                &directory.0,
                &SaveOptions { optimizer: Some(&first.optimizer), ..SaveOptions::default() },
            )?;
            let mut second = trainer(optimizer()?)?;
            let again = Model::load_with(&device, &directory.0, &mut second.optimizer)?;
            assert_eq!(model.to_keras("m"), again.to_keras("m"), "{name}");
            first.fit_with(&model, &samples, Fit::new())?;
            second.fit_with(&again, &samples, Fit::new())?;
            let values = |m: &Model| m.get_weights().iter().map(Tensor::to_vec).collect::<Result<Vec<_>>>();
            assert_eq!(values(&model)?, values(&again)?, "{name}, optimizer {i}");
        }
    }
    Ok(())
}

#[test]
fn what_cannot_be_saved_or_loaded_is_named() -> Result<()> {
    let device = cpu(1);
    let directory = Directory::new("wrong");
    let model = convolutional(&device)?;
    model.save(&directory.0)?;
    // Nothing of an optimizer was saved: it begins anew.
    let mut optimizer = Optimizer::adam(0.1)?;
    Model::load_with(&device, &directory.0, &mut optimizer)?;
    assert!(optimizer.state(&model.weights())?.len() == 1);
    let missing = optimizer.set_state(&model.weights(), |name| {
        (name == "iter").then(|| device.full([], headwater::Scalar::I32(3)).ok()).flatten()
    });
    assert!(missing.err().is_some_and(|e| e.to_string().contains("'conv2d_1/kernel/slot_0' is missing")));
    // Quantized weights are near to what they were.
    model.save_with(&directory.0, &SaveOptions { quantization: Quantization::Float16, ..SaveOptions::default() })?;
    let near = Model::load(&device, &directory.0)?;
    let difference = ops::max(&(&near.get_weights()[0] - &model.get_weights()[0])?.abs()?, None, false)?.item()?;
    assert!(difference > 0.0 && difference < 1e-3, "{difference}");
    let nowhere = Model::load(&device, directory.0.join("nowhere"));
    assert!(nowhere.err().is_some_and(|e: Error| e.to_string().contains("nowhere")));
    let names: Vec<String> = model.weights().into_iter().filter(Weight::trainable).map(|w| w.name).collect();
    assert_eq!(names.len(), 6);
    Ok(())
}
