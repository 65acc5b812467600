//! Training.

mod trainer;

pub use trainer::{Control, History, Optimizer, Progress, Trainer};
