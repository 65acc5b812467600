//! Teaches MobileNetV2 new classes from folders of images, natively, and names images with what it learned.

mod classify;
mod embedder;
mod engine;
mod retrain;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Retrain an image classifier on this machine.
#[derive(Parser)]
#[command(name = "headwater-desktop", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Learn classes from a directory that holds a folder of images per class
    Retrain(retrain::Options),
    /// Name what an image shows
    Classify(classify::Options),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Retrain(options) => retrain::run(&options),
        Command::Classify(options) => classify::run(&options),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("headwater-desktop: {error}");
            ExitCode::FAILURE
        }
    }
}
