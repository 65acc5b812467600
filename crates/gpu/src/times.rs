//! When kernels ran, as the GPU tells it a while later.

use std::sync::{Arc, Mutex, PoisonError};

use headwater_core::engine::{KernelTime, TimesCallback};
use headwater_core::Result;

use crate::host::StampsCallback;

/// What was measured, in the order of submissions.
#[derive(Default)]
struct Measured {
    runs: Vec<Run>,
    /// Who waits for all runs to be told.
    waiting: Option<TimesCallback>,
}

/// The kernels of one submission.
enum Run {
    Told(Result<Vec<KernelTime>>),
    Open,
}

/// Times of kernels. Clones share them.
#[derive(Clone, Default)]
pub struct Times(Arc<Mutex<Option<Measured>>>);

impl Times {
    fn with<T>(&self, f: impl FnOnce(&mut Option<Measured>) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Starts or stops, forgetting what there is.
    pub fn set(&self, on: bool) {
        let before = self.with(|m| std::mem::replace(m, on.then(Measured::default)));
        if let Some(waiting) = before.and_then(|m| m.waiting) {
            waiting(Ok(Vec::new()));
        }
    }

    /// While kernels are timed, what is to be called with the stamps of a submission of these kernels: the label of each and
    /// the number of its dispatches.
    pub fn begin(&self, kernels: impl FnOnce() -> Vec<(String, usize)>) -> Option<StampsCallback> {
        let run = self.with(|m| {
            let measured = m.as_mut()?;
            measured.runs.push(Run::Open);
            Some(measured.runs.len() - 1)
        })?;
        let (times, kernels) = (self.clone(), kernels());
        Some(Box::new(move |stamps| times.tell(run, kernels, stamps)))
    }

    fn tell(&self, run: usize, kernels: Vec<(String, usize)>, stamps: Result<Vec<[f64; 2]>>) {
        let told = stamps.map(|stamps| {
            let mut rest = &stamps[..];
            let mut times = Vec::with_capacity(kernels.len());
            for (label, dispatches) in kernels {
                let (own, after) = rest.split_at(dispatches.min(rest.len()));
                rest = after;
                // A kernel of nothing has no dispatch.
                let (start, end) = (own.first().map_or(0.0, |s| s[0]), own.last().map_or(0.0, |s| s[1]));
                times.push(KernelTime { label, start, duration: end - start });
            }
            times
        });
        self.with(|m| {
            // Measuring may have been stopped meanwhile.
            if let Some(slot @ Run::Open) = m.as_mut().and_then(|m| m.runs.get_mut(run)) {
                *slot = Run::Told(told);
            }
        });
        self.settle();
    }

    /// Calls `done` when all runs so far are told.
    pub fn take(&self, done: TimesCallback) {
        // Who asked before is answered with nothing: what there is goes to the last.
        let unserved = self.with(|m| match m {
            Some(measured) => measured.waiting.replace(done),
            None => Some(done),
        });
        if let Some(unserved) = unserved {
            unserved(Ok(Vec::new()));
        }
        self.settle();
    }

    /// Gives the times to whoever waits, if all are there.
    fn settle(&self) {
        let ready = self.with(|m| {
            let measured = m.as_mut()?;
            let complete = measured.runs.iter().all(|r| matches!(r, Run::Told(_)));
            let waiting = if complete { measured.waiting.take() } else { None }?;
            Some((waiting, std::mem::take(&mut measured.runs)))
        });
        let Some((waiting, runs)) = ready else { return };
        let mut all = Vec::new();
        for run in runs {
            match run {
                Run::Told(Ok(times)) => all.extend(times),
                Run::Told(Err(error)) => return waiting(Err(error)),
                Run::Open => {}
            }
        }
        waiting(Ok(all));
    }
}
