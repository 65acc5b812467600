//! Window operations and resizes of NHWC images. Results are written in full.

use headwater_core::op::{PoolGeometry, PoolKind, ResizeGeometry, ResizeKind};
use headwater_core::Listed;

use super::Shared;
use crate::threads::Pool;

/// Elements below which a window operation runs on one thread.
const PARALLEL: usize = 1 << 15;

/// What a window operation reads.
#[derive(Clone, Copy)]
pub struct Operands<'a> {
    /// Images or window results.
    pub a: &'a [f32],
    /// Positions of maxima, where the operation takes them.
    pub index: &'a [u32],
}

/// Runs a window operation, one image at a time; `out` are 32-bit lanes.
pub fn window(pool: &Pool, kind: PoolKind, g: &PoolGeometry, from: Operands<'_>, out: &mut [u32]) {
    let (image, result) = (g.in_h * g.in_w * g.channels, g.out_h * g.out_w * g.channels);
    let to_image = matches!(kind, PoolKind::MaxScatter | PoolKind::AvgBackward);
    let size = if to_image { image } else { result };
    let shared = Shared(out.as_mut_ptr());
    debug_assert!(out.len() >= g.batch * size);
    // Several rows of results to a task, or a whole image where results are scattered over it.
    let rows = if to_image || g.batch * image < PARALLEL { g.out_h } else { 4.min(g.out_h) }.max(1);
    let parts = g.out_h.div_ceil(rows).max(1);
    pool.parallel_for(g.batch * parts, |task| {
        let (n, part) = (task / parts, task % parts);
        let (first, last) = (part * rows, ((part + 1) * rows).min(g.out_h));
        let row = g.out_w * g.channels;
        let (start, len) = if to_image { (n * image, image) } else { (n * result + first * row, (last - first) * row) };
        // SAFETY: tasks write different images, or different rows of one.
        let out = unsafe { std::slice::from_raw_parts_mut(shared.get().add(start), len) };
        let results = n * result..(n + 1) * result;
        match kind {
            PoolKind::Max | PoolKind::ArgMax => largest(kind, g, &from.a[n * image..][..image], first..last, out),
            PoolKind::Avg => average(g, &from.a[n * image..][..image], first..last, floats(out)),
            PoolKind::AvgBackward => average_backward(g, &from.a[results], floats(out)),
            PoolKind::MaxScatter => {
                let out = floats(out);
                out.fill(0.0);
                for (&v, &i) in from.a[results.clone()].iter().zip(&from.index[results]) {
                    if let Some(slot) = out.get_mut(i as usize) {
                        *slot += v;
                    }
                }
            }
            PoolKind::MaxGather => {
                let x = &from.a[n * image..][..image];
                let index = &from.index[n * result + first * row..][..len];
                for (o, &i) in floats(out).iter_mut().zip(index) {
                    *o = x.get(i as usize).copied().unwrap_or(0.0);
                }
            }
        }
    });
}

fn floats(lanes: &mut [u32]) -> &mut [f32] {
    bytemuck::cast_slice_mut(lanes)
}

/// Calls `f` with the image positions of a window's elements inside the image.
#[inline(always)]
fn inside(g: &PoolGeometry, oh: usize, ow: usize, mut f: impl FnMut(usize)) {
    for fh in 0..g.window_h {
        let h = (oh * g.stride_h + fh * g.dilation_h).wrapping_sub(g.pad_top);
        if h >= g.in_h {
            continue;
        }
        for fw in 0..g.window_w {
            let w = (ow * g.stride_w + fw * g.dilation_w).wrapping_sub(g.pad_left);
            if w < g.in_w {
                f((h * g.in_w + w) * g.channels);
            }
        }
    }
}

fn largest(kind: PoolKind, g: &PoolGeometry, x: &[f32], rows: std::ops::Range<usize>, out: &mut [u32]) {
    let c = g.channels;
    let (mut best, mut at) = (vec![0.0f32; c], vec![0u32; c]);
    for (pixel, out) in out.chunks_exact_mut(c.max(1)).enumerate() {
        let (oh, ow) = (rows.start + pixel / g.out_w, pixel % g.out_w);
        let mut any = false;
        inside(g, oh, ow, |start| {
            let values = &x[start..start + c];
            if !any {
                best.copy_from_slice(values);
                at.iter_mut().enumerate().for_each(|(i, at)| *at = (start + i) as u32);
            } else if kind == PoolKind::Max {
                for (best, &v) in best.iter_mut().zip(values) {
                    // NaN wins, and stays.
                    *best = if v > *best || v.is_nan() { v } else { *best };
                }
            } else {
                for (i, ((best, at), &v)) in best.iter_mut().zip(&mut at).zip(values).enumerate() {
                    let better = v > *best || (v.is_nan() && !best.is_nan());
                    *best = if better { v } else { *best };
                    *at = if better { (start + i) as u32 } else { *at };
                }
            }
            any = true;
        });
        if !any {
            // A window wholly outside the image chooses the image's first element.
            best.fill(x.first().copied().unwrap_or(0.0));
            at.fill(0);
        }
        if kind == PoolKind::Max {
            floats(out).copy_from_slice(&best);
        } else {
            out.copy_from_slice(&at);
        }
    }
}

fn average(g: &PoolGeometry, x: &[f32], rows: std::ops::Range<usize>, out: &mut [f32]) {
    let c = g.channels;
    for (pixel, out) in out.chunks_exact_mut(c.max(1)).enumerate() {
        let (oh, ow) = (rows.start + pixel / g.out_w, pixel % g.out_w);
        let mut count = 0;
        out.fill(0.0);
        inside(g, oh, ow, |start| {
            count += 1;
            out.iter_mut().zip(&x[start..start + c]).for_each(|(o, v)| *o += v);
        });
        let scale = 1.0 / count.max(1) as f32;
        out.iter_mut().for_each(|o| *o *= scale);
    }
}

fn average_backward(g: &PoolGeometry, dy: &[f32], dx: &mut [f32]) {
    let c = g.channels;
    dx.fill(0.0);
    for (pixel, dy) in dy.chunks_exact(c.max(1)).enumerate() {
        let (oh, ow) = (pixel / g.out_w, pixel % g.out_w);
        let mut count = 0;
        inside(g, oh, ow, |_| count += 1);
        let scale = 1.0 / count.max(1) as f32;
        inside(g, oh, ow, |start| {
            dx[start..start + c].iter_mut().zip(dy).for_each(|(dx, dy)| *dx += dy * scale);
        });
    }
}

/// The two source positions of an output position along one dimension, and the weight of the second.
#[derive(Clone, Copy)]
struct Tap {
    low: usize,
    high: usize,
    weight: f32,
}

fn taps(kind: ResizeKind, g: &ResizeGeometry, input: usize, output: usize) -> Vec<Tap> {
    let bilinear = matches!(kind, ResizeKind::Bilinear | ResizeKind::BilinearBackward);
    let last = input.saturating_sub(1);
    let tap = |o: usize| {
        let (o, n, m) = (o as f32, input as f32, output as f32);
        let at = if g.align_corners && output > 1 {
            o * ((n - 1.0) / (m - 1.0))
        } else if g.half_pixel_centers {
            (o + 0.5) * (n / m) - 0.5
        } else {
            o * (n / m)
        };
        if bilinear {
            let low = at.floor().max(0.0);
            let weight = (at - low).max(0.0);
            let low = (low as usize).min(last);
            Tap { low, high: (low + 1).min(last), weight }
        } else {
            let at = if g.half_pixel_centers { at + 0.5 } else { at };
            let nearest = if g.align_corners { at.round() } else { at.floor() };
            let low = (nearest.max(0.0) as usize).min(last);
            Tap { low, high: low, weight: 0.0 }
        }
    };
    (0..output).map(tap).listed()
}

/// Runs a resize or its adjoint, an image to a task.
pub fn resize(pool: &Pool, kind: ResizeKind, g: &ResizeGeometry, a: &[f32], out: &mut [f32]) {
    let (rows, columns) = (taps(kind, g, g.in_h, g.out_h), taps(kind, g, g.in_w, g.out_w));
    let (image, result) = (g.in_h * g.in_w * g.channels, g.out_h * g.out_w * g.channels);
    let backward = matches!(kind, ResizeKind::BilinearBackward | ResizeKind::NearestBackward);
    let (from, to) = if backward { (result, image) } else { (image, result) };
    let shared = Shared(out.as_mut_ptr());
    let c = g.channels;
    pool.parallel_for(g.batch, |n| {
        // SAFETY: tasks write different images.
        let out = unsafe { std::slice::from_raw_parts_mut(shared.get().add(n * to), to) };
        let a = &a[n * from..][..from];
        if backward {
            out.fill(0.0);
        }
        for (oh, r) in rows.iter().enumerate() {
            for (ow, k) in columns.iter().enumerate() {
                let y = (oh * g.out_w + ow) * c;
                let corner = |h: usize, w: usize| (h * g.in_w + w) * c;
                let corners =
                    [corner(r.low, k.low), corner(r.low, k.high), corner(r.high, k.low), corner(r.high, k.high)];
                if backward {
                    let (u, v) = (r.weight, k.weight);
                    let weights = [(1.0 - u) * (1.0 - v), (1.0 - u) * v, u * (1.0 - v), u * v];
                    for (corner, weight) in corners.into_iter().zip(weights) {
                        if weight != 0.0 {
                            let slots = out[corner..corner + c].iter_mut();
                            slots.zip(&a[y..y + c]).for_each(|(o, dy)| *o += dy * weight);
                        }
                    }
                } else {
                    let [p, q, s, t] = corners.map(|i| &a[i..i + c]);
                    for (i, o) in out[y..y + c].iter_mut().enumerate() {
                        let top = p[i] + (q[i] - p[i]) * k.weight;
                        let bottom = s[i] + (t[i] - s[i]) * k.weight;
                        *o = top + (bottom - top) * r.weight;
                    }
                }
            }
        }
    });
}
