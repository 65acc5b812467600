//! Tensors whose memory JavaScript shares with the GPU engine.

use headwater::{ops, DType, Error};
use headwater_gpu::id_of;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::error::{throw, JsResult};
use crate::table::{current_device, record, tensor, with};

/// What the host of the current device knows the memory of a tensor by, which has a lane for each element; its value is
/// computed first if it is not.
#[wasm_bindgen(js_name = gpuBuffer)]
pub fn gpu_buffer(handle: u32) -> JsResult<u32> {
    let id = || {
        let tensor = tensor(handle)?;
        // A GPU that was lost and opened anew has other memory under the same names.
        if !tensor.device().same(&current_device()?) {
            return Err(Error::device("webgpu", "received a tensor of another device"));
        }
        let buffer = tensor.buffer()?;
        if buffer.dtype.host_bytes() == 4 || buffer.dtype == DType::Bool {
            return id_of(&buffer);
        }
        // A view of narrower elements gets memory of its own.
        let lanes = ops::mul(&tensor, &tensor.device().scalar_of(tensor.dtype(), 1.0))?;
        let id = id_of(&lanes.buffer()?);
        // Dropped only now that the tables are free.
        let view = with(|t| t.tensors.get_mut(handle).map(|slot| std::mem::replace(slot, lanes)));
        drop(view);
        id
    };
    id().map_err(throw)
}

/// A tensor of the shape and dtype of another, on its device, over memory that JavaScript gives the host under the name that
/// [`gpu_buffer`] tells. No record on an engine without buffers of a GPU.
#[wasm_bindgen(js_name = gpuTensor)]
pub fn gpu_tensor(like: u32) -> JsResult<Vec<f64>> {
    let like = tensor(like).map_err(throw)?;
    let device = like.device();
    let buffer = device.engine().adopt(like.dtype(), like.size());
    Ok(buffer.map(|b| record(device.tensor_of_buffer(b, like.shape().clone()))).unwrap_or_default())
}
