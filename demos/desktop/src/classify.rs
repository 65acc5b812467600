//! `classify`: the likeliest classes of an image.

use std::path::PathBuf;

use clap::Args;
use headwater::{ops, Result};

use crate::embedder::{file_error, image_size, load, upload, Embedder, DEFAULT_MODEL};
use crate::engine::Engine;

/// What `classify` takes.
#[derive(Args)]
pub struct Options {
    /// The image
    #[arg(long)]
    image: PathBuf,
    /// What `retrain` wrote; without it the model's own classes are used
    #[arg(long)]
    head: Option<PathBuf>,
    /// The image model: a directory with a TensorFlow.js layers model
    #[arg(long, default_value = DEFAULT_MODEL, hide_default_value = true)]
    model: PathBuf,
    /// What computes
    #[arg(long, value_enum, default_value = "cpu")]
    engine: Engine,
    /// How many classes to list
    #[arg(long, default_value_t = 5)]
    top: usize,
}

/// Prints the likeliest classes.
///
/// # Errors
/// Names the file that cannot be used.
pub fn run(options: &Options) -> Result<()> {
    let device = options.engine.device()?;
    let image = std::slice::from_ref(&options.image);
    let (scores, labels) = match &options.head {
        Some(directory) => {
            let features = Embedder::load(&device, &options.model)?.embed(image)?;
            let (head, labels) = load(&device, directory)?;
            (head.predict(&[&features])?.swap_remove(0).to_vec()?, labels)
        }
        None => {
            let (model, labels) = load(&device, &options.model)?;
            let x = upload(&device, image, image_size(&model, &options.model)?)?;
            // The image model ends in logits.
            (ops::softmax(&model.predict(&[&x])?.swap_remove(0), -1)?.to_vec()?, labels)
        }
    };
    if !labels.is_empty() && labels.len() != scores.len() {
        let directory = options.head.as_ref().unwrap_or(&options.model);
        let message = format!("expected {} labels in its metadata, found {}", scores.len(), labels.len());
        return Err(file_error(directory, message));
    }
    for (class, score) in best(&scores, options.top) {
        let name = labels.get(class).cloned().unwrap_or_else(|| format!("class {class}"));
        println!("{:5.1} %  {name}", score * 100.0);
    }
    Ok(())
}

/// The `count` largest scores with their positions, largest first.
fn best(scores: &[f32], count: usize) -> Vec<(usize, f32)> {
    let mut ranked: Vec<(usize, f32)> = scores.iter().copied().enumerate().collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
    ranked.truncate(count);
    ranked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_come_first() {
        assert_eq!(best(&[0.1, 0.6, 0.3], 2), [(1, 0.6), (2, 0.3)]);
        assert_eq!(best(&[1.0], 5), [(0, 1.0)]);
    }
}
