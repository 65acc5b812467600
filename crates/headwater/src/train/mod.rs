//! Training.

mod optimizer;
mod rule;
mod trainer;

pub use optimizer::{Clip, Ema, Multiplier, Optimizer, Options};
pub use rule::{Moments, Rule};
pub use trainer::{Control, History, Progress, Trainer};
