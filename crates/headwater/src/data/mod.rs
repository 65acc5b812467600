//! Data: streams of elements, from memory, files or folders, which may be longer than memory.
//!
//! ```
//! use headwater::data::Dataset;
//! use headwater::nn::{layers::Dense, Sequential};
//! use headwater::train::{Fit, Optimizer, Trainer};
//! use headwater::{cpu, HostTensor, Result};
//!
//! # fn main() -> Result<()> {
//! // Elements are made as they are asked for: here of numbers, on two threads.
//! let examples = Dataset::from_fn(|_| 0..1000u32)
//!     .map_parallel(2, |i| {
//!         let x = i as f32 / 500.0 - 1.0;
//!         Ok((HostTensor::f32(vec![1], vec![x]), HostTensor::f32(vec![1], vec![3.0 * x + 0.5])).into())
//!     })
//!     .cache();
//! let validation = examples.take(200).batch(50);
//! let device = cpu(1);
//! // Shuffled in a new order in each epoch, uploaded by a thread ahead of the steps.
//! let train = examples.skip(200).shuffle(1000, 7).batch(32).to_device(&device).prefetch(2);
//!
//! let model = Sequential::new(&device, vec![None, Some(1)], 1).layer(Dense::new(1))?.build();
//! let mut trainer = Trainer { epochs: 30, ..Trainer::new(Optimizer::adam(0.05)?, "meanSquaredError")? };
//! let history = trainer.fit_with(&model, &train, Fit::new().validation(&validation))?;
//! assert!(history.get("val_loss").is_some_and(|losses| losses[29] < 1e-3));
//! # Ok(())
//! # }
//! ```

mod ahead;
#[cfg(feature = "csv")]
pub mod csv;
mod dataset;
mod example;
#[cfg(feature = "images")]
pub mod images;
mod order;

pub use dataset::{Dataset, Stream};
pub use example::{Example, HostBatch};
