//! The choice of engine.

use std::num::NonZero;
use std::thread::available_parallelism;

use clap::ValueEnum;
use headwater::{cpu, gpu, Device, Result};

/// What computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Engine {
    /// The processor, all its threads
    Cpu,
    /// The graphics card: Vulkan, Metal or DirectX 12
    Gpu,
}

impl Engine {
    /// A device of this engine.
    ///
    /// # Errors
    /// `ErrorKind::Device` when there is no such engine.
    pub fn device(self) -> Result<Device> {
        match self {
            Engine::Cpu => Ok(cpu(available_parallelism().map_or(1, NonZero::get))),
            Engine::Gpu => gpu(),
        }
    }
}
