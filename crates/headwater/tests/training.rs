//! What surrounds steps: objectives, validation, callbacks.

use headwater::nn::layers::{Dense, Embedding, LSTM};
use headwater::nn::metrics::Metric;
use headwater::nn::{Call, Called, Functional, Map, Model, Network, Sequential, Weight};
use headwater::train::{
    measure, predict, Callback, Control, EarlyStopping, Fit, LearningRateScheduler, Logs, Objective, Optimizer,
    ReduceLrOnPlateau, Run, Samples, Trainer,
};
use headwater::{cpu, ops, DType, Device, HostSlice, Result, Tensor};

fn line(device: &Device, n: usize) -> Result<(Tensor, Tensor)> {
    let x = ops::random_normal(device, [n, 2], 0.0, 1.0, 7)?;
    let y = x.sum(Some(&[1]), true)?;
    Ok((x, y))
}

fn linear(device: &Device) -> Result<Model> {
    Ok(Sequential::new(device, vec![None, Some(2)], 1).layer(Dense::new(1).name("d"))?.build())
}

fn trainer(rate: f64, epochs: usize) -> Result<Trainer> {
    let objective = Objective::of_outputs(&["mse"])?;
    Ok(Trainer { epochs, ..Trainer::compiled(Optimizer::sgd(rate)?, objective) })
}

/// Measures that a test gives to callbacks, epoch by epoch.
struct Given<'a>(Vec<f64>, &'a mut dyn Callback, Vec<f64>);

impl Callback for Given<'_> {
    fn begin(&mut self, run: &Run, model: &dyn Network, optimizer: &mut Optimizer) -> Result<()> {
        self.1.begin(run, model, optimizer)
    }
    fn epoch_end(&mut self, run: &Run, _: &Logs, model: &dyn Network, o: &mut Optimizer) -> Result<Control> {
        let kernel = &model.weights()[0];
        kernel.set(kernel.value().device().full(&kernel.spec.shape, headwater::Scalar::F32(run.epoch as f32))?)?;
        let logs: Logs = [("val_loss".to_owned(), self.0[run.epoch])].into_iter().collect();
        let control = self.1.epoch_end(run, &logs, model, o)?;
        self.2.push(o.rate());
        Ok(control)
    }
    fn end(&mut self, run: &Run, model: &dyn Network, optimizer: &mut Optimizer) -> Result<()> {
        self.1.end(run, model, optimizer)
    }
}

/// Rates after each epoch, and the first weight in the end: the number of the epoch that it is of.
fn with_losses(losses: &[f64], callback: &mut dyn Callback) -> Result<(Vec<f64>, f64)> {
    let device = cpu(1);
    let (x, y) = line(&device, 8)?;
    let model = linear(&device)?;
    let mut given = Given(losses.to_vec(), callback, Vec::new());
    trainer(1.0, losses.len())?.fit_with(&model, &Samples::new(&[&x], &[&y])?, Fit::new().callback(&mut given))?;
    Ok((given.2, model.weights()[0].value().to_vec()?[0].into()))
}

#[test]
fn early_stopping_waits_and_restores() -> Result<()> {
    let losses = [5.0, 4.0, 4.1, 3.9, 4.0, f64::NAN, 1.0];
    let mut stop = EarlyStopping { patience: 2, restore_best_weights: true, ..EarlyStopping::default() };
    let (rates, weight) = with_losses(&losses, &mut stop)?;
    assert_eq!((rates.len(), weight, stop.best, stop.best_epoch), (6, 3.0, Some(3.9), 3));
    assert_eq!(stop.stopped_epoch, Some(5));
    let mut coarse = EarlyStopping { patience: 2, min_delta: 0.5, ..EarlyStopping::default() };
    assert_eq!(with_losses(&losses, &mut coarse)?.1, 3.0);
    assert_eq!(coarse.stopped_epoch, Some(3));
    let mut based = EarlyStopping { patience: 3, baseline: Some(2.0), ..EarlyStopping::default() };
    assert_eq!((with_losses(&losses, &mut based)?.0.len(), based.stopped_epoch), (3, Some(2)));
    let mut late = EarlyStopping { start_from_epoch: 5, ..EarlyStopping::default() };
    assert_eq!((with_losses(&losses, &mut late)?.0.len(), late.stopped_epoch), (6, Some(5)));
    let mut wrong = EarlyStopping { monitor: "val_los".into(), ..EarlyStopping::default() };
    let error = with_losses(&losses, &mut wrong).err().map(|e| e.to_string());
    assert!(error.is_some_and(|e| e.contains("a monitor among val_loss, received val_los")));
    Ok(())
}

#[test]
fn rates_fall_on_plateaus_and_follow_functions() -> Result<()> {
    let losses = [5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 1.0];
    let mut slower = ReduceLrOnPlateau { patience: 2, factor: 0.5, min_rate: 0.2, ..ReduceLrOnPlateau::default() };
    assert_eq!(with_losses(&losses, &mut slower)?.0, [1.0, 1.0, 0.5, 0.5, 0.25, 0.25, 0.25]);
    let mut cool = ReduceLrOnPlateau { patience: 1, factor: 0.5, cooldown: 2, ..ReduceLrOnPlateau::default() };
    assert_eq!(with_losses(&losses, &mut cool)?.0, [1.0, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125]);
    let device = cpu(1);
    let (x, y) = line(&device, 8)?;
    let mut halved = LearningRateScheduler(|_, rate| rate / 2.0);
    let mut trainer = trainer(0.8, 3)?;
    trainer.fit_with(&linear(&device)?, &Samples::new(&[&x], &[&y])?, Fit::new().callback(&mut halved))?;
    assert_eq!(trainer.optimizer.rate(), 0.1);
    Ok(())
}

#[test]
fn validation_is_evaluation_and_predictions_are_whole() -> Result<()> {
    let device = cpu(1);
    let (x, y) = line(&device, 50)?;
    let model = linear(&device)?;
    let (train, validation) = Samples::new(&[&x], &[&y])?.split(0.3)?;
    let mut trainer = Trainer { batch_size: 7, ..trainer(0.1, 3)? };
    let history = trainer.fit_with(&model, &train, Fit::new().validation(&validation))?;
    assert_eq!(history.names(), ["loss", "val_loss"]);
    let last = trainer.evaluate(&model, &validation)?.get("loss");
    assert_eq!(history.get("val_loss").map(|l| l.len()), Some(3));
    assert_eq!(history.get("val_loss").and_then(|l| l.last().copied()), last);
    let parts = predict(&model, &Samples::new(&[&x], &[])?, 7)?.remove(0).to_vec()?;
    let whole = model.predict(&[&x])?.remove(0).to_vec()?;
    assert!(parts.len() == 50 && parts.iter().zip(whole).all(|(a, b)| (a - b).abs() < 1e-6));
    Ok(())
}

#[test]
fn weights_of_classes_and_samples_count_in_the_loss() -> Result<()> {
    let device = cpu(1);
    let x = ops::random_normal(&device, [6, 2], 0.0, 1.0, 7)?;
    let classes = device.tensor(HostSlice::I32(&[0, 1, 2, 1, 0, 2]), [6])?;
    let one_hot = ops::one_hot(&classes, 3, 1.0, 0.0, DType::F32)?;
    let model = Sequential::new(&device, vec![None, Some(2)], 1).layer(Dense::new(3).activation("softmax"))?.build();
    let value = |objective: Objective, samples: &Samples| -> Result<f64> {
        let trainer = Trainer { batch_size: 6, ..Trainer::compiled(Optimizer::sgd(0.1)?, objective) };
        Ok(trainer.evaluate(&model, samples)?.get("loss").unwrap_or(f64::NAN))
    };
    let weights = device.tensor(HostSlice::F32(&[2.0, 1.0, 0.5, 1.0, 2.0, 0.5]), [6])?;
    let by_sample = Samples::new(&[&x], &[&one_hot])?.weighted(&weights)?;
    let dense = || Objective::of_outputs(&["categoricalCrossentropy"]);
    let expected = value(dense()?, &by_sample)?;
    let plain = Samples::new(&[&x], &[&one_hot])?;
    assert!((expected - value(dense()?, &plain)?).abs() > 1e-3);
    let of_classes = [(0, 2.0), (2, 0.5)];
    assert!((value(dense()?.class_weights(&of_classes), &plain)? - expected).abs() < 1e-6);
    let sparse = Objective::of_outputs(&["sparse_categorical_crossentropy"])?.class_weights(&of_classes);
    for numbers in [classes.clone(), classes.reshape([6, 1])?] {
        assert!((value(sparse.clone(), &Samples::new(&[&x], &[&numbers])?)? - expected).abs() < 1e-6);
    }
    // Samples without weight teach nothing.
    let none = Samples::new(&[&x], &[&one_hot])?.weighted(&device.zeros([6], DType::F32)?)?;
    let before = model.get_weights()[0].to_vec()?;
    Trainer::compiled(Optimizer::sgd(1.0)?, dense()?).fit_with(&model, &none, Fit::new())?;
    assert_eq!(model.get_weights()[0].to_vec()?, before);
    Ok(())
}

#[test]
fn metrics_as_objects_do_not_depend_on_batches() -> Result<()> {
    let device = cpu(1);
    let mut net = Functional::new(&device, 1);
    let x = net.input("x", vec![None, Some(2)])?;
    let one = net.apply(Dense::new(1).activation("sigmoid").name("one"), &[x])?;
    let three = net.apply(Dense::new(3).activation("softmax").name("three"), &[x])?;
    let model = net.build(&[x], &[one, three])?;
    let x = ops::random_normal(&device, [50, 2], 0.0, 1.0, 7)?;
    let one = ops::greater(&x.sum(Some(&[1]), true)?, &x.constant(0.0))?.cast(DType::F32)?;
    let classes = ops::random_uniform(&device, [50], 0.0, 3.0, 9)?.cast(DType::I32)?;
    let three = ops::one_hot(&classes, 3, 1.0, 0.0, DType::F32)?;
    let samples = Samples::new(&[&x], &[&one, &three])?;
    let losses = || Objective::of_outputs(&["binaryCrossentropy", "categoricalCrossentropy"]);
    let objective = losses()?.output_metrics(&[&["AUC"], &["F1Score", "accuracy"]])?;
    let of = |batch_size| -> Result<Logs> {
        Trainer { batch_size, ..Trainer::compiled(Optimizer::sgd(0.1)?, objective.clone()) }.evaluate(&model, &samples)
    };
    let (whole, parts) = (of(50)?, of(7)?);
    let names: Vec<&str> = whole.iter().map(|(name, _)| name).collect();
    let f1 = ["three_F1Score_0", "three_F1Score_1", "three_F1Score_2"];
    let expected = [&["loss", "one_loss", "three_loss", "one_AUC"][..], &f1, &["three_accuracy"]].concat();
    assert_eq!(names, expected);
    assert!(whole.iter().zip(parts.iter()).all(|((_, a), (_, b))| (a - b).abs() < 1e-6), "{whole:?} {parts:?}");
    let mut auc = Metric::new("AUC", Map::default())?;
    measure(&model, &samples, 11, std::slice::from_mut(&mut auc))?;
    assert_eq!(whole.get("one_AUC"), Some(auc.result()?.item()?));
    assert_eq!(
        losses()?.metrics(&["wobble"]).err().map(|e| e.to_string()).as_deref(),
        Some("Unknown metric: 'wobble'")
    );
    Ok(())
}

#[test]
fn frozen_layers_stay_as_they_are() -> Result<()> {
    let device = cpu(1);
    let (x, y) = line(&device, 32)?;
    let base = Sequential::new(&device, vec![None, Some(2)], 1).layer(Dense::new(4).activation("tanh"))?.build();
    let model = Sequential::new(&device, vec![None, Some(2)], 2).layer(&base)?.layer(Dense::new(1))?.build();
    model.layers()[1].set_trainable(false);
    let before = base.get_weights()[0].to_vec()?;
    let samples = Samples::new(&[&x], &[&y])?;
    let history = trainer(0.1, 20)?.fit_with(&model, &samples, Fit::new())?;
    assert!(history.loss[19] < 0.5 * history.loss[0]);
    assert_eq!(base.get_weights()[0].to_vec()?, before);
    model.layers()[1].set_trainable(true);
    trainer(0.1, 1)?.fit_with(&model, &samples, Fit::new())?;
    assert_ne!(base.get_weights()[0].to_vec()?, before);
    Ok(())
}

#[test]
fn a_steps_number_ends_epochs_and_the_next_goes_on() -> Result<()> {
    let device = cpu(1);
    let x = ops::range(&device, 0.0, 10.0, 1.0, DType::F32)?.reshape([10, 1])?;
    let samples = Samples::new(&[&x], &[&x])?;
    /// Notes what is read.
    struct Reads(Device, std::sync::Mutex<Vec<f32>>);
    impl Network for Reads {
        fn device(&self) -> &Device {
            &self.0
        }
        fn weights(&self) -> Vec<Weight> {
            Vec::new()
        }
        fn call(&self, inputs: &[&Tensor], _: Call<'_>) -> Result<Called> {
            self.1.lock().map(|mut list| inputs[0].to_vec().map(|v| list.extend(v))).ok().transpose()?;
            Ok(Called { outputs: vec![inputs[0].clone()], ..Called::default() })
        }
    }
    let reads = Reads(device.clone(), Default::default());
    let fit = Fit::new().steps_per_epoch(3).shuffle(false);
    let mut trainer = Trainer { batch_size: 4, ..trainer(0.1, 2)? };
    let history = trainer.fit_with(&reads, &samples, fit)?;
    assert_eq!(history.loss, [0.0, 0.0]);
    let read = reads.1.into_inner().unwrap_or_default();
    assert_eq!(
        read,
        [(0..10).collect::<Vec<_>>(), (0..10).collect()].concat().iter().map(|&v| v as f32).collect::<Vec<_>>()
    );
    Ok(())
}

#[test]
fn masks_reach_losses_of_several_outputs() -> Result<()> {
    let device = cpu(1);
    let mut net = Functional::new(&device, 1);
    let words = net.input("words", vec![None, Some(3)])?;
    let embedded = net.apply(Embedding::new(5, 4).mask_zero(true), &[words])?;
    let rnn = net.layer(LSTM::new(4).return_sequences(true).return_state(true));
    let states = net.call_all(rnn, &[embedded])?;
    let tags = net.apply(Dense::new(2).activation("softmax").name("tags"), &[states[0]])?;
    let last = net.apply(Dense::new(1).name("last"), &[states[1]])?;
    let model = net.build(&[words], &[tags, last])?;
    let x = device.tensor(HostSlice::F32(&[1.0, 2.0, 0.0, 3.0, 0.0, 0.0]), [2, 3])?;
    let right = ops::one_hot(&device.zeros([2, 3], DType::I32)?, 2, 1.0, 0.0, DType::F32)?;
    let objective =
        Objective::of_outputs(&["categoricalCrossentropy", "mse"])?.output_metrics(&[&["accuracy"], &["mae"]])?;
    let trainer = Trainer::compiled(Optimizer::sgd(0.1)?, objective);
    let value = |tags: &Tensor| -> Result<Option<f64>> {
        let samples = Samples::new(&[&x], &[tags, &device.zeros([2, 1], DType::F32)?])?;
        Ok(trainer.evaluate(&model, &samples)?.get("tags_loss"))
    };
    // Targets of steps that do not count change nothing.
    let mask = device.tensor(HostSlice::F32(&[1.0, 1.0, 0.0, 1.0, 0.0, 0.0]), [2, 3, 1])?;
    let wrong = (&(&right * &mask)? + &(&(1.0 - &mask)? * 9.0)?)?;
    assert_eq!(value(&right)?, value(&wrong)?);
    Ok(())
}

#[test]
fn what_does_not_fit_is_an_error() -> Result<()> {
    let device = cpu(1);
    let (x, y) = line(&device, 8)?;
    let model = linear(&device)?;
    let message = |r: Result<headwater::train::History>| r.err().map_or_else(String::new, |e| e.to_string());
    let mut trainer = trainer(0.1, 1)?;
    let narrow = y.reshape([8])?;
    let text = message(trainer.fit_with(&model, &Samples::new(&[&x], &[&narrow])?, Fit::new()));
    assert!(text.contains("targets of the predictions' shape [8,1], received [8]"), "{text}");
    let text = message(trainer.fit_with(&model, &Samples::new(&[&x], &[&y, &y])?, Fit::new()));
    assert!(text.contains("1 outputs, 2 targets, 1 losses"), "{text}");
    assert!(Samples::new(&[&x], &[&x.slice(&[0, 0], &[7, 2])?]).is_err());
    assert!(Samples::new(&[&x], &[&y])?.split(1.0).is_err());
    assert_eq!(Objective::new("wibble").err().map(|e| e.to_string()).as_deref(), Some("Unknown loss: 'wibble'"));
    assert!(Objective::new("mse")?.metrics(&["wobble"]).is_err());
    Ok(())
}

#[test]
fn sizes_of_nothing_are_refused() -> Result<()> {
    let device = cpu(1);
    let (x, y) = line(&device, 8)?;
    let (model, samples) = (linear(&device)?, Samples::new(&[&x], &[&y])?);
    let text = |r: Result<()>| r.err().map_or_else(String::new, |e| e.to_string());
    let none = Trainer { batch_size: 0, ..trainer(0.1, 1)? };
    let batches = "batches of at least 1 sample, received 0";
    assert!(text(none.evaluate(&model, &samples).map(drop)).contains(batches));
    assert!(text(predict(&model, &samples, 0).map(drop)).contains(batches));
    let mut none = none;
    assert!(text(none.fit_with(&model, &samples, Fit::new()).map(drop)).contains(batches));
    let steps = text(trainer(0.1, 1)?.fit_with(&model, &samples, Fit::new().steps_per_epoch(0)).map(drop));
    assert_eq!(steps, "Error in fit: expected epochs of at least 1 step, received 0");
    assert!(trainer(0.1, 0)?.fit_with(&model, &samples, Fit::new())?.names().is_empty());
    let objective = Objective::of_outputs(&["mse"])?.class_weights(&[(usize::MAX, 2.0)]);
    let mut weighted = Trainer::compiled(Optimizer::sgd(0.1)?, objective);
    let error = text(weighted.fit_with(&model, &samples, Fit::new()).map(drop));
    assert!(error.contains("classes below 16777216"), "{error}");
    Ok(())
}

#[test]
fn class_numbers_that_an_output_has_not_are_told() -> Result<()> {
    let device = cpu(1);
    let x = ops::random_normal(&device, [6, 2], 0.0, 1.0, 7)?;
    let model = Sequential::new(&device, vec![None, Some(2)], 1).layer(Dense::new(3).activation("softmax"))?.build();
    let fit = |classes: &[i32; 6], weights: Option<&[f32; 6]>| -> Result<()> {
        let mut samples = Samples::new(&[&x], &[&device.tensor(HostSlice::I32(classes), [6])?])?;
        if let Some(weights) = weights {
            samples = samples.weighted(&device.tensor(HostSlice::F32(weights), [6])?)?;
        }
        let objective = Objective::new("sparseCategoricalCrossentropy")?;
        let mut trainer = Trainer { batch_size: 4, ..Trainer::compiled(Optimizer::sgd(0.1)?, objective) };
        trainer.evaluate(&model, &samples)?;
        trainer.fit_with(&model, &samples, Fit::new()).map(drop)
    };
    fit(&[0, 1, 2, 0, 1, 2], None)?;
    let error = fit(&[1, 2, 3, 1, 2, -1], None).err().map(|e| e.to_string()).unwrap_or_default();
    assert!(
        error.starts_with("Error in sparseCategoricalCrossentropy: expected targets that are class numbers"),
        "{error}"
    );
    assert!(error.ends_with("received 2 others"), "{error}");
    // Those of samples that do not count may be any.
    fit(&[1, 2, 3, 1, 2, -1], Some(&[1.0, 1.0, 0.0, 1.0, 1.0, 0.0]))?;
    Ok(())
}
