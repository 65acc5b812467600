//! The `headwater` command.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use headwater::Result;
use headwater_converter::tfjs::{self, Quantization, WriteOptions};
use headwater_converter::{assets, mobilenet, pytorch, TensorMap};

/// Converts and inspects models.
#[derive(Parser)]
#[command(name = "headwater", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write a model as a TensorFlow.js layers model
    Convert {
        /// What the input is
        #[arg(long)]
        from: Source,
        /// The input file
        #[arg(long)]
        input: PathBuf,
        /// The directory to write
        #[arg(long)]
        output: PathBuf,
        /// How weights are stored
        #[arg(long, default_value = "none")]
        quantize: Quantize,
        /// Leave out the layer that normalises raw pixels
        #[arg(long)]
        no_preprocess: bool,
    },
    /// Write the MobileNetV2 that demos embed
    DemoAssets {
        /// torchvision's checkpoint
        #[arg(long)]
        weights: PathBuf,
        /// The directory to write
        #[arg(long)]
        output: PathBuf,
    },
    /// List the tensors of a checkpoint or a model
    Inspect {
        /// A .pth file, or a model.json
        file: PathBuf,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Source {
    /// torchvision's MobileNetV2 checkpoint
    TorchvisionMobilenetV2,
}

#[derive(Clone, Copy, ValueEnum)]
enum Quantize {
    None,
    Uint8,
    Uint16,
    Float16,
}

fn run(command: Command) -> Result<()> {
    match command {
        Command::Convert { from: Source::TorchvisionMobilenetV2, input, output, quantize, no_preprocess } => {
            let model = mobilenet::from_torchvision(&pytorch::read(&input)?, !no_preprocess)?;
            let quantization = match quantize {
                Quantize::None => Quantization::None,
                Quantize::Uint8 => Quantization::Uint8,
                Quantize::Uint16 => Quantization::Uint16,
                Quantize::Float16 => Quantization::Float16,
            };
            let options = WriteOptions { quantization: &|_, _| quantization, metadata: None };
            tfjs::write(&output, &model.topology, &model.weights, &options)?;
            println!("{} weights written to {}", model.weights.len(), output.display());
        }
        Command::DemoAssets { weights, output } => assets::write_demo_model(&weights, &output)?,
        Command::Inspect { file } => {
            let model = file.is_dir() || file.extension().is_some_and(|e| e == "json");
            let tensors: TensorMap = if model { tfjs::read(&file)?.weights } else { pytorch::read(&file)? };
            for (name, tensor) in &tensors {
                println!("{name}  {}  {:?}", tensor.data.as_slice().dtype().name(), tensor.shape);
            }
            println!("{} tensors", tensors.len());
        }
    }
    Ok(())
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("headwater: {error}");
            ExitCode::FAILURE
        }
    }
}
