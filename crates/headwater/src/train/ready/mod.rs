//! Callbacks for what is often wanted.

#[cfg(feature = "files")]
mod checkpoint;
mod csv_log;
mod early_stopping;
mod mixup;
mod monitor;
mod nan;
#[cfg(feature = "progress")]
mod progress;
mod rates;
#[cfg(feature = "summary")]
mod tensorboard;

#[cfg(feature = "files")]
pub use checkpoint::ModelCheckpoint;
pub use csv_log::CsvLogger;
pub use early_stopping::EarlyStopping;
pub use mixup::Mixup;
pub use monitor::{Memory, Mode};
pub use nan::TerminateOnNan;
#[cfg(feature = "progress")]
pub use progress::ProgressBar;
pub use rates::{LearningRateScheduler, ReduceLrOnPlateau};
#[cfg(feature = "summary")]
pub use tensorboard::TensorBoard;
