//! MobileNetV2 on real photographs, against ONNX Runtime on the same weights.

use std::path::{Path, PathBuf};

use headwater::nn::Model;
use headwater::{cpu, gpu, Device, HostSlice, Result, Tensor};
use headwater_converter::{mobilenet, pytorch, tfjs};

fn path(relative: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(relative)
}

/// Raw pixels of a fixture, and the reference's logits followed by its features.
fn photograph(device: &headwater::Device, name: &str) -> (Tensor, Vec<f32>) {
    let image = image::open(path(&format!("tests/fixtures/mobilenet/{name}.png"))).expect("fixture").to_rgb8();
    let pixels: Vec<f32> = image.as_raw().iter().map(|&b| f32::from(b)).collect();
    let x = device.tensor(HostSlice::F32(&pixels), [1, 224, 224, 3]).expect("uploads");
    let bytes = std::fs::read(path(&format!("tests/fixtures/mobilenet/{name}.f32"))).expect("fixture");
    let reference = bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    (x, reference)
}

/// Both engines.
fn devices() -> Result<[Device; 2]> {
    Ok([cpu(2), gpu()?])
}

fn top(logits: &[f32]) -> usize {
    (0..logits.len()).fold(0, |best, i| if logits[i] > logits[best] { i } else { best })
}

#[test]
fn the_embedded_model_names_the_photographs() -> Result<()> {
    let stored = tfjs::read(&path("demos/assets/mobilenet_v2_uint8"))?;
    for device in devices()? {
        names_the_photographs(&stored, &device)?;
    }
    Ok(())
}

fn names_the_photographs(stored: &tfjs::LayersModel, device: &Device) -> Result<()> {
    let model = Model::from_keras(device, &stored.topology, 1)?;
    model.load_weights(|name| stored.weights.get(name).and_then(|w| w.to_device(device).ok()))?;
    for (name, class) in [("china", 698), ("flower", 599)] {
        let (x, reference) = photograph(device, name);
        assert_eq!(top(&reference[..1000]), class);
        assert_eq!(top(&model.predict(&[&x])?[0].to_vec()?), class, "{name}");
        assert_eq!(model.up_to("features")?.predict(&[&x])?[0].shape(), &headwater::Shape::from([1, 1280]));
    }
    Ok(())
}

#[test]
fn the_embedded_model_is_small() {
    let dir = std::fs::read_dir(path("demos/assets/mobilenet_v2_uint8")).expect("model");
    let bytes: u64 = dir.map(|f| f.expect("file").metadata().expect("metadata").len()).sum();
    assert!(bytes <= 4_000_000, "{bytes}");
}

#[test]
#[ignore = "needs the checkpoint that `cargo xtask assets` downloads"]
fn the_float_model_matches_onnx_runtime() -> Result<()> {
    let checkpoint = pytorch::read(&path(".assets/mobilenet_v2-b0353104.pth"))?;
    let keras = mobilenet::from_torchvision(&checkpoint, true)?;
    for device in devices()? {
        matches_onnx_runtime(&keras, &device)?;
    }
    Ok(())
}

fn matches_onnx_runtime(keras: &mobilenet::KerasModel, device: &Device) -> Result<()> {
    let model = Model::from_keras(device, &keras.topology, 1)?;
    let find = |name: &str| keras.weights.iter().find(|(n, _)| n == name).and_then(|(_, w)| w.to_device(device).ok());
    model.load_weights(find)?;
    for name in ["china", "flower"] {
        let (x, reference) = photograph(device, name);
        let mut got = model.predict(&[&x])?[0].to_vec()?;
        got.extend(model.up_to("features")?.predict(&[&x])?[0].to_vec()?);
        // Relative to the largest of the logits, and of the features.
        for range in [0..1000, 1000..2280] {
            let largest = reference[range.clone()].iter().fold(0.0f32, |m, v| m.max(v.abs()));
            let worst = range.map(|i| (got[i] - reference[i]).abs()).fold(0.0f32, f32::max);
            assert!(worst <= 1e-4 * largest, "{name}: {worst} of {largest}");
        }
    }
    Ok(())
}
