//! A training that is ended at any step and started again comes to the same weights, bit for bit.

use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use headwater::nn::layers::{BatchNormalization, Dense, Dropout};
use headwater::nn::metrics::Metric;
use headwater::nn::schedules::Schedule;
use headwater::nn::{Model, Network, Sequential};
use headwater::train::{
    Backup, Batch, Batches, Callback, Clip, Control, EarlyStopping, Ema, Fit, Gradients, History, Objective, Optimizer,
    Options, Pass, ReduceLrOnPlateau, Run, Samples, Source, Store, Trainer,
};
use headwater::{cpu, ops, safetensors, AllOk, DType, Device, Error, Result, Tensor};
use serde_json::json;

const SAMPLES: usize = 44;
const STEPS: usize = 24;

/// Everything that a training has come to.
#[derive(Debug, PartialEq)]
struct Outcome {
    weights: Vec<Vec<u32>>,
    history: Vec<u64>,
    rate: f64,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// Random layers, moving averages, a schedule, averages of weights.
    Adam,
    /// States that are carried from batch to batch, a rate that the callback changes.
    Momentum,
}

fn model(device: &Device, kind: Kind, seed: u32) -> Result<Model> {
    let chain = match kind {
        Kind::Adam => Sequential::new(device, vec![None, Some(6)], seed)
            .add("Dense", json!({"units": 8, "activation": "relu", "kernel_regularizer": {"class_name": "L2", "config": {"l2": 1e-3}}}))?
            .add("BatchNormalization", json!({}))?
            .add("Dropout", json!({"rate": 0.3}))?,
        Kind::Momentum => Sequential::new(device, vec![Some(11), Some(3), Some(2)], seed)
            .add("GRU", json!({"units": 5, "stateful": true, "dropout": 0.2}))?,
    };
    Ok(chain.add("Dense", json!({"units": 2, "activation": "softmax"}))?.build())
}

fn trainer(kind: Kind, backup: Option<Backup>) -> Result<Trainer> {
    let optimizer = match kind {
        Kind::Adam => {
            let ema = Some(Ema { momentum: 0.9, overwrite_every: Some(7) });
            let options = Options { clip: Some(Clip::GlobalNorm(1.0)), ema, ..Options::default() };
            Optimizer::adam(Schedule::CosineDecay { initial: 0.1, steps: 20.0, alpha: 0.1 })?.with(options)
        }
        Kind::Momentum => Optimizer::new(headwater::train::Rule::Momentum { momentum: 0.9, nesterov: true }, 0.1)?,
    };
    Ok(Trainer { epochs: 6, batch_size: 11, backup, ..Trainer::new(optimizer, "categoricalCrossentropy")? })
}

fn data(device: &Device, kind: Kind) -> Result<(Tensor, Tensor)> {
    let x = ops::random_normal(device, [SAMPLES, 6], 0.0, 1.0, 1)?;
    let y = ops::one_hot(&ops::arg_max(&ops::slice(&x, &[0, 0], &[SAMPLES, 2])?, 1)?, 2, 1.0, 0.0, x.dtype())?;
    Ok(match kind {
        Kind::Adam => (x, y),
        Kind::Momentum => (ops::reshape(&x, [SAMPLES, 3, 2])?, y),
    })
}

/// Trains; `after` is told the number of each step that is made here.
fn train(
    device: &Device,
    kind: Kind,
    seed: u32,
    backup: Option<Backup>,
    mut after: impl FnMut(usize) -> Control,
) -> Result<Outcome> {
    let model = model(device, kind, seed)?;
    let (x, y) = data(device, kind)?;
    let mut trainer = trainer(kind, backup)?;
    let mut steps = 0;
    let History { loss, accuracy, .. } = trainer.fit(&model, &x, &y, |at, optimizer| {
        if let (Kind::Momentum, Some(_)) = (kind, at.result) {
            optimizer.set_rate(optimizer.rate() * 0.9);
        }
        steps += 1;
        after(steps)
    })?;
    let bits = loss.iter().chain(&accuracy).map(|x| x.to_bits()).collect();
    let weights = model.weights().iter().map(|w| w.value().to_lanes()).all_ok()?;
    Ok(Outcome { weights, history: bits, rate: trainer.optimizer.rate() })
}

const KINDS: [Kind; 2] = [Kind::Adam, Kind::Momentum];
const GO_ON: fn(usize) -> Control = |_| Control::Continue;

/// Keeps every checkpoint.
#[derive(Clone, Default)]
struct All(Arc<Mutex<Vec<Vec<u8>>>>);

impl All {
    fn kept(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for All {
    fn save(&mut self, bytes: Vec<u8>) -> Result<()> {
        self.kept().push(bytes);
        Ok(())
    }
    fn load(&mut self) -> Result<Option<Vec<u8>>> {
        Ok(self.kept().last().cloned())
    }
    fn remove(&mut self) -> Result<()> {
        self.kept().clear();
        Ok(())
    }
}

#[test]
fn from_the_checkpoint_of_every_step_it_comes_to_the_same() -> Result<()> {
    for (kind, threads) in KINDS.into_iter().flat_map(|kind| [(kind, 1), (kind, 3)]) {
        let device = cpu(threads);
        let whole = train(&device, kind, 1, None, GO_ON)?;
        let saved = All::default();
        let backup = Backup::new(saved.clone()).every(1).kept();
        assert_eq!(train(&device, kind, 1, Some(backup), GO_ON)?, whole, "saving changes nothing");
        let by_epoch = All::default();
        train(&device, kind, 1, Some(Backup::new(by_epoch.clone()).kept()), GO_ON)?;
        let (saved, by_epoch) = (saved.kept().clone(), by_epoch.kept().clone());
        assert_eq!((saved.len(), by_epoch.len()), (STEPS, 6));
        for (i, bytes) in saved.into_iter().chain(by_epoch).enumerate() {
            let store = Arc::new(Mutex::new(Some(bytes)));
            // Other weights to begin with: what is the same comes from the checkpoint.
            let again = train(&cpu(threads), kind, 100, Some(Backup::new(store.clone())), GO_ON)?;
            assert_eq!(again, whole, "{kind:?}, checkpoint {i}, {threads} threads");
            assert_eq!(*store.lock().unwrap(), None, "deleted at the end");
        }
    }
    Ok(())
}

/// A training with all that may surround steps. `stop` ends it at that place of that step, from 0.
struct Whole {
    steps_per_epoch: Option<usize>,
    stop: Option<(usize, Place)>,
    at: usize,
    skips: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Batch,
    Gradients,
    Step,
}

impl Whole {
    fn control(&self, steps: usize, place: Place) -> Control {
        if self.stop == Some((steps, place)) {
            return Control::Stop;
        }
        // The third step of all is not made.
        if self.skips && steps == 2 && place == Place::Gradients {
            Control::Skip
        } else {
            Control::Continue
        }
    }
}

impl Callback for Whole {
    fn batch(&mut self, run: &Run, _: &mut Batch) -> Result<Control> {
        Ok(self.control(run.steps, Place::Batch))
    }
    fn gradients(&mut self, run: &Run, _: &mut Gradients<'_>) -> Result<Control> {
        Ok(self.control(run.steps, Place::Gradients))
    }
    fn step_end(&mut self, run: &Run, _: Option<&Tensor>, _: &dyn Network, _: &mut Optimizer) -> Result<Control> {
        self.at += 1;
        Ok(self.control(run.steps, Place::Step))
    }
}

/// A source that does not know how many batches it has.
struct Unknown(Samples);

impl Source for Unknown {
    fn batches(&self, _: usize) -> Option<usize> {
        None
    }
    fn pass<'a>(&'a self, device: &Device, pass: Pass) -> Result<Batches<'a>> {
        self.0.pass(device, pass)
    }
}

type Columns = Vec<(String, Vec<f64>)>;

/// What is left of a training, and the steps made here.
fn surrounded(whole: &mut Whole, backup: Option<Backup>, seed: u32) -> Result<(Vec<Vec<u32>>, Columns, f64, usize)> {
    let device = cpu(1);
    let model = Sequential::new(&device, vec![None, Some(6)], seed)
        .layer(Dense::new(4).activation("tanh"))?
        .layer(BatchNormalization::new())?
        .layer(Dropout::new(0.2))?
        .layer(Dense::new(1).activation("sigmoid"))?
        .build();
    let x = ops::random_normal(&device, [SAMPLES, 6], 0.0, 1.0, 1)?;
    let y = ops::greater(&x.sum(Some(&[1]), true)?, &x.constant(0.0))?.cast(DType::F32)?;
    let samples = Samples::new(&[&x], &[&y])?;
    let (train, validation) = samples.split(0.25)?;
    let objective = Objective::new("binaryCrossentropy")?.measured(Metric::new("AUC", json!({"num_thresholds": 9}))?);
    let (epochs, accumulate) = (5, 2);
    let optimizer = Optimizer::adam(0.5)?;
    let mut trainer = Trainer { epochs, accumulate, batch_size: 7, backup, ..Trainer::compiled(optimizer, objective) };
    let (monitor, patience) = ("val_auc".to_owned(), 3);
    let mut early =
        EarlyStopping { monitor: monitor.clone(), patience, restore_best_weights: true, ..EarlyStopping::default() };
    let mut slower = ReduceLrOnPlateau { monitor, patience: 1, factor: 0.5, ..ReduceLrOnPlateau::default() };
    let steps_per_epoch = whole.steps_per_epoch;
    let fit = Fit::new().validation(&validation).callback(whole).callback(&mut early).callback(&mut slower);
    let unknown = Unknown(train);
    let history = match steps_per_epoch {
        Some(steps) => trainer.fit_with(&model, &unknown, fit.steps_per_epoch(steps))?,
        None => trainer.fit_with(&model, &unknown, fit)?,
    };
    let columns = history.names().into_iter().map(|n| (n.to_owned(), history.get(n).unwrap_or(&[]).to_vec()));
    let weights = model.weights().iter().map(|w| w.value().to_lanes()).all_ok()?;
    Ok((weights, columns.collect(), trainer.optimizer.rate(), whole.at))
}

#[test]
fn sources_callbacks_metrics_and_accumulated_gradients_go_on() -> Result<()> {
    // Five batches of a pass of 33 samples; epochs of four go over the ends of passes.
    for steps_per_epoch in [None, Some(4)] {
        let new = || Whole { steps_per_epoch, stop: None, at: 0, skips: true };
        let whole = surrounded(&mut new(), None, 1)?;
        assert!(whole.1.iter().any(|(name, list)| name == "val_auc" && list.len() == 5), "{:?}", whole.1);
        assert!(whole.2 < 0.5);
        let saved = All::default();
        surrounded(&mut new(), Some(Backup::new(saved.clone()).every(1).kept()), 1)?;
        let saved = saved.kept().clone();
        assert_eq!(saved.len(), whole.3);
        for (i, bytes) in saved.into_iter().enumerate() {
            let again = surrounded(&mut new(), Some(Backup::new(Arc::new(Mutex::new(Some(bytes))))), 100)?;
            assert_eq!((&again.0, &again.1, again.2), (&whole.0, &whole.1, whole.2), "checkpoint {i}");
            assert_eq!(again.3, whole.3 - 1 - i);
        }
        for (step, place) in (0..9).flat_map(|i| [Place::Batch, Place::Gradients, Place::Step].map(|p| (i, p))) {
            let store: Arc<Mutex<Option<Vec<u8>>>> = Arc::default();
            let backup = || Some(Backup::new(store.clone()));
            surrounded(&mut Whole { stop: Some((step, place)), ..new() }, backup(), 1)?;
            let again = surrounded(&mut new(), backup(), 7)?;
            assert_eq!((&again.0, &again.1, again.2), (&whole.0, &whole.1, whole.2), "{place:?} of step {step}");
        }
    }
    Ok(())
}

#[test]
fn a_callback_that_stops_suspends_the_training() -> Result<()> {
    for kind in KINDS {
        let device = cpu(1);
        let whole = train(&device, kind, 1, None, GO_ON)?;
        let store: Arc<Mutex<Option<Vec<u8>>>> = Arc::default();
        let backup = || Some(Backup::new(store.clone()));
        let stops = |at: usize| move |step| if step == at { Control::Stop } else { Control::Continue };
        train(&device, kind, 1, backup(), stops(5))?;
        train(&device, kind, 2, backup(), stops(7))?;
        let mut left = 0;
        let end = train(&device, kind, 3, backup(), |step| {
            left = step;
            Control::Continue
        })?;
        assert_eq!((end, left), (whole, STEPS - 12));
    }
    Ok(())
}

const CHILD: &str = "HEADWATER_RESUME_CHILD";

/// Trains in a program of its own that ends without warning after so many steps; run by the test below.
#[test]
fn child() -> Result<()> {
    let Ok(given) = std::env::var(CHILD) else { return Ok(()) };
    let (steps, path) = given.split_once(' ').unwrap();
    let steps: usize = steps.parse().unwrap();
    let backup = Backup::new(PathBuf::from(path)).every(2);
    train(
        &cpu(1),
        Kind::Adam,
        1,
        Some(backup),
        |step| if step == steps { std::process::abort() } else { Control::Continue },
    )?;
    Ok(())
}

#[test]
fn a_program_that_is_ended_again_and_again_comes_to_the_same() -> Result<()> {
    let path = std::env::temp_dir().join(format!("headwater-resume-{}.safetensors", std::process::id()));
    for steps in [1, 3, 8, 4] {
        let program = std::env::current_exe().unwrap();
        let mut child = Command::new(program);
        let ended =
            child.args(["child", "--exact"]).env(CHILD, format!("{steps} {}", path.display())).output().unwrap();
        assert!(!ended.status.success());
    }
    // What an end while writing leaves.
    std::fs::write(path.with_extension("safetensors.part"), b"half").unwrap();
    let device = cpu(1);
    let mut left = 0;
    let end = train(&device, Kind::Adam, 9, Some(Backup::new(path.clone())), |step| {
        left = step;
        Control::Continue
    })?;
    // Of 1, 3, 8 and 4 steps, what was after the last even one is made again; a step that is ended is not saved.
    assert_eq!(left, STEPS - (2 + 6 + 2));
    assert_eq!(end, train(&device, Kind::Adam, 1, None, GO_ON)?);
    assert!(!path.exists());
    assert!(!path.with_extension("safetensors.part").exists());
    Ok(())
}

#[test]
fn what_cannot_go_on_says_why() -> Result<()> {
    let device = cpu(1);
    let saved = All::default();
    train(&device, Kind::Adam, 1, Some(Backup::new(saved.clone()).kept()), GO_ON)?;
    let good = saved.kept().pop().unwrap();
    let x = ops::random_normal(&device, [SAMPLES, 6], 0.0, 1.0, 1)?;
    let (_, y) = data(&device, Kind::Adam)?;
    let fails = |bytes: &[u8], change: &dyn Fn(&mut Trainer), model: &Model, text: &str| -> Result<()> {
        let before: Vec<Vec<u32>> = model.weights().iter().map(|w| w.value().to_lanes()).all_ok()?;
        let mut trainer = trainer(Kind::Adam, Some(Backup::new(Arc::new(Mutex::new(Some(bytes.to_vec()))))))?;
        change(&mut trainer);
        let error: Error = trainer.fit(model, &x, &y, |_, _| Control::Continue).expect_err(text);
        assert_eq!(error.code(), "format");
        assert!(error.to_string().contains(text), "{error}");
        let after: Vec<Vec<u32>> = model.weights().iter().map(|w| w.value().to_lanes()).all_ok()?;
        assert_eq!(before, after, "the model is as it was");
        Ok(())
    };
    let own = model(&device, Kind::Adam, 2)?;
    let same = |_: &mut Trainer| {};
    for length in (0..good.len()).step_by(7) {
        fails(&good[..length], &same, &own, "safetensors")?;
    }
    fails(&good, &|t| t.seed = 5, &own, "it is of another training: expected seed 5, received 1")?;
    fails(&good, &|t| t.batch_size = 4, &own, "expected batch size 4, received 11")?;
    let sgd = |t: &mut Trainer| t.optimizer = Optimizer::sgd(0.1).unwrap();
    fails(&good, &sgd, &own, "expected optimizer \"optimizer/sgd\", received \"optimizer/adam\"")?;
    let plain = |t: &mut Trainer| t.optimizer = Optimizer::adam(0.1).unwrap();
    fails(&good, &plain, &own, "expected 0 averages of weights")?;
    let wide = Sequential::new(&device, vec![None, Some(6)], 1)
        .add("Dense", json!({"units": 9}))?
        .add("BatchNormalization", json!({}))?
        .add("Dense", json!({"units": 2, "activation": "softmax"}))?
        .build();
    fails(
        &good,
        &same,
        &wide,
        "expected weight \"dense_1/kernel\" float32 [6,9], received \"dense_1/kernel\" float32 [6,8]",
    )?;
    let small = Sequential::new(&device, vec![None, Some(6)], 1).add("Dense", json!({"units": 2}))?.build();
    fails(&good, &same, &small, "expected number of weights 2, received 8")?;
    let other = safetensors::write(&[("x".into(), x.clone())], &safetensors::Metadata::new())?;
    fails(&other, &same, &own, "the file holds tensors, but no training")?;
    let nowhere = PathBuf::from("/dev/null/run.safetensors");
    let mut trainer = trainer(Kind::Adam, Some(Backup::new(nowhere)))?;
    let error = trainer.fit(&own, &x, &y, |_, _| Control::Continue).expect_err("no folder");
    assert!(error.to_string().contains("/dev/null/run.safetensors"), "{error}");
    Ok(())
}
