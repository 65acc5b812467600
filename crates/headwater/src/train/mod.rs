//! Training.
//!
//! ```
//! use headwater::nn::{schedules::Schedule, Sequential};
//! use headwater::train::{Clip, Control, Optimizer, Options, Trainer};
//! use headwater::{cpu, ops, Result};
//!
//! # fn main() -> Result<()> {
//! let device = cpu(1);
//! let x = ops::random_normal(&device, [64, 2], 0.0, 1.0, 1)?;
//! let y = ops::sum(&x, Some(&[1]), true)?;
//! let model = Sequential::new(&device, vec![None, Some(2)], 1)
//!     .add("Dense", serde_json::json!({"units": 1}))?
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
#[cfg(feature = "metrics-more")]
mod measure;
mod optimizer;
mod rule;
mod trainer;

pub use backup::{Backup, Store};
pub use callback::{Batch, Callback, Gradients};
#[cfg(feature = "metrics-more")]
pub use measure::measure;
pub use optimizer::{Clip, Ema, Multiplier, Optimizer, Options};
pub use rule::{Moments, Rule};
pub use trainer::{Control, History, Progress, Trainer};
