//! Heads, by their definitions.

use super::eval::binary;
use super::{of_bits, Run};
use crate::dtype::DType;
use crate::error::Result;
use crate::op::{
    ConvGeometry, ConvKind, IndexOp, PoolGeometry, PoolKind, ReduceOp, ResizeGeometry, ResizeKind, Routine,
};
use crate::plan::{Head, PadValue};
use crate::scalar::BinOp;
use crate::shape::Shape;

impl Run<'_> {
    /// The head's result, row-major.
    pub(super) fn head(&self, head: &Head) -> Result<Vec<f64>> {
        let ints = |value: usize| -> Result<Vec<i64>> { Ok(self.lanes(value)?.iter().map(|&x| x as i64).collect()) };
        Ok(match head {
            Head::Reduce { op, body, kept } => {
                let rows: usize = body.shape[..*kept].iter().product();
                let n: usize = body.shape[*kept..].iter().product();
                let reg = body.outputs[0].0 as usize;
                let mut out = Vec::with_capacity(rows);
                for row in 0..rows {
                    let mut items = Vec::with_capacity(n);
                    for i in 0..n {
                        items.push(self.registers(body, row * n + i, None)?[reg]);
                    }
                    out.push(reduce(*op, body.program.types[reg], &items));
                }
                out
            }
            Head::ArgReduce { max, input } => {
                let (rows, n) = (input.view.shape[0], input.view.shape[1]);
                let mut out = Vec::with_capacity(rows);
                for row in 0..rows {
                    let mut best: Option<(usize, f64)> = None;
                    for i in 0..n {
                        let x = self.load(input, row * n + i)?;
                        if best.is_none_or(|(_, b)| if *max { x > b } else { x < b }) {
                            best = Some((i, x));
                        }
                    }
                    out.push(best.map_or(0.0, |(i, _)| i as f64));
                }
                out
            }
            Head::MatMul { a, b } => {
                let (batch, m, k) = (a.view.shape[0], a.view.shape[1], a.view.shape[2]);
                let n = b.view.shape[2];
                let mut out = Vec::with_capacity(batch * m * n);
                for g in 0..batch {
                    for i in 0..m {
                        for j in 0..n {
                            let mut sum = 0.0;
                            for l in 0..k {
                                let x = self.load(a, (g * m + i) * k + l)?;
                                sum += x * self.load(b, (g * k + l) * n + j)?;
                            }
                            out.push(sum);
                        }
                    }
                }
                out
            }
            Head::Conv { kind, geometry, inputs } => {
                conv(*kind, geometry, self.lanes(inputs[0])?, self.lanes(inputs[1])?)
            }
            Head::Pool { kind, geometry, inputs } => {
                let index = match inputs.get(1) {
                    Some(&index) => ints(index)?,
                    None => Vec::new(),
                };
                pool(*kind, geometry, self.lanes(inputs[0])?, &index)
            }
            Head::Resize { kind, geometry, input } => resize(*kind, geometry, self.lanes(*input)?),
            Head::Index { op, from, to, input, index } => {
                let float = self.plan.values[*input].dtype == DType::F32;
                pick(*op, *from, *to, self.lanes(*input)?, &ints(*index)?, float)
            }
            Head::Pad { before, between, shape, input, value } => {
                let bits = match value {
                    PadValue::Const(bits) => *bits,
                    PadValue::Param(k) => self.params[*k],
                };
                let mut out = vec![of_bits(input.dtype, bits); shape.size()];
                let inner = &input.view.shape;
                for i in 0..inner.size() {
                    let at: Vec<usize> = (coordinates(inner, i).iter().enumerate())
                        .map(|(d, c)| before[d] + c * (between[d] + 1))
                        .collect();
                    out[linear(shape, &at)] = self.load(input, i)?;
                }
                out
            }
            Head::Concat { axis, shape, inputs } => {
                let mut out = vec![0.0; shape.size()];
                let mut start = 0;
                for input in inputs {
                    for i in 0..input.view.shape.size() {
                        let mut at = coordinates(&input.view.shape, i);
                        at[*axis] += start;
                        out[linear(shape, &at)] = self.load(input, i)?;
                    }
                    start += input.view.shape[*axis];
                }
                out
            }
            Head::Routine { routine: Routine::TopK, inputs, shapes, out } => {
                let (rows, n, k) = (shapes[0][0], shapes[0][1], out[1]);
                let x = self.lanes(inputs[0])?;
                let mut result = Vec::with_capacity(rows * k);
                for row in 0..rows {
                    let at = |i: usize| x[row * n + i];
                    let mut order: Vec<usize> = (0..n).collect();
                    order.sort_by(|&i, &j| (at(i) < at(j)).cmp(&(at(j) < at(i))));
                    result.extend(order[..k].iter().map(|&i| i as f64));
                }
                result
            }
        })
    }
}

fn reduce(op: ReduceOp, dtype: DType, items: &[f64]) -> f64 {
    let (instr, empty) = match op {
        ReduceOp::Sum => (BinOp::Add, 0.0),
        ReduceOp::Prod => (BinOp::Mul, 1.0),
        ReduceOp::Max => (BinOp::Max, f64::NEG_INFINITY),
        ReduceOp::Min => (BinOp::Min, f64::INFINITY),
    };
    let empty = match dtype {
        DType::F32 => empty,
        DType::Bool => f64::from(u8::from(empty > 0.0)),
        _ => f64::from(empty as i32),
    };
    items.iter().copied().reduce(|a, b| binary(instr, dtype == DType::F32, a, b)).unwrap_or(empty)
}

fn coordinates(shape: &Shape, mut linear: usize) -> Vec<usize> {
    let mut at = vec![0; shape.rank()];
    for d in (0..shape.rank()).rev() {
        at[d] = linear % shape[d];
        linear /= shape[d];
    }
    at
}

fn linear(shape: &Shape, at: &[usize]) -> usize {
    at.iter().zip(shape.iter()).fold(0, |sum, (c, d)| sum * d + c)
}

/// The source row or column of an output one and a window element, if inside the image.
fn source(out: usize, stride: usize, tap: usize, dilation: usize, pad: usize, size: usize) -> Option<usize> {
    (out * stride + tap * dilation).checked_sub(pad).filter(|&i| i < size)
}

/// Visits every (image element, filter element, result element) that a convolution multiplies.
fn conv(kind: ConvKind, g: &ConvGeometry, a: &[f64], b: &[f64]) -> Vec<f64> {
    let mut out = match kind {
        ConvKind::Forward => vec![0.0; g.output_shape().size()],
        ConvKind::BackwardInput => vec![0.0; g.input_shape().size()],
        ConvKind::BackwardFilter => vec![0.0; g.filter_shape().size()],
    };
    let (cin, cout) = (g.in_channels / g.groups, g.out_channels / g.groups);
    for n in 0..g.batch {
        for (oh, ow) in (0..g.out_h).flat_map(|h| (0..g.out_w).map(move |w| (h, w))) {
            for (fh, fw) in (0..g.filter_h).flat_map(|h| (0..g.filter_w).map(move |w| (h, w))) {
                let h = source(oh, g.stride_h, fh, g.dilation_h, g.pad_top, g.in_h);
                let w = source(ow, g.stride_w, fw, g.dilation_w, g.pad_left, g.in_w);
                let (Some(ih), Some(iw)) = (h, w) else { continue };
                for oc in 0..g.out_channels {
                    for c in 0..cin {
                        let ic = oc / cout * cin + c;
                        let x = ((n * g.in_h + ih) * g.in_w + iw) * g.in_channels + ic;
                        let w = ((fh * g.filter_w + fw) * cin + c) * g.out_channels + oc;
                        let y = ((n * g.out_h + oh) * g.out_w + ow) * g.out_channels + oc;
                        match kind {
                            ConvKind::Forward => out[y] += a[x] * b[w],
                            ConvKind::BackwardInput => out[x] += a[y] * b[w],
                            ConvKind::BackwardFilter => out[w] += a[x] * b[y],
                        }
                    }
                }
            }
        }
    }
    out
}

fn pool(kind: PoolKind, g: &PoolGeometry, a: &[f64], index: &[i64]) -> Vec<f64> {
    let image = g.in_h * g.in_w * g.channels;
    let to_images = matches!(kind, PoolKind::MaxScatter | PoolKind::AvgBackward);
    let mut out = vec![0.0; if to_images { g.input_shape().size() } else { g.output_shape().size() }];
    for y in 0..g.output_shape().size() {
        let at = coordinates(&g.output_shape(), y);
        let (n, oh, ow, c) = (at[0], at[1], at[2], at[3]);
        let mut inside = Vec::new();
        for (fh, fw) in (0..g.window_h).flat_map(|h| (0..g.window_w).map(move |w| (h, w))) {
            let h = source(oh, g.stride_h, fh, g.dilation_h, g.pad_top, g.in_h);
            let w = source(ow, g.stride_w, fw, g.dilation_w, g.pad_left, g.in_w);
            if let (Some(h), Some(w)) = (h, w) {
                inside.push((h * g.in_w + w) * g.channels + c);
            }
        }
        let base = n * image;
        let count = inside.len().max(1) as f64;
        match kind {
            PoolKind::Max | PoolKind::ArgMax => {
                let mut best = inside.first().copied().unwrap_or(0);
                for &i in &inside {
                    if a[base + i] > a[base + best] || (a[base + i].is_nan() && !a[base + best].is_nan()) {
                        best = i;
                    }
                }
                out[y] = if kind == PoolKind::Max { a[base + best] } else { best as f64 };
            }
            PoolKind::MaxScatter => out[base + index[y] as usize] += a[y],
            PoolKind::MaxGather => out[y] = a[base + index[y] as usize],
            PoolKind::Avg => out[y] = inside.iter().map(|&i| a[base + i]).sum::<f64>() / count,
            PoolKind::AvgBackward => inside.iter().for_each(|&i| out[base + i] += a[y] / count),
        }
    }
    out
}

/// The source position of output `o`, in float32 as engines compute it.
fn position(g: &ResizeGeometry, o: usize, input: usize, output: usize) -> f32 {
    let (o, input, output) = (o as f32, input as f32, output as f32);
    if g.align_corners && output > 1.0 {
        o * ((input - 1.0) / (output - 1.0))
    } else if g.half_pixel_centers {
        (o + 0.5) * (input / output) - 0.5
    } else {
        o * (input / output)
    }
}

fn resize(kind: ResizeKind, g: &ResizeGeometry, a: &[f64]) -> Vec<f64> {
    let backward = matches!(kind, ResizeKind::BilinearBackward | ResizeKind::NearestBackward);
    let bilinear = matches!(kind, ResizeKind::Bilinear | ResizeKind::BilinearBackward);
    let (images, results) = (g.batch * g.in_h * g.in_w * g.channels, g.batch * g.out_h * g.out_w * g.channels);
    let mut out = vec![0.0; if backward { images } else { results }];
    // Neighbours of an output position along one dimension, with weights.
    let taps = |o: usize, input: usize, output: usize| -> Vec<(usize, f64)> {
        let at = position(g, o, input, output);
        if bilinear {
            let low = at.floor().max(0.0);
            let fraction = f64::from((at - low).max(0.0));
            let low = (low as usize).min(input - 1);
            vec![(low, 1.0 - fraction), ((low + 1).min(input - 1), fraction)]
        } else {
            let at = if g.half_pixel_centers { at + 0.5 } else { at };
            let nearest = if g.align_corners { at.round() } else { at.floor() };
            vec![((nearest.max(0.0) as usize).min(input - 1), 1.0)]
        }
    };
    for n in 0..g.batch {
        for (oh, ow) in (0..g.out_h).flat_map(|h| (0..g.out_w).map(move |w| (h, w))) {
            for (h, wh) in taps(oh, g.in_h, g.out_h) {
                for (w, ww) in taps(ow, g.in_w, g.out_w) {
                    for c in 0..g.channels {
                        let x = ((n * g.in_h + h) * g.in_w + w) * g.channels + c;
                        let y = ((n * g.out_h + oh) * g.out_w + ow) * g.channels + c;
                        if backward {
                            out[x] += a[y] * wh * ww;
                        } else {
                            out[y] += a[x] * wh * ww;
                        }
                    }
                }
            }
        }
    }
    out
}

fn pick(op: IndexOp, from: [usize; 3], to: [usize; 3], x: &[f64], index: &[i64], float: bool) -> Vec<f64> {
    let mut out = vec![0.0; to.iter().product()];
    let gathers = matches!(op, IndexOp::Gather | IndexOp::TakeAlong);
    let along = matches!(op, IndexOp::TakeAlong | IndexOp::PutAlongAdd);
    let (n, k) = if gathers { (from[1], to[1]) } else { (to[1], from[1]) };
    for outer in 0..from[0] {
        for i in 0..k {
            let at = index[if along { outer * k + i } else { i }];
            if at < 0 || at >= n as i64 {
                continue;
            }
            for inner in 0..from[2] {
                let wide = (outer * n + at as usize) * from[2] + inner;
                let narrow = (outer * k + i) * from[2] + inner;
                if gathers {
                    out[narrow] = x[wide];
                } else {
                    out[wide] = binary(BinOp::Add, float, out[wide], x[narrow]);
                }
            }
        }
    }
    out
}
