//! Running a case on a device and comparing it with the reference.

use std::sync::Arc;

use headwater_core::reference::{read_f64, upload_f64, ReferenceEngine};
use headwater_core::{DType, Device, HostData, Result, Tensor};

use crate::{Case, Input};

/// The reference device.
pub fn reference() -> Device {
    Device::new(Arc::new(ReferenceEngine::default()))
}

/// The case's operands on `device`.
///
/// # Errors
/// What uploading gives.
pub fn operands(device: &Device, inputs: &[Input]) -> Result<Vec<Tensor>> {
    let upload = |(i, input): (usize, &Input)| {
        let data = HostData::from_f64(input.dtype, &input.elements(i as u32 + 1));
        device.tensor(data.as_slice(), input.shape.clone())
    };
    inputs.iter().enumerate().map(upload).collect()
}

/// The weights that turn a result into a scalar whose gradient is compared: neither equal nor in a pattern.
fn weights(device: &Device, y: &Tensor) -> Result<Tensor> {
    let w = Input::f32(y.shape()).elements(99);
    device.tensor(HostData::F32(w.iter().map(|&v| v as f32).collect()).as_slice(), y.shape())
}

/// The case's value, and for a smooth case the gradient of its weighted sum by each operand of floats.
///
/// # Errors
/// What the case gives.
pub fn run(device: &Device, case: &Case) -> Result<(Tensor, Vec<Tensor>)> {
    let x = operands(device, &case.inputs)?;
    device.start_tape();
    let y = (case.function)(&x);
    let tape = device.end_tape();
    let y = y?;
    let mut gradients = Vec::new();
    if case.smooth && y.dtype().is_float() {
        let dy = weights(device, &y)?;
        for (x, gradient) in x.iter().zip(tape.gradients(&y, Some(&dy), &x.iter().collect::<Vec<_>>())?) {
            if x.dtype().is_float() {
                gradients.push(gradient.map_or_else(|| x.zeros_like(), Ok)?);
            }
        }
    }
    Ok((y, gradients))
}

/// What differs between two tensors by more than `tolerance`, relative to the larger of 1 and the second's value.
///
/// # Errors
/// What reading gives.
pub fn difference(got: &Tensor, want: &Tensor, tolerance: f64) -> Result<Option<String>> {
    if got.shape() != want.shape() || got.dtype() != want.dtype() {
        return Ok(Some(format!("{got:?} instead of {want:?}")));
    }
    let (got, want) = (got.to_host()?.to_f64(), want.to_host()?.to_f64());
    let differs = |&(_, (&g, &w)): &(usize, (&f64, &f64))| {
        !(g == w || (g.is_nan() && w.is_nan()) || (g - w).abs() <= tolerance * w.abs().max(1.0))
    };
    let worst = got.iter().zip(&want).enumerate().find(differs);
    Ok(worst.map(|(i, (g, w))| format!("element {i} of {}: got {g}, expected {w}", got.len())))
}

/// What is wrong with a case on `device`: forward, alone and under a tape (which keeps what lies between, so that less is
/// fused), then each gradient.
///
/// # Errors
/// What the case gives.
pub fn check(device: &Device, case: &Case) -> Result<Option<String>> {
    let ((y, gradients), (want, want_gradients)) = (run(device, case)?, run(&reference(), case)?);
    let alone = (case.function)(&operands(device, &case.inputs)?)?;
    for y in [&alone, &y] {
        if let Some(wrong) = difference(y, &want, case.tolerance)? {
            return Ok(Some(format!("{}: {wrong}", case.name)));
        }
    }
    for (i, (got, want)) in gradients.iter().zip(&want_gradients).enumerate() {
        // Gradients sum many terms: their error grows with the largest of them.
        let scale = want.to_host()?.to_f64().iter().fold(1.0f64, |m, v| m.max(v.abs()));
        if let Some(wrong) = difference(got, want, case.tolerance * scale)? {
            return Ok(Some(format!("{} gradient {i}: {wrong}", case.name)));
        }
    }
    Ok(None)
}

/// What is wrong with the gradients of a case against central differences in float64.
///
/// # Errors
/// What the case gives.
pub fn check_gradient(case: &Case) -> Result<Option<String>> {
    const STEP: f64 = 1e-6;
    const TOLERANCE: f64 = 1e-5;
    let device = reference();
    let (y, gradients) = run(&device, case)?;
    // Rounded results move in steps.
    let rounds = |d: DType| d.is_float() && d != DType::F32;
    if gradients.is_empty() || rounds(y.dtype()) || case.inputs.iter().any(|i| rounds(i.dtype)) {
        return Ok(None);
    }
    let dy = read_f64(&weights(&device, &y)?.buffer()?)?;
    let values: Vec<Vec<f64>> =
        (case.inputs.iter().enumerate()).map(|(i, input)| input.elements(i as u32 + 1)).collect();
    let objective = |operand: usize, element: usize, by: f64| -> Result<f64> {
        let mut x = operands(&device, &case.inputs)?;
        let mut moved = values[operand].clone();
        moved[element] += by;
        x[operand] = device.tensor_of_buffer(upload_f64(&moved), x[operand].shape().clone());
        let y = read_f64(&(case.function)(&x)?.buffer()?)?;
        Ok(y.iter().zip(&dy).map(|(y, w)| y * w).sum())
    };
    let floats = (0..case.inputs.len()).filter(|&i| case.inputs[i].dtype == DType::F32);
    for (operand, gradient) in floats.zip(&gradients) {
        let gradient = read_f64(&gradient.buffer()?)?;
        // A dozen elements of each operand, spread out: every one of a large operand would take hours.
        let stride = gradient.len().div_ceil(12).max(1);
        for element in (0..gradient.len()).step_by(stride) {
            let want = (objective(operand, element, STEP)? - objective(operand, element, -STEP)?) / (2.0 * STEP);
            let got = gradient[element];
            if (got - want).abs() > TOLERANCE * want.abs().max(1.0) {
                let name = &case.name;
                return Ok(Some(format!("{name}: d/d{operand}[{element}] is {got}, central difference {want}")));
            }
        }
    }
    Ok(None)
}
