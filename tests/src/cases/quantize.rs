//! Quantisation.

use headwater_core::ops::{self, QuantizedType};
use headwater_core::DType;

use super::{case, Case, Input};

pub(super) fn quantize() -> Vec<Case> {
    use QuantizedType::{Int8, Uint8};
    let x = || Input::f32(&[3, 4, 5]).within(-3.0, 3.0);
    let scale = |shape: &[usize]| Input::f32(shape).within(0.01, 0.03);
    let zero = |shape: &[usize]| Input { dtype: DType::I32, ..Input::f32(shape) }.within(-20.0, 90.0);
    let mut out = Vec::new();
    for (name, shape, axis, to) in [
        ("per tensor", vec![], None, Int8),
        ("per tensor, unsigned", vec![1], None, Uint8),
        ("per channel", vec![5], Some(-1), Int8),
        ("per channel, unsigned", vec![4], Some(1), Uint8),
    ] {
        let inputs = || vec![x(), scale(&shape), zero(&shape)];
        out.push(
            case(&format!("quantize {name}"), inputs(), move |x| ops::quantize(&x[0], &x[1], &x[2], axis, to)).rough(),
        );
        out.push(
            case(&format!("fakeQuantize {name}"), inputs(), move |x| ops::fake_quantize(&x[0], &x[1], &x[2], axis, to))
                .rough(),
        );
        // The straight-through gradient, as a value: it is not that of the steps.
        out.push(
            case(&format!("fakeQuantize's gradient {name}"), inputs(), move |x| {
                super::attention::gradient_of(|x| ops::fake_quantize(&x[0], &x[1], &x[2], axis, to), x)
            })
            .rough(),
        );
        let (low, high) = to.range();
        let whole = |dtype| Input { dtype, ..x() }.within(f64::from(low), f64::from(high) + 1.0);
        for dtype in [to.dtype(), DType::I32] {
            let inputs = vec![whole(dtype), scale(&shape), zero(&shape)];
            out.push(case(&format!("dequantize {name}, {}", dtype.name()), inputs, move |x| {
                ops::dequantize(&x[0], &x[1], &x[2], axis)
            }));
        }
    }
    out
}
