//! A training that is ended at any step and started again comes to the same weights, bit for bit.

use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use headwater::nn::schedules::Schedule;
use headwater::nn::{Model, Sequential};
use headwater::train::{Backup, Clip, Control, Ema, History, Optimizer, Options, Store, Trainer};
use headwater::{cpu, ops, safetensors, AllOk, Device, Error, Result, Tensor};
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
    let nowhere = PathBuf::from("/nowhere/run.safetensors");
    let mut trainer = trainer(Kind::Adam, Some(Backup::new(nowhere)))?;
    let error = trainer.fit(&own, &x, &y, |_, _| Control::Continue).expect_err("no folder");
    assert!(error.to_string().contains("/nowhere/run.safetensors"), "{error}");
    Ok(())
}
