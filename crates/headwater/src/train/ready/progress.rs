//! Progress in a terminal.

use headwater_core::{Result, Tensor};
use indicatif::{ProgressBar as Bar, ProgressStyle};

use crate::nn::Network;
use crate::train::{Callback, Control, Logs, Optimizer, Run};

/// A bar for each epoch: its steps, and the measures of the last one. Nothing is shown where standard error is no terminal.
///
/// ```
/// use headwater::train::{Fit, ProgressBar};
///
/// let mut bar = ProgressBar::default();
/// let fit = Fit::new().callback(&mut bar);
/// ```
#[derive(Default)]
pub struct ProgressBar {
    bar: Option<Bar>,
    measures: String,
}

impl Callback for ProgressBar {
    fn epoch_begin(&mut self, run: &Run, _: &dyn Network, _: &mut Optimizer) -> Result<()> {
        let (bar, template) = match run.batches {
            Some(batches) => (Bar::new(batches as u64), "{prefix} {wide_bar} {pos}/{len} steps  {eta}  {msg}"),
            None => (Bar::new_spinner(), "{prefix} {spinner} {pos} steps  {elapsed}  {msg}"),
        };
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = bar.with_style(style).with_prefix(format!("epoch {}/{}", run.epoch + 1, run.epochs));
        self.bar = Some(bar.with_message(self.measures.clone()));
        Ok(())
    }

    fn step_end(&mut self, _: &Run, _: Option<&Tensor>, _: &dyn Network, _: &mut Optimizer) -> Result<Control> {
        self.bar.iter().for_each(|bar| bar.inc(1));
        Ok(Control::Continue)
    }

    fn epoch_end(&mut self, _: &Run, logs: &Logs, _: &dyn Network, _: &mut Optimizer) -> Result<Control> {
        let measures: Vec<String> = logs.iter().map(|(name, value)| format!("{name} {value:.4}")).collect();
        self.measures = measures.join("  ");
        if let Some(bar) = self.bar.take() {
            bar.abandon_with_message(self.measures.clone());
        }
        Ok(Control::Continue)
    }

    fn end(&mut self, _: &Run, _: &dyn Network, _: &mut Optimizer) -> Result<()> {
        // Of an epoch that was left.
        self.bar.take().iter().for_each(Bar::abandon);
        Ok(())
    }
}
