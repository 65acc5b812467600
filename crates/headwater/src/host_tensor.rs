//! Tensors on the host: of files, of data sets.

use std::collections::BTreeMap;

use headwater_core::{Device, HostData, Result, Tensor};

/// A tensor on the host.
#[derive(Clone, Debug, PartialEq)]
pub struct HostTensor {
    /// Dimension sizes.
    pub shape: Vec<usize>,
    /// The elements, row-major.
    pub data: HostData,
}

/// Tensors by name.
pub type TensorMap = BTreeMap<String, HostTensor>;

impl HostTensor {
    /// A float32 tensor.
    pub fn f32(shape: Vec<usize>, data: Vec<f32>) -> HostTensor {
        HostTensor { shape, data: HostData::F32(data) }
    }

    /// The elements as float32.
    pub fn to_f32(&self) -> Vec<f32> {
        self.data.clone().into_f32()
    }

    /// The tensor on a device.
    ///
    /// # Errors
    /// What uploading gives.
    pub fn to_device(&self, device: &Device) -> Result<Tensor> {
        device.tensor(self.data.as_slice(), self.shape.clone())
    }

    /// A tensor's elements on the host, in its dtype. Waits for them.
    ///
    /// # Errors
    /// What computing them gives.
    pub fn of(tensor: &Tensor) -> Result<HostTensor> {
        Ok(HostTensor { shape: tensor.shape().to_vec(), data: tensor.to_host()? })
    }

    /// The tensor with its dimensions in the order `perm`.
    #[must_use]
    pub fn permuted(&self, perm: &[usize]) -> HostTensor {
        let strides: Vec<usize> =
            (0..self.shape.len()).map(|d| self.shape[d + 1..].iter().product::<usize>()).collect();
        let shape: Vec<usize> = perm.iter().map(|&p| self.shape[p]).collect();
        let source = self.to_f32();
        let at = |mut i: usize| {
            let mut from = 0;
            for d in (0..shape.len()).rev() {
                from += i % shape[d] * strides[perm[d]];
                i /= shape[d];
            }
            source[from]
        };
        let data = (0..source.len()).map(at).collect();
        HostTensor::f32(shape, data)
    }
}
