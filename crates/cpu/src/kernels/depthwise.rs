//! Convolutions of each channel with one filter of its own: channels in lanes, neighbouring pixels in registers.

use headwater_core::op::ConvGeometry;

use super::gemm::Epilogue;
use super::Shared;
use crate::threads::Pool;
use headwater_lanes::simd::{dispatch, Kernel, Level, Scalar, Simd};
use headwater_lanes::unrolled;

/// `y = epilogue(x * w)` per channel, for one filter per channel: `w` is `[height, width, channels]`.
pub fn forward(level: Level, pool: &Pool, g: &ConvGeometry, x: &[f32], w: &[f32], y: &mut [f32], e: Epilogue<'_>) {
    let out = Shared(y.as_mut_ptr());
    let row = g.out_w * g.out_channels;
    debug_assert!(g.in_channels == g.out_channels && y.len() >= g.batch * g.out_h * row);
    let rows = g.batch * g.out_h;
    let grain = if rows * row * g.filter_h * g.filter_w < (1 << 17) { rows.max(1) } else { 2 };
    pool.parallel_for(rows.div_ceil(grain), |part| {
        for r in part * grain..((part + 1) * grain).min(rows) {
            dispatch(level, Row { g, x, w, y: out.get(), r, e });
        }
    });
}

/// One row of results.
struct Row<'a> {
    g: &'a ConvGeometry,
    x: &'a [f32],
    w: &'a [f32],
    y: *mut f32,
    r: usize,
    e: Epilogue<'a>,
}

impl Kernel for Row<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let channels = self.g.in_channels;
        // Columns whose windows lie inside the image need no test per tap.
        let g = self.g;
        let reach = (g.filter_w - 1) * g.dilation_w;
        let first = g.pad_left.div_ceil(g.stride_w).min(g.out_w);
        let last = (g.in_w + g.pad_left).checked_sub(reach + 1).map_or(0, |last| (last / g.stride_w + 1).min(g.out_w));
        let last = last.max(first);
        let mut c = 0;
        // Two vectors of channels share the addresses.
        while c + 2 * S::LANES <= channels {
            self.columns::<S, 2>(c, first, last);
            c += 2 * S::LANES;
        }
        while c + S::LANES <= channels {
            self.columns::<S, 1>(c, first, last);
            c += S::LANES;
        }
        while c < channels {
            self.columns::<Scalar, 1>(c, first, last);
            c += 1;
        }
    }
}

impl Row<'_> {
    /// # Safety
    /// Channels `c..c + V * LANES` exist and the processor has `S`.
    #[inline(always)]
    unsafe fn columns<S: Simd, const V: usize>(&self, c: usize, first: usize, last: usize) {
        for ow in (0..first).chain(last..self.g.out_w) {
            self.pixels::<S, V, 1, true>(c, ow);
        }
        let mut ow = first;
        while ow + 4 <= last {
            self.pixels::<S, V, 4, false>(c, ow);
            ow += 4;
        }
        while ow < last {
            self.pixels::<S, V, 1, false>(c, ow);
            ow += 1;
        }
    }

    /// `P` neighbouring results of `V * LANES` channels; `EDGE` tests each tap's column.
    ///
    /// # Safety
    /// As [`Row::columns`]; without `EDGE`, all columns of the windows lie inside the image.
    #[inline(always)]
    unsafe fn pixels<S: Simd, const V: usize, const P: usize, const EDGE: bool>(&self, c: usize, ow: usize) {
        let g = self.g;
        let (n, oh) = (self.r / g.out_h, self.r % g.out_h);
        let vectors = |p: *const f32| -> [S::V; V] {
            let mut v = [S::splat(0.0); V];
            unrolled!(j < V => { v[j] = S::load(p.add(j * S::LANES)); });
            v
        };
        let start = match self.e.bias {
            Some(bias) => vectors(bias.as_ptr().add(c)),
            None => [S::splat(0.0); V],
        };
        let mut acc = [start; P];
        let step = g.stride_w * g.in_channels;
        for fh in 0..g.filter_h {
            let h = (oh * g.stride_h + fh * g.dilation_h).wrapping_sub(g.pad_top);
            if h >= g.in_h {
                continue;
            }
            let row = self.x.as_ptr().add((n * g.in_h + h) * g.in_w * g.in_channels + c);
            for fw in 0..g.filter_w {
                let w = (ow * g.stride_w + fw * g.dilation_w).wrapping_sub(g.pad_left);
                if EDGE && w >= g.in_w {
                    continue;
                }
                let filter = vectors(self.w.as_ptr().add((fh * g.filter_w + fw) * g.in_channels + c));
                let pixel = row.add(w * g.in_channels);
                unrolled!(p < P => {
                    let x = vectors(pixel.add(p * step));
                    unrolled!(j < V => { acc[p][j] = S::mul_add(x[j], filter[j], acc[p][j]); });
                });
            }
        }
        let (lo, hi) = (S::splat(self.e.lo), S::splat(self.e.hi));
        let first = (self.r * g.out_w + ow) * g.in_channels + c;
        unrolled!(p < P => {
            unrolled!(j < V => {
                let at = first + p * g.in_channels + j * S::LANES;
                let v = match self.e.residual {
                    Some(residual) => S::add(acc[p][j], S::load(residual.as_ptr().add(at))),
                    None => acc[p][j],
                };
                S::store(self.y.add(at), S::clamp(v, lo, hi));
            });
        });
    }
}

/// Parts that a filter gradient is summed in, independent of the number of threads.
const PARTS: usize = 8;

/// The gradient of images by a depthwise convolution's result.
pub fn backward_input(pool: &Pool, g: &ConvGeometry, dy: &[f32], w: &[f32], dx: &mut [f32]) {
    let c = g.in_channels;
    let image = g.in_h * g.in_w * c;
    dx.fill(0.0);
    let out = Shared(dx.as_mut_ptr());
    pool.parallel_for(g.batch, |n| {
        // SAFETY: each image is written by one task.
        let dx = unsafe { std::slice::from_raw_parts_mut(out.get().add(n * image), image) };
        each_tap(g, n, |tap, x, y| {
            let (dx, dy, w) = (&mut dx[x - n * image..][..c], &dy[y..y + c], &w[tap * c..][..c]);
            dx.iter_mut().zip(dy).zip(w).for_each(|((dx, dy), w)| *dx += dy * w);
        });
    });
}

/// The gradient of filters by a depthwise convolution's result.
pub fn backward_filter(pool: &Pool, g: &ConvGeometry, x: &[f32], dy: &[f32], dw: &mut [f32]) {
    let c = g.in_channels;
    let size = g.filter_h * g.filter_w * c;
    let parts = PARTS.min(g.batch).max(1);
    let mut sums = vec![0.0f32; parts * size];
    let shared = Shared(sums.as_mut_ptr());
    pool.parallel_for(parts, |part| {
        // SAFETY: each part has sums of its own.
        let sums = unsafe { std::slice::from_raw_parts_mut(shared.get().add(part * size), size) };
        for n in (part..g.batch).step_by(parts) {
            each_tap(g, n, |tap, at, y| {
                let (sums, x, dy) = (&mut sums[tap * c..][..c], &x[at..at + c], &dy[y..y + c]);
                sums.iter_mut().zip(x).zip(dy).for_each(|((s, x), dy)| *s += x * dy);
            });
        }
    });
    for (i, dw) in dw[..size].iter_mut().enumerate() {
        *dw = (0..parts).map(|p| sums[p * size + i]).sum();
    }
}

/// Calls `f(tap, image position, result position)` for every tap of every window of image `n` that lies inside.
fn each_tap(g: &ConvGeometry, n: usize, mut f: impl FnMut(usize, usize, usize)) {
    for oh in 0..g.out_h {
        for fh in 0..g.filter_h {
            let h = (oh * g.stride_h + fh * g.dilation_h).wrapping_sub(g.pad_top);
            if h >= g.in_h {
                continue;
            }
            for ow in 0..g.out_w {
                for fw in 0..g.filter_w {
                    let w = (ow * g.stride_w + fw * g.dilation_w).wrapping_sub(g.pad_left);
                    if w < g.in_w {
                        let x = ((n * g.in_h + h) * g.in_w + w) * g.in_channels;
                        let y = ((n * g.out_h + oh) * g.out_w + ow) * g.out_channels;
                        f(fh * g.filter_w + fw, x, y);
                    }
                }
            }
        }
    }
}
