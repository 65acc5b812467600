//! Initializers by Keras class name.

use headwater_core::ops::{self, hash_key};
use headwater_core::{DType, Device, Error, HostSlice, Result, Scalar, Shape, Tensor};

use super::config::class_name;
use super::losses::camel;
use super::value::Value;

/// Inputs and outputs that a weight connects per element of its last two dimensions' window.
fn fans(shape: &Shape) -> (f64, f64) {
    match **shape {
        [] => (1.0, 1.0),
        [n] => (n as f64, n as f64),
        [.., a, b] => {
            let window: f64 = shape[..shape.rank() - 2].iter().map(|&n| n as f64).product();
            (window * a as f64, window * b as f64)
        }
    }
}

/// Draws with the variance `scale / fan` (He et al. 2015; Glorot & Bengio 2010).
fn variance_scaling(
    device: &Device,
    shape: &Shape,
    scale: f64,
    mode: &str,
    distribution: &str,
    seed: u32,
) -> Result<Tensor> {
    let (fan_in, fan_out) = fans(shape);
    let fan = match camel(mode).as_str() {
        "fanIn" => fan_in,
        "fanOut" => fan_out,
        "fanAvg" => (fan_in + fan_out) / 2.0,
        _ => return Err(Error::argument("varianceScaling", "fanIn, fanOut or fanAvg as mode", mode)),
    };
    let variance = scale / fan.max(1.0);
    match camel(distribution).as_str() {
        // A normal distribution cut at two deviations has 0.8796 of its deviation left.
        "normal" | "truncatedNormal" => {
            ops::truncated_normal(device, shape, 0.0, (variance.sqrt() / 0.879_625_661_034_239_8) as f32, seed)
        }
        "untruncatedNormal" => ops::random_normal(device, shape, 0.0, variance.sqrt() as f32, seed),
        "uniform" => {
            let limit = (3.0 * variance).sqrt() as f32;
            ops::random_uniform(device, shape, -limit, limit, seed)
        }
        _ => Err(Error::argument("varianceScaling", "normal, truncatedNormal or uniform", distribution)),
    }
}

/// The sum of twelve uniform numbers, about 0: so near to normal that directions made of it favour none.
fn near_normal(key: u32) -> f64 {
    let halves = |bits: u32| f64::from(bits >> 16) + f64::from(bits & 0xffff);
    (0..6).map(|stream| halves(hash_key(key, stream))).sum::<f64>() - 6.0 * 65535.0
}

/// Orthonormal rows or columns, drawn by the host, as a GPU in a page cannot be read at once: by Gram and Schmidt's process
/// on normal numbers (Saxe et al. 2014).
fn orthogonal(device: &Device, shape: &Shape, gain: f64, seed: u32) -> Result<Tensor> {
    let [.., columns] = **shape else {
        return Err(Error::shape("orthogonal", "a shape of rank at least 2", shape));
    };
    if shape.rank() < 2 {
        return Err(Error::shape("orthogonal", "a shape of rank at least 2", shape));
    }
    let rows = shape.size() / columns.max(1);
    let (count, length) = (rows.min(columns), rows.max(columns));
    let mut vectors: Vec<Vec<f64>> = Vec::with_capacity(count);
    for i in 0..count {
        let key = hash_key(seed, i as u32);
        let mut v: Vec<f64> = (0..length as u32).map(|j| near_normal(hash_key(key, j))).collect();
        // Twice: what rounding leaves after the first pass, the second removes.
        for _ in 0..2 {
            for u in &vectors {
                let dot: f64 = u.iter().zip(&v).map(|(a, b)| a * b).sum();
                v.iter_mut().zip(u).for_each(|(x, u)| *x -= dot * u);
            }
        }
        let norm = v.iter().map(|x| x * x).sum::<f64>().sqrt().max(1e-30);
        v.iter_mut().for_each(|x| *x /= norm);
        vectors.push(v);
    }
    let at = |r: usize, c: usize| if rows <= columns { vectors[r][c] } else { vectors[c][r] };
    let data: Vec<f32> =
        (0..rows).flat_map(|r| (0..columns).map(move |c| (r, c))).map(|(r, c)| (gain * at(r, c)) as f32).collect();
    device.tensor(HostSlice::F32(&data), shape)
}

/// A tensor filled by the initializer of a Keras configuration `{class_name, config}`.
///
/// # Errors
/// `ErrorKind::Unknown` when there is no such initializer; `ErrorKind::Argument` for wrong parameters.
pub fn initialize(device: &Device, config: &Value, shape: &Shape, dtype: DType, seed: u32) -> Result<Tensor> {
    let class = config.text().or_else(|| config.get("class_name")?.text()).unwrap_or("");
    let parameters = config.get("config").unwrap_or(&Value::Null);
    let number = |key: &str, default: f64| parameters.get(key).and_then(Value::number).unwrap_or(default);
    let text = |key: &str, default: &'static str| parameters.get(key).and_then(Value::text).unwrap_or(default);
    // A seed in the configuration makes the initializer repeatable on its own.
    let seed = parameters.get("seed").and_then(Value::number).map_or(seed, |s| hash_key(s as i64 as u32, 77));
    let scaled = |scale, mode, distribution| variance_scaling(device, shape, scale, mode, distribution, seed);
    let tensor = match class_name(class).as_str() {
        "Zeros" => return device.zeros(shape, dtype),
        "Ones" => return device.ones(shape, dtype),
        "Constant" => return ops::broadcast_to(&device.constant_of(dtype, number("value", 0.0)), shape),
        "UnitForgetBias" => {
            let units = shape.size() / 4;
            let inner = parameters.get("bias_initializer").unwrap_or(&Value::Null);
            let of = |n: usize, stream| initialize(device, inner, &Shape::from([n]), dtype, hash_key(seed, stream));
            let (first, last) = (of(units, 1)?, of(2 * units, 2)?);
            return ops::concat(&[&first, &device.ones([units], dtype)?, &last], 0);
        }
        "RandomUniform" => {
            ops::random_uniform(device, shape, number("minval", -0.05) as f32, number("maxval", 0.05) as f32, seed)
        }
        "RandomNormal" => {
            ops::random_normal(device, shape, number("mean", 0.0) as f32, number("stddev", 0.05) as f32, seed)
        }
        "TruncatedNormal" => {
            ops::truncated_normal(device, shape, number("mean", 0.0) as f32, number("stddev", 0.05) as f32, seed)
        }
        "VarianceScaling" => scaled(number("scale", 1.0), text("mode", "fanIn"), text("distribution", "normal")),
        "GlorotUniform" => scaled(1.0, "fanAvg", "uniform"),
        "GlorotNormal" => scaled(1.0, "fanAvg", "normal"),
        "HeUniform" => scaled(2.0, "fanIn", "uniform"),
        "HeNormal" => scaled(2.0, "fanIn", "normal"),
        "LeCunUniform" | "LecunUniform" => scaled(1.0, "fanIn", "uniform"),
        "LeCunNormal" | "LecunNormal" => scaled(1.0, "fanIn", "normal"),
        "Orthogonal" => orthogonal(device, shape, number("gain", 1.0), seed),
        "Identity" => match **shape {
            [n, m] => {
                let (row, column) = (device.iota([n, m], 0)?, device.iota([n, m], 1)?);
                ops::mul(
                    &ops::equal(&row, &column)?.cast(DType::F32)?,
                    &device.constant(Scalar::F32(number("gain", 1.0) as f32)),
                )
            }
            _ => Err(Error::shape("identity", "a matrix", shape)),
        },
        _ => Err(Error::unknown("initializer", class)),
    };
    tensor?.cast(dtype)
}

#[cfg(test)]
mod tests {
    use super::*;
    fn values(class: &str, shape: [usize; 2]) -> Result<Vec<f32>> {
        initialize(&crate::cpu(1), &Value::class(class), &Shape::from(shape), DType::F32, 3)?.to_vec()
    }

    #[test]
    fn scales_are_right() -> Result<()> {
        let deviation = |x: &[f32]| (x.iter().map(|v| f64::from(v * v)).sum::<f64>() / x.len() as f64).sqrt();
        for (class, want) in [
            ("GlorotUniform", (2.0f64 / 500.0).sqrt()),
            ("glorotNormal", (2.0f64 / 500.0).sqrt()),
            ("HeNormal", (2.0f64 / 200.0).sqrt()),
            ("LecunUniform", (1.0f64 / 200.0).sqrt()),
            ("random_normal", 0.05),
        ] {
            let got = deviation(&values(class, [200, 300])?);
            assert!((got / want - 1.0).abs() < 0.02, "{class}: {got} {want}");
        }
        Ok(())
    }

    #[test]
    fn orthogonal_is() -> Result<()> {
        let q = values("Orthogonal", [6, 4])?;
        for i in 0..4 {
            for j in 0..4 {
                let dot: f32 = (0..6).map(|r| q[r * 4 + i] * q[r * 4 + j]).sum();
                assert!((dot - f32::from(u8::from(i == j))).abs() < 1e-5);
            }
        }
        assert_eq!(values("Nope", [1, 1]).expect_err("unknown").to_string(), "Unknown initializer: 'Nope'");
        Ok(())
    }
}
