//! Timestamps of compute passes through wgpu.

use headwater_core::Listed;
use headwater_core::Result;

use crate::host::StampsCallback;

/// Queries of one submission: the beginning and end of each pass.
pub struct Stamps {
    sets: Vec<wgpu::QuerySet>,
    passes: u32,
    staging: wgpu::Buffer,
    /// Nanoseconds of a tick.
    period: f64,
    done: StampsCallback,
}

/// Passes of one query set, which holds at most 4,096 queries.
const PASSES: u32 = 2048;

impl Stamps {
    /// Room for `passes` passes.
    pub fn new(device: &wgpu::Device, queue: &wgpu::Queue, passes: usize, done: StampsCallback) -> Stamps {
        let passes = passes as u32;
        let set = |first: u32| {
            device.create_query_set(&wgpu::QuerySetDescriptor {
                label: None,
                ty: wgpu::QueryType::Timestamp,
                count: 2 * (passes - first).min(PASSES),
            })
        };
        let sets = (0..passes).step_by(PASSES as usize).map(set).listed();
        let staging = device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size: u64::from(passes) * 16,
            usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        Stamps { sets, passes, staging, period: f64::from(queue.get_timestamp_period()), done }
    }

    /// Where pass `n` writes.
    pub fn writes(&self, n: usize) -> wgpu::ComputePassTimestampWrites<'_> {
        let (set, within) = (n as u32 / PASSES, n as u32 % PASSES);
        wgpu::ComputePassTimestampWrites {
            query_set: &self.sets[set as usize],
            beginning_of_pass_write_index: Some(2 * within),
            end_of_pass_write_index: Some(2 * within + 1),
        }
    }

    /// Copies the stamps to where they can be read.
    pub fn resolve(&self, device: &wgpu::Device, encoder: &mut wgpu::CommandEncoder) {
        for (n, set) in self.sets.iter().enumerate() {
            let first = n as u32 * PASSES;
            let count = 2 * (self.passes - first).min(PASSES);
            let buffer = device.create_buffer(&wgpu::BufferDescriptor {
                label: None,
                size: u64::from(count) * 8,
                usage: wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC,
                mapped_at_creation: false,
            });
            encoder.resolve_query_set(set, 0..count, &buffer, 0);
            encoder.copy_buffer_to_buffer(&buffer, 0, &self.staging, u64::from(first) * 16, u64::from(count) * 8);
        }
    }

    /// Reads them once the submission has run.
    pub fn read(self) {
        let (mapped, period, done) = (self.staging.clone(), self.period, self.done);
        self.staging.map_async(wgpu::MapMode::Read, .., move |result| {
            done(stamps(result, &mapped, period));
        });
    }
}

fn stamps(mapping: Result<(), wgpu::BufferAsyncError>, mapped: &wgpu::Buffer, period: f64) -> Result<Vec<[f64; 2]>> {
    let failed = |e: &dyn std::fmt::Display| headwater_core::Error::device("webgpu", e);
    mapping.map_err(|e| failed(&e))?;
    let range = mapped.get_mapped_range(..).map_err(|e| failed(&e))?;
    let ticks: Vec<u64> = range.chunks_exact(8).filter_map(|b| b.try_into().ok()).map(u64::from_le_bytes).listed();
    Ok(ticks.chunks_exact(2).map(|t| [t[0], t[1]].map(|t| t as f64 * period / 1e6)).listed())
}
