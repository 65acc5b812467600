//! What callbacks write and mix.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use headwater::nn::{layers::Dense, Model, Network, Sequential};
use headwater::train::{
    Backup, Batch, Callback, Control, CsvLogger, Fit, Mixup, Optimizer, Run, Samples, TensorBoard, Trainer,
};
use headwater::{cpu, ops, AllOk, DType, Device, Error, HostSlice, Result, Tensor};

/// A folder of a test, which goes with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("headwater-logs-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("made");
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

fn linear(device: &Device, seed: u32) -> Result<(Model, Samples)> {
    let x = ops::random_normal(device, [32, 2], 0.0, 1.0, 1)?;
    let model = Sequential::new(device, vec![None, Some(2)], seed).layer(Dense::new(1).name("only"))?.build();
    Ok((model, Samples::new(&[&x], &[&x.sum(Some(&[1]), true)?])?))
}

/// Ends the program, as it were, after so many steps: nothing more is saved.
struct Crash(usize);

impl Callback for Crash {
    fn step_end(&mut self, run: &Run, _: Option<&Tensor>, _: &dyn Network, _: &mut Optimizer) -> Result<Control> {
        match run.steps + 1 == self.0 {
            true => Err(Error::argument("test", "no crash", "one")),
            false => Ok(Control::Continue),
        }
    }
}

#[test]
fn a_resumed_training_has_the_lines_of_one_that_was_not_interrupted() -> Result<()> {
    let device = cpu(1);
    let folder = Folder::new("csv");
    let path = folder.0.join("log.csv");
    // Four steps an epoch, a checkpoint after every seven.
    let train = |backup: Option<Backup>, log: CsvLogger, crash: usize| -> Result<()> {
        let (model, samples) = linear(&device, 1)?;
        let (mut log, mut crash) = (log, Crash(crash));
        let mut trainer = Trainer { epochs: 6, batch_size: 8, backup, ..Trainer::new(Optimizer::adam(0.05)?, "mse")? };
        trainer.fit_with(&model, &samples, Fit::new().callback(&mut log).callback(&mut crash)).map(|_| ())
    };
    let read = || fs::read_to_string(&path).expect("readable");
    train(None, CsvLogger::new(&path), 99)?;
    let whole = read();
    assert_eq!(whole.lines().count(), 7);
    // With `append`, a file has what came before the first checkpoint, whose training is another one.
    let crashes: [(bool, &[usize]); 4] =
        [(false, &[3, 6, 13, 19, 22]), (false, &[7, 21, 23]), (true, &[8, 9, 17]), (true, &[13, 14, 15])];
    for (append, crashes) in crashes {
        // Of an older training.
        fs::write(&path, "old\n").expect("written");
        let logger = || if append { CsvLogger::new(&path).append() } else { CsvLogger::new(&path) };
        let store: Arc<Mutex<Option<Vec<u8>>>> = Arc::default();
        let backup = || Some(Backup::new(store.clone()).every(7));
        for &crash in crashes {
            train(backup(), logger(), crash).expect_err("a crash");
        }
        train(backup(), logger(), 99)?;
        let lines = whole.split_once('\n').map_or("", |(_, lines)| lines);
        assert_eq!(read(), if append { format!("old\n{lines}") } else { whole.clone() }, "{append} {crashes:?}");
    }
    Ok(())
}

/// How often each name is in the only file of a folder.
fn tags(folder: PathBuf) -> Vec<usize> {
    let files: Vec<_> = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("a file").path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    let name = files[0].file_name().and_then(|name| name.to_str()).expect("a name");
    assert!(name.starts_with("events.out.tfevents.") && name.ends_with(".v2"), "{name}");
    let bytes = fs::read(&files[0]).expect("readable");
    let count = |tag: &&str| bytes.windows(tag.len()).filter(|part| part == &tag.as_bytes()).count();
    ["batch_loss", "epoch_loss", "epoch_accuracy", "epoch_learning_rate", "only/kernel"].iter().map(count).collect()
}

#[test]
fn tensorboard_writes_training_and_validation_to_runs_of_their_own() -> Result<()> {
    let device = cpu(1);
    let folder = Folder::new("board");
    let fit = |board: &mut TensorBoard, validated: bool| -> Result<()> {
        let (model, samples) = linear(&device, 1)?;
        let mut trainer = Trainer { epochs: 4, batch_size: 16, ..Trainer::new(Optimizer::adam(0.05)?, "mse")? };
        let fit = Fit::new().callback(board);
        let fit = if validated { fit.validation(&samples) } else { fit };
        trainer.fit_with(&model, &samples, fit).map(|_| ())
    };
    let plain = folder.0.join("plain");
    fit(&mut TensorBoard::new(&plain), false)?;
    assert!(!plain.join("val").exists());
    assert_eq!(tags(plain.join("train")), [0, 4, 4, 4, 0]);
    let whole = folder.0.join("whole");
    fit(&mut TensorBoard::new(&whole).batches().histograms(2), true)?;
    assert_eq!(tags(whole.join("train")), [8, 4, 4, 4, 2]);
    assert_eq!(tags(whole.join("val")), [0, 4, 4, 0, 0]);
    // A file where the folder should be.
    fs::write(folder.0.join("file"), "").expect("written");
    assert!(fit(&mut TensorBoard::new(folder.0.join("file")), false).is_err());
    Ok(())
}

/// Notes the batches that steps are made with.
#[derive(Default)]
struct Look(Vec<Batch>);

impl Callback for Look {
    fn batch(&mut self, _: &Run, batch: &mut Batch) -> Result<Control> {
        self.0.push(batch.clone());
        Ok(Control::Continue)
    }
}

fn near(got: &Tensor, want: &[f32]) -> Result<()> {
    let got = got.to_vec()?;
    assert!(got.len() == want.len() && got.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-6), "{got:?} for {want:?}");
    Ok(())
}

/// The batches of three that a fit of six samples of one number and of six classes is made with.
fn mixed(mixup: Mixup, weights: Option<&[f32]>, whole: bool) -> Result<Vec<Batch>> {
    let device = cpu(1);
    let classes = ops::range(&device, 0.0, 6.0, 1.0, DType::I32)?;
    let x = classes.cast(if whole { DType::I32 } else { DType::F32 })?.reshape([6, 1])?;
    let mut samples = Samples::new(&[&x], &[&ops::one_hot(&classes, 6, 1.0, 0.0, DType::F32)?])?;
    if let Some(weights) = weights {
        samples = samples.weighted(&device.tensor(HostSlice::F32(weights), [6])?)?;
    }
    let model = Sequential::new(&device, vec![None, Some(1)], 1).layer(Dense::new(6).activation("softmax"))?.build();
    let (mut mixup, mut look) = (mixup, Look::default());
    let mut trainer = Trainer { batch_size: 3, ..Trainer::new(Optimizer::sgd(0.01)?, "categoricalCrossentropy")? };
    trainer.fit_with(&model, &samples, Fit::new().shuffle(false).callback(&mut mixup).callback(&mut look))?;
    Ok(look.0)
}

#[test]
fn mixup_mixes_as_that_of_the_npm_package() -> Result<()> {
    let mixup = Mixup { alpha: 1.0, seed: 5 };
    let batches = mixed(mixup, None, false)?;
    near(&batches[0].inputs[0], &[0.0, 1.277_812_2, 1.864_190_6])?;
    near(&batches[1].inputs[0], &[3.836_331_4, 4.238_742, 3.582_463_7])?;
    // The shares of targets are those of inputs.
    for batch in &batches {
        let numbers = ops::range(batch.inputs[0].device(), 0.0, 6.0, 1.0, DType::F32)?.reshape([6, 1])?;
        near(&batch.targets[0].matmul(&numbers)?, &batch.inputs[0].to_vec()?)?;
    }
    let batches = mixed(mixup, Some(&[0.0, 2.0, 1.0, 1.0, 2.0, 0.0]), false)?;
    let weights: Vec<Tensor> = batches.into_iter().filter_map(|batch| batch.weights).collect();
    near(&weights[0], &[0.0, 1.722_187_8, 1.135_809_4])?;
    near(&weights[1], &[1.836_331_4, 1.522_516, 0.708_768_1])?;
    let other = mixed(Mixup { seed: 6, ..mixup }, None, false)?;
    assert_ne!(other[0].inputs[0].to_vec()?, [0.0, 1.277_812_2, 1.864_190_6]);
    // A small alpha leaves samples nearly whole.
    let whole = mixed(Mixup { alpha: 0.001, seed: 5 }, None, false)?;
    let rests = whole.iter().map(|batch| (&batch.inputs[0] - &batch.inputs[0].round()?)?.to_vec()).all_ok()?;
    let rests: Vec<Vec<f32>> = rests;
    assert!(rests.iter().flatten().all(|rest| rest.abs() < 0.01), "{rests:?}");
    Ok(())
}

#[test]
fn mixup_targets_count_by_the_weights_of_their_samples() -> Result<()> {
    let batches = mixed(Mixup { alpha: 1.0, seed: 5 }, Some(&[0.0, 2.0, 1.0, 1.0, 2.0, 0.0]), false)?;
    let row = |batch: usize, row: usize| batches[batch].targets[0].slice(&[row, 0], &[1, 6]);
    near(&row(0, 1)?, &[0.0, 0.838_686_47, 0.161_313_53, 0.0, 0.0, 0.0])?;
    near(&row(0, 2)?, &[0.0, 0.239_141_23, 0.760_858_8, 0.0, 0.0, 0.0])?;
    near(&row(1, 1)?, &[0.0, 0.0, 0.0, 0.0, 1.0, 0.0])
}

#[test]
fn mixup_tells_what_it_cannot_mix() -> Result<()> {
    let text = |r: Result<Vec<Batch>>| r.err().map(|e| e.to_string()).unwrap_or_default();
    assert!(text(mixed(Mixup { alpha: 0.0, ..Mixup::default() }, None, false)).contains("an alpha above 0, received 0"));
    assert!(text(mixed(Mixup::default(), None, true)).contains("of floats, received int32"));
    let device = cpu(1);
    let (model, _) = linear(&device, 1)?;
    let x = device.zeros([4, 2], DType::F32)?;
    let classes = Samples::new(&[&x], &[&device.zeros([4, 1], DType::I32)?])?;
    let mut trainer = Trainer::new(Optimizer::sgd(0.1)?, "mse")?;
    let failed = trainer.fit_with(&model, &classes, Fit::new().callback(&mut Mixup::default()));
    let error = failed.err().map(|e| e.to_string()).unwrap_or_default();
    assert!(error.contains("numbers of classes"), "{error}");
    Ok(())
}
