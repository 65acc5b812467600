//! Color.

use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::host::HostSlice;
use crate::ops::{mul, sum, tile};
use crate::tensor::Tensor;

fn check(op: &str, x: &Tensor, channels: usize) -> Result<()> {
    if x.rank() < 2 || x.shape().last() != Some(&channels) {
        return Err(Error::shape(op, format_args!("images whose last dimension is {channels}"), x.shape()));
    }
    Ok(())
}

/// The brightness of images whose last dimension is red, green and blue, as float32: 0.2989 R + 0.587 G + 0.114 B. The last
/// dimension is 1.
///
/// # Errors
/// `ErrorKind::Shape` when the last dimension is not 3 or the rank is below 2.
pub fn rgb_to_grayscale(x: &Tensor) -> Result<Tensor> {
    check("rgbToGrayscale", x, 3)?;
    let parts = x.device().tensor(HostSlice::F32(&[0.2989, 0.587, 0.114]), [3])?;
    sum(&mul(&x.cast(DType::F32)?, &parts)?, Some(&[-1]), true)
}

/// Images with their one channel three times.
///
/// # Errors
/// `ErrorKind::Shape` when the last dimension is not 1 or the rank is below 2.
pub fn grayscale_to_rgb(x: &Tensor) -> Result<Tensor> {
    check("grayscaleToRGB", x, 1)?;
    let mut reps = vec![1; x.rank()];
    reps[x.rank() - 1] = 3;
    tile(x, &reps)
}
