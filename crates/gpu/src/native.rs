//! A host over wgpu: Vulkan, Metal or DirectX 12.

use std::collections::HashMap;
use std::num::NonZeroU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use headwater_core::{Error, Result};

use crate::host::{Dispatch, Host, Id, Limits, StampsCallback, WordsCallback};
use crate::stamps::Stamps;

/// Bind groups are made again when there are more.
const MAX_BIND_GROUPS: usize = 4096;

/// A GPU through wgpu.
pub struct NativeHost {
    device: wgpu::Device,
    queue: wgpu::Queue,
    limits: Limits,
    name: String,
    state: Mutex<State>,
    /// The first error that came without anyone to give it to.
    late: Arc<Mutex<Option<String>>>,
}

/// What a bind group is made from: pipeline layout, uniform bytes, buffers.
type BindGroupKey = ((usize, usize), u32, Vec<Id>);

#[derive(Default)]
struct State {
    buffers: HashMap<Id, wgpu::Buffer>,
    pipelines: HashMap<Id, (wgpu::ComputePipeline, (usize, usize))>,
    layouts: HashMap<(usize, usize), (wgpu::BindGroupLayout, wgpu::PipelineLayout)>,
    bind_groups: HashMap<BindGroupKey, wgpu::BindGroup>,
    uniforms: Option<wgpu::Buffer>,
}

fn failed(message: impl std::fmt::Display) -> Error {
    Error::device("webgpu", message)
}

impl NativeHost {
    /// The fastest adapter of this machine.
    ///
    /// # Errors
    /// `ErrorKind::Device` when there is none.
    pub fn new() -> Result<NativeHost> {
        let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
        let options = wgpu::RequestAdapterOptions {
            power_preference: wgpu::PowerPreference::HighPerformance,
            ..wgpu::RequestAdapterOptions::default()
        };
        let adapter = pollster::block_on(instance.request_adapter(&options))
            .map_err(|e| failed(format!("no GPU with Vulkan, Metal or DirectX 12 was found: {e}")))?;
        let available = adapter.limits();
        let features = adapter.features() & (wgpu::Features::TIMESTAMP_QUERY | wgpu::Features::SHADER_F16);
        let descriptor = wgpu::DeviceDescriptor {
            required_limits: available.clone(),
            required_features: features,
            ..Default::default()
        };
        let (device, queue) = pollster::block_on(adapter.request_device(&descriptor)).map_err(failed)?;
        let late = Arc::new(Mutex::new(None));
        let slot = late.clone();
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            let mut slot: MutexGuard<'_, Option<String>> = slot.lock().unwrap_or_else(PoisonError::into_inner);
            slot.get_or_insert(error.to_string());
        }));
        let limits = Limits {
            max_buffer_bytes: (available.max_storage_buffer_binding_size.min(available.max_buffer_size)) as usize,
            max_storage_buffers: available.max_storage_buffers_per_shader_stage as usize,
            timestamps: features.contains(wgpu::Features::TIMESTAMP_QUERY),
            halves: features.contains(wgpu::Features::SHADER_F16),
        };
        let name = adapter.get_info().name;
        Ok(NativeHost { device, queue, limits, name, state: Mutex::default(), late })
    }

    /// The adapter's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn late_error(&self) -> Result<()> {
        match self.late.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(message) => Err(failed(message)),
            None => Ok(()),
        }
    }
}

impl State {
    /// The layouts of shaders with so many read and written buffers.
    fn layout(
        &mut self,
        device: &wgpu::Device,
        (reads, writes): (usize, usize),
    ) -> &(wgpu::BindGroupLayout, wgpu::PipelineLayout) {
        self.layouts.entry((reads, writes)).or_insert_with(|| {
            let entry = |n: usize| {
                let ty = match n {
                    0 => wgpu::BufferBindingType::Uniform,
                    n => wgpu::BufferBindingType::Storage { read_only: n <= reads },
                };
                wgpu::BindGroupLayoutEntry {
                    binding: n as u32,
                    visibility: wgpu::ShaderStages::COMPUTE,
                    ty: wgpu::BindingType::Buffer { ty, has_dynamic_offset: n == 0, min_binding_size: None },
                    count: None,
                }
            };
            let entries: Vec<_> = (0..=reads + writes).map(entry).collect();
            let group =
                device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: None, entries: &entries });
            let pipeline = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
                label: None,
                bind_group_layouts: &[Some(&group)],
                immediate_size: 0,
            });
            (group, pipeline)
        })
    }

    /// The uniform buffer, grown to hold `bytes`.
    fn uniforms(&mut self, device: &wgpu::Device, bytes: usize) -> wgpu::Buffer {
        match &self.uniforms {
            Some(buffer) if buffer.size() >= bytes as u64 => buffer.clone(),
            _ => {
                let buffer = device.create_buffer(&wgpu::BufferDescriptor {
                    label: None,
                    size: bytes.next_power_of_two().max(1 << 16) as u64,
                    usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
                    mapped_at_creation: false,
                });
                self.bind_groups.clear();
                self.uniforms.insert(buffer).clone()
            }
        }
    }

    fn bind_group(
        &mut self,
        device: &wgpu::Device,
        uniforms: &wgpu::Buffer,
        layout: (usize, usize),
        dispatch: &Dispatch,
    ) -> Result<wgpu::BindGroup> {
        let key = (layout, dispatch.uniform_size, dispatch.buffers.clone());
        if let Some(group) = self.bind_groups.get(&key) {
            return Ok(group.clone());
        }
        let mut entries = vec![wgpu::BindGroupEntry {
            binding: 0,
            resource: wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                buffer: uniforms,
                offset: 0,
                size: NonZeroU64::new(u64::from(dispatch.uniform_size) * 4),
            }),
        }];
        let bind_layout = self.layout(device, layout).0.clone();
        for (n, id) in dispatch.buffers.iter().enumerate() {
            let buffer = self.buffers.get(id).ok_or_else(|| failed(format!("buffer {id} does not exist")))?;
            entries.push(wgpu::BindGroupEntry { binding: n as u32 + 1, resource: buffer.as_entire_binding() });
        }
        let descriptor = wgpu::BindGroupDescriptor { label: None, layout: &bind_layout, entries: &entries };
        let group = device.create_bind_group(&descriptor);
        if self.bind_groups.len() >= MAX_BIND_GROUPS {
            self.bind_groups.clear();
        }
        self.bind_groups.insert(key, group.clone());
        Ok(group)
    }
}

impl Host for NativeHost {
    fn limits(&self) -> Limits {
        self.limits
    }

    fn create_buffer(&self, id: Id, bytes: usize) -> Result<()> {
        let scope = self.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let buffer = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size: bytes as u64,
            usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::COPY_SRC,
            mapped_at_creation: false,
        });
        if let Some(error) = pollster::block_on(scope.pop()) {
            return Err(failed(format!("out of memory: {bytes} bytes for one tensor: {error}")));
        }
        self.state().buffers.insert(id, buffer);
        Ok(())
    }

    fn destroy_buffer(&self, id: Id) {
        let mut state = self.state();
        state.bind_groups.retain(|key, _| !key.2.contains(&id));
        state.buffers.remove(&id);
    }

    fn write_buffer(&self, id: Id, words: &[u32]) {
        if let Some(buffer) = self.state().buffers.get(&id) {
            self.queue.write_buffer(buffer, 0, bytemuck::cast_slice(words));
        }
    }

    fn create_pipeline(&self, id: Id, source: &str, reads: usize, writes: usize) -> Result<()> {
        let scope = self.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let module = self.device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: None,
            source: wgpu::ShaderSource::Wgsl(source.into()),
        });
        let mut state = self.state();
        let layout = state.layout(&self.device, (reads, writes)).1.clone();
        let pipeline = self.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: None,
            layout: Some(&layout),
            module: &module,
            entry_point: Some("main"),
            compilation_options: wgpu::PipelineCompilationOptions {
                // Workgroup variables are written before they are read.
                zero_initialize_workgroup_memory: false,
                ..Default::default()
            },
            cache: None,
        });
        if let Some(error) = pollster::block_on(scope.pop()) {
            return Err(failed(error));
        }
        state.pipelines.insert(id, (pipeline, (reads, writes)));
        Ok(())
    }

    fn submit(&self, dispatches: &[Dispatch], uniforms: &[u32], stamps: Option<StampsCallback>) -> Result<()> {
        self.late_error()?;
        let mut state = self.state();
        let buffer = state.uniforms(&self.device, uniforms.len() * 4);
        self.queue.write_buffer(&buffer, 0, bytemuck::cast_slice(uniforms));
        let mut encoder = self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let stamps = stamps.map(|done| Stamps::new(&self.device, &self.queue, dispatches.len(), done));
        // One pass for all, or to time them one for each.
        for (n, part) in dispatches.chunks(if stamps.is_some() { 1 } else { dispatches.len().max(1) }).enumerate() {
            let timestamp_writes = stamps.as_ref().map(|s| s.writes(n));
            let descriptor = wgpu::ComputePassDescriptor { label: None, timestamp_writes };
            let mut pass = encoder.begin_compute_pass(&descriptor);
            for dispatch in part {
                let known = state.pipelines.get(&dispatch.pipeline).cloned();
                let (pipeline, layout) = known.ok_or_else(|| failed("a pipeline does not exist"))?;
                let group = state.bind_group(&self.device, &buffer, layout, dispatch)?;
                pass.set_pipeline(&pipeline);
                pass.set_bind_group(0, &group, &[dispatch.uniform_offset * 4]);
                pass.dispatch_workgroups(dispatch.groups[0], dispatch.groups[1], dispatch.groups[2]);
            }
        }
        if let Some(stamps) = &stamps {
            stamps.resolve(&self.device, &mut encoder);
        }
        self.queue.submit([encoder.finish()]);
        if let Some(stamps) = stamps {
            stamps.read();
        }
        drop(state);
        // Lets finished work go; does not wait.
        let _ = self.device.poll(wgpu::PollType::Poll);
        Ok(())
    }

    fn read_buffer(&self, id: Id, words: usize, _at_once: bool, done: WordsCallback) {
        let Some(buffer) = self.state().buffers.get(&id).cloned() else {
            return done(Err(failed(format!("buffer {id} does not exist"))));
        };
        let bytes = words as u64 * 4;
        let staging = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size: bytes,
            usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let mut encoder = self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        encoder.copy_buffer_to_buffer(&buffer, 0, &staging, 0, bytes);
        self.queue.submit([encoder.finish()]);
        let (mapped, late) = (staging.clone(), self.late.clone());
        staging.map_async(wgpu::MapMode::Read, .., move |result| {
            let late = late.lock().unwrap_or_else(PoisonError::into_inner).take();
            done(match (late, result) {
                (Some(message), _) => Err(failed(message)),
                (None, Err(error)) => Err(failed(error)),
                (None, Ok(())) => mapped.get_mapped_range(..).map_err(failed).map(|range| {
                    // Bytes, as a mapping need not be aligned for words.
                    range.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
                }),
            });
        });
    }

    fn wait(&self) -> bool {
        // An error here is a lost device: reads have been answered with it.
        let _ = self.device.poll(wgpu::PollType::wait_indefinitely());
        true
    }
}
