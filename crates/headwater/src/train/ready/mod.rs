//! Callbacks for what is often wanted.

#[cfg(feature = "files")]
mod checkpoint;
mod csv_log;
mod early_stopping;
mod monitor;
mod nan;
#[cfg(feature = "progress")]
mod progress;
mod rates;

#[cfg(feature = "files")]
pub use checkpoint::ModelCheckpoint;
pub use csv_log::CsvLogger;
pub use early_stopping::EarlyStopping;
pub use monitor::{Memory, Mode};
pub use nan::TerminateOnNan;
#[cfg(feature = "progress")]
pub use progress::ProgressBar;
pub use rates::{LearningRateScheduler, ReduceLrOnPlateau};
