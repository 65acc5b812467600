//! Attention and normalisation over features.

use headwater_core::ops::{self, AttentionOptions};
use headwater_core::{DType, Result, Tensor};

use super::{case, Case, Input};

/// Attention of the first three operands, with the fourth as the mask where there is one.
fn attend(options: AttentionOptions) -> impl Fn(&[Tensor]) -> Result<Tensor> + Send + Sync {
    move |x| ops::scaled_dot_product_attention(&x[0], &x[1], &x[2], x.get(3), &options)
}

/// The gradients of the sum of `f` by the first two operands as the value, so that what is compared are second ones.
pub(super) fn gradient_of(f: impl Fn(&[Tensor]) -> Result<Tensor>, x: &[Tensor]) -> Result<Tensor> {
    let device = x[0].device();
    device.start_tape();
    let y = f(x);
    let tape = device.end_tape();
    let found = tape.gradients(&y?, None, &x.iter().take(2).collect::<Vec<_>>())?;
    let flat = found.iter().flatten().map(|t| ops::reshape(t, [t.size()])).collect::<Result<Vec<_>>>()?;
    ops::concat(&flat.iter().collect::<Vec<_>>(), 0)
}

pub(super) fn attention() -> Vec<Case> {
    let whole = AttentionOptions::default();
    let tiled = AttentionOptions { tile: Some((3, 2)), ..whole };
    let causal = |options: AttentionOptions| AttentionOptions { causal: true, ..options };
    let operands = |q: &[usize], k: &[usize], v: &[usize]| vec![Input::f32(q), Input::f32(k), Input::f32(v)];
    let plain = || operands(&[2, 2, 7, 4], &[2, 2, 5, 4], &[2, 2, 5, 3]);
    let grouped = || operands(&[2, 4, 5, 3], &[2, 2, 5, 3], &[2, 2, 5, 3]);
    let with = |mut operands: Vec<Input>, mask: Input| {
        operands.push(mask);
        operands
    };
    let seen = |shape: &[usize]| Input { dtype: DType::Bool, ..Input::f32(shape) };
    let mut out = Vec::new();
    for (name, options) in [("one tile", whole), ("tiles", tiled)] {
        let mut add = |what: &str, inputs: Vec<Input>, options: AttentionOptions| {
            out.push(case(&format!("attention {what}, {name}"), inputs, attend(options)));
        };
        add("of unequal lengths", plain(), options);
        add("causal of unequal lengths", plain(), causal(options));
        add("causal with more keys", operands(&[1, 4, 3], &[1, 9, 3], &[1, 9, 2]), causal(options));
        add("grouped", grouped(), options);
        add("grouped causal", grouped(), causal(options));
        add("without batch and heads", operands(&[6, 4], &[5, 4], &[5, 4]), options);
        add("of one query and key", operands(&[1, 1, 1], &[1, 1, 1], &[1, 1, 1]), options);
        add("scaled", plain(), AttentionOptions { scale: Some(2.5), ..options });
        add("with a bool mask", with(plain(), seen(&[2, 1, 7, 5])), options);
        add("with a bool mask of keys", with(grouped(), seen(&[2, 1, 1, 5])), causal(options));
        add("with a mask of heads", with(grouped(), seen(&[4, 5, 5])), options);
        add("with a bias", with(plain(), Input::f32(&[2, 2, 7, 5])), options);
        add("with a bias by heads", with(grouped(), Input::f32(&[4, 5, 5])), causal(options));
        add("with a bias of keys", with(plain(), Input::f32(&[5])), options);
        add("with a bias of queries", with(plain(), Input::f32(&[2, 1, 7, 1])), causal(options));
        add("that hides much", with(plain(), Input::f32(&[7, 5]).within(-1.7e30, 0.7e30)), options);
        add("of no queries", operands(&[2, 0, 4], &[2, 5, 4], &[2, 5, 3]), options);
        add("of no keys", with(operands(&[2, 3, 4], &[2, 0, 4], &[2, 0, 3]), Input::f32(&[3, 1])), options);
        add("of no heads", operands(&[2, 0, 3, 4], &[2, 0, 5, 4], &[2, 0, 5, 3]), options);
        let inputs = operands(&[1, 2, 5, 2], &[1, 1, 4, 2], &[1, 1, 4, 2]);
        out.push(case(&format!("attention's gradient, {name}"), inputs, move |x| {
            gradient_of(|x| ops::square(&attend(causal(options))(x)?), x)
        }));
    }
    let long = operands(&[2, 70, 8], &[2, 600, 8], &[2, 600, 8]);
    out.push(case("attention with the tiles of long sequences", long, attend(whole)));
    out.extend(normalisation());
    out
}

fn normalisation() -> Vec<Case> {
    let x = || vec![Input::f32(&[3, 4, 6]).within(-2.0, 5.0)];
    let with = |parameters: &[&[usize]]| -> Vec<Input> {
        x().into_iter().chain(parameters.iter().map(|shape| Input::f32(shape))).collect()
    };
    let cubed = |x: &[Tensor]| {
        let y = ops::layer_norm(&x[0], Some(&[-1]), None, None, 1e-3)?;
        ops::mul(&y, &ops::square(&y)?)
    };
    vec![
        case("layerNorm", with(&[&[6], &[6]]), |x| ops::layer_norm(&x[0], Some(&[-1]), Some(&x[1]), Some(&x[2]), 1e-3)),
        case("layerNorm of two axes", with(&[&[4, 1]]), |x| {
            ops::layer_norm(&x[0], Some(&[1, 2]), Some(&x[1]), None, 1e-3)
        }),
        case("layerNorm of everything", x(), |x| ops::layer_norm(&x[0], None, None, None, 1e-3)),
        case("layerNorm of nothing", vec![Input::f32(&[0, 3])], |x| ops::layer_norm(&x[0], None, None, None, 1e-3)),
        case("layerNorm's gradient", x(), move |x| gradient_of(cubed, x)),
        case("groupNorm", with(&[&[6], &[6]]), |x| ops::group_norm(&x[0], 3, Some(&x[1]), Some(&x[2]), 1e-3)),
        case("groupNorm of single channels", with(&[&[6]]), |x| ops::group_norm(&x[0], 6, None, Some(&x[1]), 1e-3)),
        case("groupNorm of rows", vec![Input::f32(&[5, 8])], |x| ops::group_norm(&x[0], 2, None, None, 1e-3)),
        case("rmsNorm", with(&[&[6]]), |x| ops::rms_norm(&x[0], Some(&[-1]), Some(&x[1]), 1e-3)),
        case("rmsNorm without a scale", x(), |x| ops::rms_norm(&x[0], Some(&[1]), None, 1e-3)),
        case("l2Normalize", x(), |x| ops::l2_normalize(&x[0], Some(&[-1]), 1e-12)),
    ]
}
