//! All tests, step by step. A failing step does not stop the others; the last line counts.

mod descendants;
mod steps;
mod supervise;
mod tally;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{anyhow, bail, Result};
use clap::Args;

use crate::setup::{self, Needs};
use crate::workspace::Workspace;
use steps::{Context, Step, STEPS};
use tally::Tally;

/// What `test` takes.
#[derive(Args)]
pub struct Options {
    /// Also the slow suites: ignored tests, every variant of the WebAssembly, the demo's model made anew.
    #[arg(long)]
    all: bool,
    /// Only these steps (repeat or separate by commas).
    #[arg(long, value_delimiter = ',', value_parser = step_names())]
    only: Vec<String>,
}

fn step_names() -> Vec<&'static str> {
    STEPS.iter().map(|step| step.name).collect()
}

impl Options {
    fn selects(&self, step: &Step) -> bool {
        if self.only.is_empty() {
            self.all || !step.slow
        } else {
            self.only.iter().any(|name| name == step.name)
        }
    }
}

/// What became of a step.
struct Outcome {
    name: &'static str,
    tally: Tally,
    took: Duration,
}

/// Sets up, runs the steps and prints the summary, `N passed, N failed` alone on its last line.
///
/// # Errors
/// Where set-up or a test failed.
pub fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    setup::run(workspace, Needs::TEST)?;
    descendants::adopt_orphans();
    let context = Context { workspace, all: options.all };
    let mut outcomes: Vec<Outcome> = Vec::new();
    let mut failed_steps = HashMap::new();
    for step in STEPS.iter().filter(|step| options.selects(step)) {
        println!("\n=== {} ===", step.name);
        let start = Instant::now();
        let result = match step.needs.iter().find_map(|needed| failed_steps.get(needed)) {
            Some(needed) => Err(anyhow!("not run: step {needed} failed")),
            None => (step.run)(&context),
        };
        let tally = result.unwrap_or_else(|error| {
            println!("error: {error:#}");
            Tally { passed: 0, failed: 1 }
        });
        if tally.failed > 0 {
            failed_steps.insert(step.name, step.name);
        }
        outcomes.push(Outcome { name: step.name, tally, took: start.elapsed() });
    }
    summarize(&outcomes)
}

fn summarize(outcomes: &[Outcome]) -> Result<()> {
    println!("\n=== summary ===");
    for Outcome { name, tally, took } in outcomes {
        let verdict = if tally.failed == 0 { "ok" } else { "FAILED" };
        println!(
            "{name:<16}{verdict:<8}{:>6} passed{:>6} failed{:>9.1} s",
            tally.passed,
            tally.failed,
            took.as_secs_f64()
        );
    }
    let total = outcomes.iter().fold(Tally::default(), |sum, outcome| sum.plus(outcome.tally));
    println!("\n{total}");
    if total.failed > 0 || total.passed == 0 {
        bail!("tests failed");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selected(all: bool, only: &[&str]) -> Vec<&'static str> {
        let options = Options { all, only: only.iter().map(|name| name.to_string()).collect() };
        STEPS.iter().filter(|step| options.selects(step)).map(|step| step.name).collect()
    }

    #[test]
    fn slow_steps_run_when_asked_for() {
        let quick = selected(false, &[]);
        assert!(quick.contains(&"rust") && !quick.contains(&"assets"), "{quick:?}");
        assert_eq!(selected(true, &[]), step_names());
        assert_eq!(selected(false, &["assets", "format"]), ["format", "assets"]);
    }

    #[test]
    fn steps_need_earlier_ones() {
        for (index, step) in STEPS.iter().enumerate() {
            for needed in step.needs {
                assert!(STEPS[..index].iter().any(|earlier| earlier.name == *needed), "{} needs {needed}", step.name);
            }
        }
    }

    #[test]
    fn the_summary_fails_with_a_failure_and_with_nothing_tested() {
        let outcome = |passed, failed| Outcome { name: "x", tally: Tally { passed, failed }, took: Duration::ZERO };
        assert!(summarize(&[outcome(3, 0), outcome(1, 0)]).is_ok());
        assert!(summarize(&[outcome(3, 0), outcome(1, 1)]).is_err());
        assert!(summarize(&[]).is_err());
    }
}
