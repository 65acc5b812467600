//! Convolutions of NHWC images as products of matrices.

use headwater_core::op::ConvGeometry;
use headwater_core::Listed;

use super::gemm::{pack_into, panel_width, Epilogue, Rows, Strided};
use super::{multiply, Shared};
use crate::threads::Pool;
use headwater_lanes::simd::Level;

/// Channels from which filter taps are read in place; below, patches are copied together, since a tap is too short a run.
const INDIRECT_CHANNELS: usize = 8;
/// Patches copied together at a time.
const PATCHES: usize = 192;
/// Parts that a filter gradient is summed in. Fixed, so that the sum does not depend on the number of threads.
const FILTER_PARTS: usize = 8;

/// The sizes a forward pass needs, with padding that may be negative: an input gradient is a forward pass, too.
#[derive(Clone, Copy)]
pub struct Shape {
    batch: usize,
    in_h: usize,
    in_w: usize,
    /// Channels of an image, and of a group.
    in_channels: usize,
    group_in: usize,
    out_h: usize,
    out_w: usize,
    out_channels: usize,
    group_out: usize,
    filter_h: usize,
    filter_w: usize,
    stride_h: usize,
    stride_w: usize,
    dilation_h: usize,
    dilation_w: usize,
    pad_top: isize,
    pad_left: isize,
}

impl Shape {
    /// The sizes of a convolution.
    pub fn forward(g: &ConvGeometry) -> Shape {
        Shape {
            batch: g.batch,
            in_h: g.in_h,
            in_w: g.in_w,
            in_channels: g.in_channels,
            group_in: g.in_channels / g.groups,
            out_h: g.out_h,
            out_w: g.out_w,
            out_channels: g.out_channels,
            group_out: g.out_channels / g.groups,
            filter_h: g.filter_h,
            filter_w: g.filter_w,
            stride_h: g.stride_h,
            stride_w: g.stride_w,
            dilation_h: g.dilation_h,
            dilation_w: g.dilation_w,
            pad_top: g.pad_top as isize,
            pad_left: g.pad_left as isize,
        }
    }

    /// The convolution with stride 1 that takes result gradients, spread apart by the strides, to image gradients.
    fn backward(g: &ConvGeometry) -> Shape {
        let spread = |n: usize, stride: usize| n.saturating_sub(1) * stride + usize::from(n > 0);
        Shape {
            in_h: spread(g.out_h, g.stride_h),
            in_w: spread(g.out_w, g.stride_w),
            in_channels: g.out_channels,
            group_in: g.out_channels / g.groups,
            out_h: g.in_h,
            out_w: g.in_w,
            out_channels: g.in_channels,
            group_out: g.in_channels / g.groups,
            stride_h: 1,
            stride_w: 1,
            pad_top: ((g.filter_h - 1) * g.dilation_h) as isize - g.pad_top as isize,
            pad_left: ((g.filter_w - 1) * g.dilation_w) as isize - g.pad_left as isize,
            ..Shape::forward(g)
        }
    }

    fn groups(&self) -> usize {
        // Not from the input's channels: there may be none.
        self.out_channels / self.group_out.max(1)
    }

    fn rows(&self) -> usize {
        self.batch * self.out_h * self.out_w
    }

    fn inner(&self) -> usize {
        self.filter_h * self.filter_w * self.group_in
    }

    /// Whether every patch is one pixel of its own.
    fn is_pointwise(&self) -> bool {
        let one = self.filter_h * self.filter_w == 1 && self.stride_h * self.stride_w == 1;
        one && self.pad_top == 0 && self.pad_left == 0 && self.in_h == self.out_h && self.in_w == self.out_w
    }

    /// Calls `f` with the elements where the taps of each patch begin, `None` for those outside the image.
    #[inline(always)]
    fn taps(&self, rows: std::ops::Range<usize>, mut f: impl FnMut(Option<usize>)) {
        let (mut ow, rest) = (rows.start % self.out_w, rows.start / self.out_w);
        let (mut oh, mut n) = (rest % self.out_h, rest / self.out_h);
        for _ in rows {
            for fh in 0..self.filter_h {
                let h = (oh * self.stride_h + fh * self.dilation_h).wrapping_add_signed(-self.pad_top);
                let line = (n * self.in_h).wrapping_add(h).wrapping_mul(self.in_w);
                for fw in 0..self.filter_w {
                    let w = (ow * self.stride_w + fw * self.dilation_w).wrapping_add_signed(-self.pad_left);
                    // Positions before the first wrap around to large numbers.
                    let inside = h < self.in_h && w < self.in_w;
                    f(inside.then(|| (line + w) * self.in_channels));
                }
            }
            ow += 1;
            if ow == self.out_w {
                (ow, oh) = (0, oh + 1);
            }
            if oh == self.out_h {
                (oh, n) = (0, n + 1);
            }
        }
    }

    /// Copies the patches of `rows`, channels of one group, one after another.
    fn patches(&self, x: &[f32], group: usize, rows: std::ops::Range<usize>, out: &mut [f32]) {
        let mut slots = out.chunks_exact_mut(self.group_in.max(1));
        self.taps(rows, |start| {
            let Some(slot) = slots.next() else { return };
            match start {
                Some(start) => {
                    let start = start + group * self.group_in;
                    // A copy of one or three elements is quicker without a call.
                    slot.iter_mut().zip(&x[start..start + self.group_in]).for_each(|(o, &v)| *o = v);
                }
                None => slot.fill(0.0),
            }
        });
    }
}

/// Pointers to the filter taps of each patch, into the image or to zeros.
#[derive(Clone, Copy)]
struct Taps<'a> {
    pointers: &'a [*const f32],
    taps: usize,
    channels: usize,
}

// SAFETY: the pointers are only read, while the slices they come from are borrowed.
unsafe impl Send for Taps<'_> {}
// SAFETY: as above.
unsafe impl Sync for Taps<'_> {}

impl Rows for Taps<'_> {
    fn segments(&self) -> usize {
        self.taps
    }
    fn segment(&self) -> (usize, isize) {
        (self.channels, 1)
    }
    #[inline(always)]
    unsafe fn pointer(&self, row: usize, s: usize) -> *const f32 {
        *self.pointers.get_unchecked(row * self.taps + s)
    }
}

/// A convolution's filters in panels, one set per group.
pub struct Filters {
    panels: Vec<Vec<f32>>,
    /// Elements per panel row and columns per group, to tell other filters apart.
    sizes: (usize, usize),
}

impl Filters {
    /// Whether these are filters of such sizes.
    pub fn fits(&self, g: &ConvGeometry) -> bool {
        let s = Shape::forward(g);
        self.sizes == (s.inner(), s.group_out) && self.panels.len() == s.groups()
    }
}

/// Packs filters `[height, width, in_channels / groups, out_channels]`.
pub fn pack_filters(level: Level, g: &ConvGeometry, w: &[f32]) -> Filters {
    let s = Shape::forward(g);
    pack_groups(level, &s, |group, out, nr| {
        let start = (group * s.group_out) as isize;
        pack_into(out, nr, w, start, s.inner(), s.group_out, s.out_channels as isize, 1);
    })
}

fn pack_groups(level: Level, s: &Shape, fill: impl Fn(usize, &mut [f32], usize)) -> Filters {
    let nr = panel_width(level);
    let panels = (0..s.groups()).map(|group| {
        let mut out = vec![0.0; s.group_out.div_ceil(nr) * s.inner() * nr];
        fill(group, &mut out, nr);
        out
    });
    Filters { panels: panels.listed(), sizes: (s.inner(), s.group_out) }
}

/// `y = epilogue(conv(x, filters))`.
pub fn forward(
    level: Level,
    pool: &Pool,
    g: &ConvGeometry,
    x: &[f32],
    filters: &Filters,
    y: &mut [f32],
    e: Epilogue<'_>,
) {
    run(level, pool, &Shape::forward(g), x, filters, y, e);
}

fn run(level: Level, pool: &Pool, s: &Shape, x: &[f32], filters: &Filters, y: &mut [f32], e: Epilogue<'_>) {
    let (rows, inner) = (s.rows(), s.inner());
    if rows == 0 || s.out_channels == 0 {
        return;
    }
    debug_assert!(y.len() >= rows * s.out_channels);
    for (group, panels) in filters.panels.iter().enumerate() {
        let offset = group * s.group_out;
        let e = Epilogue { bias: e.bias.map(|b| &b[offset..]), residual: e.residual.map(|r| &r[offset..]), ..e };
        let y = Shared(y[offset..].as_mut_ptr());
        if s.is_pointwise() {
            let start = x.as_ptr().wrapping_add(group * s.group_in);
            let a = Strided { start, rs: s.in_channels as isize, cs: 1, k: inner };
            // SAFETY: rows of `a` are pixels of `x`; `y` holds as many rows of `out_channels`.
            unsafe { multiply(level, pool, a, panels, inner, s.group_out, rows, y.get(), s.out_channels, false, e) };
            continue;
        }
        let zeros = vec![0.0f32; s.group_in];
        let parts = rows.div_ceil(PATCHES);
        pool.parallel_for(parts, |part| {
            let range = part * PATCHES..((part + 1) * PATCHES).min(rows);
            // SAFETY: each part writes rows of its own of `y`.
            let c = unsafe { y.get().add(range.start * s.out_channels) };
            let e = Epilogue { residual: e.residual.map(|r| &r[range.start * s.out_channels..]), ..e };
            let m = range.len();
            let one = Pool::single();
            if s.group_in >= INDIRECT_CHANNELS {
                let taps = s.filter_h * s.filter_w;
                let mut pointers = Vec::with_capacity(m * taps);
                s.taps(range, |start| {
                    pointers.push(start.map_or(zeros.as_ptr(), |i| x[i + group * s.group_in..].as_ptr()));
                });
                let a = Taps { pointers: &pointers, taps, channels: s.group_in };
                // SAFETY: every pointer has `group_in` elements behind it; `c` holds `m` rows.
                unsafe { multiply(level, one, a, panels, inner, s.group_out, m, c, s.out_channels, false, e) };
            } else {
                let mut patches = vec![0.0f32; m * inner];
                s.patches(x, group, range, &mut patches);
                let a = Strided { start: patches.as_ptr(), rs: inner as isize, cs: 1, k: inner };
                // SAFETY: the patches are `m` rows of `inner`; `c` holds `m` rows.
                unsafe { multiply(level, one, a, panels, inner, s.group_out, m, c, s.out_channels, false, e) };
            }
        });
    }
}

/// The image gradient `dx` from the result gradient `dy` and filters `w`: a convolution with the filters turned around.
pub fn backward_input(
    level: Level,
    pool: &Pool,
    g: &ConvGeometry,
    dy: &[f32],
    w: &[f32],
    dx: &mut [f32],
    e: Epilogue<'_>,
) {
    let s = Shape::backward(g);
    let (group_in, group_out) = (g.in_channels / g.groups, g.out_channels / g.groups);
    let filters = pack_groups(level, &s, |group, out, nr| {
        let taps = g.filter_h * g.filter_w;
        let mut turned = vec![0.0f32; taps * group_out * group_in];
        for tap in 0..taps {
            for c in 0..group_in {
                let from = ((taps - 1 - tap) * group_in + c) * g.out_channels + group * group_out;
                for (o, &v) in w[from..from + group_out].iter().enumerate() {
                    turned[(tap * group_out + o) * group_in + c] = v;
                }
            }
        }
        pack_into(out, nr, &turned, 0, s.inner(), group_in, group_in as isize, 1);
    });
    let spread: Vec<f32>;
    let dy = if g.stride_h * g.stride_w == 1 {
        dy
    } else {
        spread = spread_apart(g, &s, dy);
        &spread
    };
    run(level, pool, &s, dy, &filters, dx, e);
}

/// Result gradients with zeros between them, as far apart as the strides.
fn spread_apart(g: &ConvGeometry, s: &Shape, dy: &[f32]) -> Vec<f32> {
    let mut out = vec![0.0; g.batch * s.in_h * s.in_w * g.out_channels];
    for (pixel, values) in dy.chunks_exact(g.out_channels.max(1)).enumerate() {
        let (w, rest) = (pixel % g.out_w, pixel / g.out_w);
        let (h, n) = (rest % g.out_h, rest / g.out_h);
        let at = ((n * s.in_h + h * g.stride_h) * s.in_w + w * g.stride_w) * g.out_channels;
        out[at..at + g.out_channels].copy_from_slice(values);
    }
    out
}

/// The filter gradient `dw` from images `x` and the result gradient `dy`: patches transposed times results.
pub fn backward_filter(level: Level, pool: &Pool, g: &ConvGeometry, x: &[f32], dy: &[f32], dw: &mut [f32]) {
    let s = Shape::forward(g);
    let (rows, inner, nr) = (s.rows(), s.inner(), panel_width(level));
    let size = inner * s.group_out;
    let parts = FILTER_PARTS.min(rows.div_ceil(PATCHES)).max(1);
    let part_rows = rows.div_ceil(parts);
    for group in 0..s.groups() {
        let mut sums = vec![0.0f32; parts * size];
        let shared = Shared(sums.as_mut_ptr());
        pool.parallel_for(parts, |part| {
            let mut patches = vec![0.0f32; PATCHES * inner];
            let mut panels = vec![0.0f32; s.group_out.div_ceil(nr) * PATCHES * nr];
            // SAFETY: each part has `size` sums of its own.
            let c = unsafe { shared.get().add(part * size) };
            let (begin, end) = (part * part_rows, ((part + 1) * part_rows).min(rows));
            let mut first = begin;
            while first < end {
                let k = PATCHES.min(end - first);
                let start = (first * s.out_channels + group * s.group_out) as isize;
                pack_into(
                    &mut panels[..s.group_out.div_ceil(nr) * k * nr],
                    nr,
                    dy,
                    start,
                    k,
                    s.group_out,
                    s.out_channels as isize,
                    1,
                );
                let a = if s.is_pointwise() {
                    let at = x.as_ptr().wrapping_add(first * s.in_channels + group * s.group_in);
                    Strided { start: at, rs: 1, cs: s.in_channels as isize, k }
                } else {
                    s.patches(x, group, first..first + k, &mut patches);
                    Strided { start: patches.as_ptr(), rs: 1, cs: inner as isize, k }
                };
                // SAFETY: rows of `a` are positions within a patch, its columns the `k` patches; `c` holds the sums.
                unsafe {
                    let e = Epilogue::NONE;
                    multiply(
                        level,
                        Pool::single(),
                        a,
                        &panels,
                        k,
                        s.group_out,
                        inner,
                        c,
                        s.group_out,
                        first > begin,
                        e,
                    );
                }
                first += k;
            }
        });
        for i in 0..inner {
            for o in 0..s.group_out {
                let at = i * s.group_out + o;
                let sum = (0..parts).filter(|p| p * part_rows < rows).map(|p| sums[p * size + at]).sum();
                dw[i * s.out_channels + group * s.group_out + o] = sum;
            }
        }
    }
}
