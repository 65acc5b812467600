//! Training: a [`Trainer`] moves the weights of a model, or of any [`Network`](crate::nn::Network), along the gradients of an
//! [`Objective`] by the rule of an [`Optimizer`]. [`Fit`] says what happens besides, [`Source`] where batches come from.
//!
//! ```
//! use headwater::nn::{layers::Dense, schedules::Schedule, Sequential};
//! use headwater::train::{Clip, Control, Optimizer, Options, Trainer};
//! use headwater::{cpu, ops, Result};
//!
//! # fn main() -> Result<()> {
//! let device = cpu(1);
//! let x = ops::random_normal(&device, [64, 2], 0.0, 1.0, 1)?;
//! let y = ops::sum(&x, Some(&[1]), true)?;
//! let model = Sequential::new(&device, vec![None, Some(2)], 1)
//!     .layer(Dense::new(1))?
//!     .build();
//! // AdamW whose rate goes down in half a wave, with gradients of limited norm.
//! let rate = Schedule::CosineDecay { initial: 0.1, steps: 80.0, alpha: 0.01 };
//! let options = Options { weight_decay: 1e-4, clip: Some(Clip::GlobalNorm(1.0)), ..Options::default() };
//! let optimizer = Optimizer::adam(rate)?.with(options);
//! let mut trainer = Trainer { epochs: 40, ..Trainer::new(optimizer, "meanSquaredError")? };
//! let history = trainer.fit(&model, &x, &y, |_, _| Control::Continue)?;
//! assert!(history.loss[39] < 1e-3, "{history:?}");
//! # Ok(())
//! # }
//! ```

mod accumulator;
mod backup;
mod callback;
mod finder;
mod fit;
mod history;
#[cfg(feature = "metrics-more")]
mod measure;
mod objective;
mod optimizer;
mod ready;
mod rule;
mod source;
mod step;
mod trainer;

pub use backup::{Backup, Store};
pub use callback::{Callback, Control, Gradients, Kept, Progress, Run};
pub use finder::{RateCurve, RateSweep};
pub use fit::{predict, Fit};
pub use history::{History, Logs};
#[cfg(feature = "metrics-more")]
pub use measure::measure;
pub use objective::{Measure, Objective};
pub use optimizer::{Clip, Ema, LossScale, Multiplier, Optimizer, Options};
pub use ready::*;
pub use rule::{Moments, Rule};
pub use source::{Batch, Batches, Pass, Samples, Source};
pub use trainer::Trainer;
