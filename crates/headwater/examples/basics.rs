//! A tour in four steps: a curve fitted by gradient descent, a network that reads handwritten digits, a second derivative,
//! and a gradient of one's own. Run with `cargo run --release -p headwater --example basics`.

use std::io::Read;

use headwater::nn::layers::{Dense, Dropout};
use headwater::nn::Sequential;
use headwater::train::{Control, Optimizer, Trainer};
use headwater::{cpu, custom, ops, DType, Device, Error, HostSlice, Result, Scalar, Tensor};

/// Fits `a x^2 + b x + c` to points and returns the coefficients and the true ones.
pub fn fit_quadratic(device: &Device) -> Result<(Vec<f32>, [f32; 3])> {
    let truth = [0.8, -0.4, 0.3];
    let points: Vec<f32> = (0..200).map(|i| i as f32 / 100.0 - 1.0).collect();
    let x = device.tensor(HostSlice::F32(&points), [200])?;
    let values: Vec<f32> = points.iter().map(|x| truth[0] * x * x + truth[1] * x + truth[2]).collect();
    let y = device.tensor(HostSlice::F32(&values), [200])?;
    let mut found: Vec<Tensor> = (0..3).map(|_| device.zeros([], DType::F32)).collect::<Result<_>>()?;
    for _ in 0..400 {
        let [a, b, c] = [&found[0], &found[1], &found[2]];
        let (_, gradients) = device.value_and_grads(&[a, b, c], || {
            let curve = (&(&(a * &(&x * &x)?)? + &(b * &x)?)? + c)?;
            ops::mean(&ops::square(&(&curve - &y)?)?, None, false)
        })?;
        found = found.iter().zip(&gradients).map(|(w, g)| w - &(g * 0.5)?).collect::<Result<_>>()?;
        // Runs what is recorded: the loop keeps no history.
        device.flush()?;
    }
    Ok((found.iter().map(|w| w.item().map(|v| v as f32)).collect::<Result<_>>()?, truth))
}

/// The digits of a csv file: 64 grey values from 0 to 16 and the class in each line.
fn digits(file: &str) -> Result<(Vec<f32>, Vec<f32>)> {
    let bad = |e: &dyn std::fmt::Display| Error::format(file, e);
    let mut text = String::new();
    let compressed = std::fs::File::open(file).map_err(|e| bad(&e))?;
    flate2::read::GzDecoder::new(compressed).read_to_string(&mut text).map_err(|e| bad(&e))?;
    let (mut images, mut classes) = (Vec::new(), Vec::new());
    for line in text.lines() {
        let row: Vec<f32> =
            line.split(',').map(str::parse).collect::<std::result::Result<_, _>>().map_err(|e| bad(&e))?;
        let [pixels @ .., class] = &row[..] else { return Err(bad(&"an empty line")) };
        images.extend(pixels.iter().map(|v| v / 16.0));
        classes.extend((0..10).map(|c| f32::from(u8::from(c as f32 == *class))));
    }
    Ok((images, classes))
}

/// Trains a network of two layers and returns its accuracy on the digits it was not trained on.
pub fn learn_digits(device: &Device, file: &str, epochs: usize) -> Result<f64> {
    let (images, classes) = digits(file)?;
    let (count, trained) = (classes.len() / 10, 1500);
    let part = |values: &[f32], width: usize, from: usize, to: usize| {
        device.tensor(HostSlice::F32(&values[from * width..to * width]), [to - from, width])
    };
    let model = Sequential::new(device, vec![None, Some(64)], 5)
        .layer(Dense::new(64).activation("relu"))?
        .layer(Dropout::new(0.2))?
        .layer(Dense::new(10).activation("softmax"))?
        .build();
    let mut trainer = Trainer { epochs, ..Trainer::new(Optimizer::adam(0.005)?, "categoricalCrossentropy")? };
    let (x, y) = (part(&images, 64, 0, trained)?, part(&classes, 10, 0, trained)?);
    trainer.fit(&model, &x, &y, |_, _| Control::Continue)?;
    let (x, y) = (part(&images, 64, trained, count)?, part(&classes, 10, trained, count)?);
    let right = ops::equal(&ops::arg_max(&model.predict(&[&x])?[0], 1)?, &ops::arg_max(&y, 1)?)?;
    ops::mean(&right.cast(DType::F32)?, None, false)?.item()
}

/// The second derivative of `sin(x) x^2`, by differentiating the derivative.
pub fn second_derivative(device: &Device, at: &[f32]) -> Result<Vec<f32>> {
    let x = device.tensor(HostSlice::F32(at), [at.len()])?;
    let first = || {
        let (_, gradients) =
            device.value_and_grads(&[&x], || ops::sum(&(&ops::sin(&x)? * &(&x * &x)?)?, None, false))?;
        ops::sum(&gradients[0], None, false)
    };
    device.value_and_grads(&[&x], first)?.1[0].to_vec()
}

/// Learns a number that is rounded before it is judged: the gradient of rounding is taken for that of the identity.
pub fn learn_through_rounding(device: &Device) -> Result<f64> {
    let mut x = device.scalar(Scalar::F32(0.2));
    for _ in 0..60 {
        let round = |x: &Tensor| custom(&[x], |x| ops::round(&x[0]), |_, dy| Ok(vec![dy.clone()]));
        let (_, gradients) = device.value_and_grads(&[&x], || ops::square(&(&round(&x)? - 3.0)?))?;
        x = (&x - &(&gradients[0] * 0.1)?)?;
        device.flush()?;
    }
    ops::round(&x)?.item()
}

fn main() -> Result<()> {
    let device = cpu(2);
    println!("a curve: {:?}", fit_quadratic(&device)?);
    let file = std::env::args().nth(1).unwrap_or_else(|| "tests/fixtures/digits.csv.gz".into());
    println!("digits read right: {:.3}", learn_digits(&device, &file, 15)?);
    println!("second derivatives: {:?}", second_derivative(&device, &[0.5, 1.0, 2.0])?);
    println!("learned through rounding: {}", learn_through_rounding(&device)?);
    Ok(())
}
