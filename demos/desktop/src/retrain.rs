//! `retrain`: a new head for MobileNetV2's features, from folders of images.

use std::path::PathBuf;

use clap::Args;
use headwater::data::images::{folders, Class};
use headwater::nn::layers::{Dense, Dropout};
use headwater::nn::{Model, Sequential};
use headwater::ops::{self, hash_key};
use headwater::tfjs::SaveOptions;
use headwater::train::{Control, Optimizer, Trainer};
use headwater::{DType, Device, HostSlice, Result, Tensor};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use crate::embedder::{file_error, Embedder, DEFAULT_MODEL};
use crate::engine::Engine;

/// One image in so many of each class measures accuracy and is not trained on.
const HELD_OUT_EVERY: usize = 5;
/// Images that are embedded together.
const EMBEDDED_TOGETHER: usize = 8;

/// What `retrain` takes.
#[derive(Args)]
pub struct Options {
    /// A directory with a folder of images per class
    #[arg(long)]
    images: PathBuf,
    /// The image model: a directory with a TensorFlow.js layers model that has a layer `features`
    #[arg(long, default_value = DEFAULT_MODEL, hide_default_value = true)]
    model: PathBuf,
    /// What computes
    #[arg(long, value_enum, default_value = "cpu")]
    engine: Engine,
    /// Passes over the images
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    epochs: u32,
    /// Where to write the new head, a TensorFlow.js layers model
    #[arg(long)]
    output: Option<PathBuf>,
    /// Units of the hidden layer
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    hidden_units: u32,
    /// How far a step goes
    #[arg(long, default_value_t = 0.001)]
    learning_rate: f64,
    /// What shuffling, dropout and first weights draw from
    #[arg(long, default_value_t = 1)]
    seed: u32,
}

/// Which samples are trained on and which are held out, as positions in a list of all classes' samples in turn.
#[derive(Debug, Default, PartialEq)]
struct Split {
    train: Vec<usize>,
    held_out: Vec<usize>,
}

/// Holds one sample in [`HELD_OUT_EVERY`] of each class out, drawn by `seed`: at least one of a class with two.
fn split(sizes: &[usize], seed: u32) -> Split {
    let mut split = Split::default();
    let mut start = 0;
    for (class, &size) in sizes.iter().enumerate() {
        let mut order: Vec<usize> = (start..start + size).collect();
        let key = hash_key(seed, class as u32);
        order.sort_by_key(|&i| hash_key(key, i as u32));
        let held_out = if size < 2 { 0 } else { (size / HELD_OUT_EVERY).max(1) };
        split.held_out.extend(&order[..held_out]);
        split.train.extend(&order[held_out..]);
        start += size;
    }
    split
}

fn bar(length: usize, template: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(length as u64).with_style(style)
}

/// Features of all images, one row each, in the order of the classes.
fn embed(embedder: &Embedder, classes: &[Class]) -> Result<Tensor> {
    let files: Vec<PathBuf> = classes.iter().flat_map(|c| c.files.iter().cloned()).collect();
    let progress = bar(files.len(), "embedding {wide_bar} {pos}/{len} images  {eta}");
    let mut rows = Vec::new();
    for batch in files.chunks(EMBEDDED_TOGETHER) {
        let features = embedder.embed(batch)?;
        features.device().flush()?;
        rows.push(features);
        progress.inc(batch.len() as u64);
    }
    progress.finish();
    ops::concat(&rows.iter().collect::<Vec<_>>(), 0)
}

/// The rows of some samples, and their classes one-hot.
fn examples(features: &Tensor, classes: &[Class], picked: &[usize]) -> Result<(Tensor, Tensor)> {
    let device = features.device();
    let of: Vec<i32> = classes.iter().enumerate().flat_map(|(i, c)| vec![i as i32; c.files.len()]).collect();
    let rows: Vec<i32> = picked.iter().map(|&i| i as i32).collect();
    let labels: Vec<i32> = picked.iter().map(|&i| of[i]).collect();
    let x = ops::gather(features, &device.tensor(HostSlice::I32(&rows), [rows.len()])?, 0, 0)?;
    let labels = device.tensor(HostSlice::I32(&labels), [labels.len()])?;
    Ok((x, ops::one_hot(&labels, classes.len(), 1.0, 0.0, DType::F32)?))
}

/// The head of the webcam demo: a hidden layer, dropout, one probability per class.
fn new_head(device: &Device, options: &Options, features: usize, classes: usize) -> Result<Model> {
    Ok(Sequential::new(device, vec![None, Some(features)], options.seed)
        .layer(Dense::new(options.hidden_units as usize).activation("relu").name("hidden"))?
        .layer(Dropout::new(0.2).name("dropout"))?
        .layer(Dense::new(classes).activation("softmax").name("classes"))?
        .build())
}

/// How many predictions on `x` are right.
fn count_right(head: &Model, x: &Tensor, y: &Tensor) -> Result<usize> {
    let predicted = ops::arg_max(&head.predict(&[x])?[0], -1)?;
    let right = ops::equal(&predicted, &ops::arg_max(y, -1)?)?.cast(DType::F32)?;
    Ok(f64::from(ops::sum(&right, None, false)?.to_vec()?[0]) as usize)
}

/// Writes the head with the names of its classes.
fn save(head: &Model, classes: &[Class], directory: &std::path::Path) -> Result<()> {
    let labels: Vec<&str> = classes.iter().map(|c| c.name.as_str()).collect();
    let metadata = Some(json!({ "labels": labels }));
    head.save_with(directory, &SaveOptions { name: Some("head"), metadata, ..SaveOptions::default() })
}

/// Trains a head and prints how well it does on images that it has not seen.
///
/// # Errors
/// Names the file or directory that cannot be used.
pub fn run(options: &Options) -> Result<()> {
    let device = options.engine.device()?;
    let found = folders(&options.images)?;
    let classes = &found.classes;
    if let [one] = classes.as_slice() {
        let message = format!("expected at least two classes, found only '{}'", one.name);
        return Err(file_error(&options.images, message));
    }
    for class in classes {
        println!("{:6} images of '{}'", class.files.len(), class.name);
    }
    if found.ignored > 0 {
        println!("{:6} files ignored: not .jpg, .jpeg or .png", found.ignored);
    }
    let features = embed(&Embedder::load(&device, &options.model)?, classes)?;
    let sizes: Vec<usize> = classes.iter().map(|c| c.files.len()).collect();
    let split = split(&sizes, options.seed);

    let head = new_head(&device, options, features.shape()[1], classes.len())?;
    let (x, y) = examples(&features, classes, &split.train)?;
    let mut trainer = Trainer {
        epochs: options.epochs as usize,
        seed: options.seed,
        ..Trainer::new(Optimizer::adam(options.learning_rate)?, "categoricalCrossentropy")?
    };
    let progress = bar(trainer.epochs, "training  {wide_bar} {pos}/{len} epochs  {msg}");
    let history = trainer.fit(&head, &x, &y, |p, _| {
        if let Some((loss, accuracy)) = p.result {
            progress.set_message(format!("loss {loss:.4}  accuracy {:.1} %", accuracy * 100.0));
            progress.inc(1);
        }
        Control::Continue
    })?;
    progress.finish();
    if let (Some(loss), Some(accuracy)) = (history.loss.last(), history.accuracy.last()) {
        println!("training loss {loss:.4}, accuracy {:.1} %", accuracy * 100.0);
    }
    if split.held_out.is_empty() {
        println!("no held-out accuracy: no class has two images");
    } else {
        let (x, y) = examples(&features, classes, &split.held_out)?;
        let (right, all) = (count_right(&head, &x, &y)?, split.held_out.len());
        println!("held-out accuracy {:.1} % ({right} of {all})", 100.0 * right as f64 / all as f64);
    }
    if let Some(directory) = &options.output {
        save(&head, classes, directory)?;
        println!("head written to {}", directory.display());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_is_held_out_in_proportion() {
        let sizes = [20, 10, 2, 1];
        let drawn = split(&sizes, 7);
        let starts = [0, 20, 30, 32, 33];
        let count =
            |list: &[usize], c: usize| list.iter().filter(|&&i| (starts[c]..starts[c + 1]).contains(&i)).count();
        for (class, held_out) in [4, 2, 1, 0].into_iter().enumerate() {
            assert_eq!(count(&drawn.held_out, class), held_out);
            assert_eq!(count(&drawn.train, class), sizes[class] - held_out);
        }
        let mut all = [drawn.train.clone(), drawn.held_out.clone()].concat();
        all.sort_unstable();
        assert_eq!(all, (0..33).collect::<Vec<_>>());
        assert_eq!(drawn, split(&sizes, 7));
        assert_ne!(drawn, split(&sizes, 8));
    }
}
