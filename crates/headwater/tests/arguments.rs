//! Calls of the op registry that cannot be answered: errors at the call that say what was expected and what came.

use headwater::{cpu, registry, DType, Result, Tensor};

/// The error of an operation on ones of `shapes`.
fn error(op: &str, shapes: &[&[usize]], attrs: &[f64]) -> Result<String> {
    let device = cpu(1);
    let inputs: Vec<Tensor> = shapes.iter().map(|&s| device.ones(s, DType::F32)).collect::<Result<_>>()?;
    Ok(match registry::invoke(&device, registry::op_id(op)?, &inputs, attrs) {
        Ok(_) => "none".into(),
        Err(error) => error.to_string(),
    })
}

fn check(op: &str, shapes: &[&[usize]], attrs: &[f64], part: &str) -> Result<()> {
    let message = error(op, shapes, attrs)?;
    assert!(message.starts_with(&format!("Error in {op}: ")) && message.contains(part), "{op}: {message}");
    Ok(())
}

#[test]
fn images() -> Result<()> {
    check("cropAndResize", &[&[1, 4, 4, 1], &[2, 3], &[2]], &[2.0, 2.0, 1.0, 0.0], "boxes of shape [count, 4]")?;
    check("cropAndResize", &[&[1, 4, 4, 1], &[2, 4], &[2]], &[2.0, 2.0, 1.0, 0.0], "int32 numbers of images")?;
    check("transform", &[&[1, 4, 4, 1], &[3, 8]], &[2.0, 2.0, 1.0, 0.0, 0.0], "received [3,8]")?;
    check("transform", &[&[1, 4, 4, 1], &[1, 8]], &[2.0, 2.0, 7.0, 0.0, 0.0], "a number below 3 as attribute 2")?;
    check("gridSample", &[&[1, 0, 4, 1], &[1, 2, 2, 2]], &[1.0, 0.0, 0.0], "images with at least one pixel")?;
    check("gridSample", &[&[4, 4, 1], &[1, 2, 2, 2]], &[1.0, 0.0, 0.0], "images of rank 4")?;
    check("affineGrid", &[&[2, 3]], &[2.0, 2.0, 0.0], "maps of shape [batch, 2, 3]")?;
    check("rotateWithOffset", &[&[1, 4, 4, 2], &[3]], &[0.5, 0.5, 0.5], "one for each of 2 channels")?;
    check("rotateWithOffset", &[&[1, 4, 4, 2], &[]], &[f64::NAN, 0.5, 0.5], "a finite angle")?;
    check("resizeBicubic", &[&[1, 4, 4, 2]], &[9e15, 1.0, 0.0, 1.0], "a length of at most 16777216")?;
    check("resizeBicubic", &[&[1, 4, 4, 2]], &[3.0, 1.0, 1.0, 1.0], "not both")?;
    check("rgbToGrayscale", &[&[4, 4]], &[], "last dimension is 3")
}

#[test]
fn spectra() -> Result<()> {
    check("fft", &[&[4], &[5]], &[0.0, 1.0], "of one shape")?;
    check("fft", &[&[4], &[4]], &[0.0, 2.0], "a rank of at least 2")?;
    check("rfft", &[&[4]], &[0.0], "a length of at least 1")?;
    check("rfft", &[&[]], &[4.0], "rank at least 1")?;
    check("irfft", &[&[3], &[3]], &[9e15], "a length of at most")?;
    check("frame", &[&[9]], &[4.0, 0.0, 0.0, 0.0], "at least one element, received 4 and 0")?;
    check("overlapAndAdd", &[&[9]], &[1.0], "rank at least 2")?;
    check("cosineWindow", &[], &[9e15, 0.5, 0.5], "a length of at most")?;
    check("stft", &[&[9], &[3]], &[4.0, 1.0, 4.0], "a window of shape [4]")
}

#[test]
fn windows() -> Result<()> {
    let one = [1.0; 6];
    let conv = |groups: f64, mode: f64| [&one[..], &[groups, mode], &[0.0; 6]].concat();
    let (x, w): (&[usize], &[usize]) = (&[1, 3, 3, 3, 4], &[2, 2, 2, 4, 2]);
    check("conv3d", &[&[3, 3, 3, 4], w], &conv(1.0, 0.0), "volumes of rank 5")?;
    check("conv3d", &[x, w], &conv(2.0, 0.0), "4 input channels in 2 groups")?;
    check("conv3d", &[x, w], &conv(0.0, 0.0), "in 0 groups")?;
    check("conv3d", &[x, &[4, 2, 2, 4, 2]], &conv(1.0, 0.0), "volumes that hold the window [4, 2, 2]")?;
    check("conv3d", &[x, &[0, 2, 2, 4, 2]], &conv(1.0, 0.0), "at least 1")?;
    let transposed = [&[9.0, 9.0, 9.0], &conv(1.0, 0.0)[..]].concat();
    check("conv3dTranspose", &[&[1, 3, 3, 3, 2], w], &transposed, "for an output of [1,9,9,9,4]")?;
    let pool = [&[2.0; 3][..], &[0.0; 3], &[1.0; 3], &[0.0; 7]].concat();
    check("maxPool3d", &[x], &pool, "strides and dilations of at least 1")?;
    check("conv1d", &[&[1, 3, 4], &[2, 3, 2]], &[1.0, 1.0, 1.0, 0.0], "a filter for 4 input channels")?;
    check("conv1d", &[&[3, 4], &[2, 4, 2]], &[1.0, 1.0, 1.0, 0.0], "rank 3")?;
    let argmax = [2.0, 2.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
    check("maxPoolWithArgmax", &[&[1, 1, 3, 1]], &argmax, "an image that holds the window")?;
    check(
        "dilation2d",
        &[&[1, 3, 3, 2], &[2, 2, 3]],
        &[1.0, 1.0, 1.0, 1.0, 0.0],
        "a filter of rank 3 for their channels",
    )?;
    check("localResponseNormalization", &[&[]], &[1.0, 1.0, 1.0, 1.0], "rank at least 1")
}
