//! Matrix products on register tiles.
//!
//! The right operand is packed into panels of `NR` columns. The left is read where it lies, through one pointer per row
//! of the tile and *segment* of the inner dimension: a plain matrix has one segment, a convolution one per filter tap
//! (the indirection of XNNPACK: Dukhan 2019, "The Indirect Convolution Algorithm"). The epilogue runs on the tile.

use headwater_lanes::simd::{dispatch, Kernel, Level, Scalar, Simd};
use headwater_lanes::unrolled;

/// Rows of a register tile.
pub const MR: usize = 6;
/// Vectors across a register tile.
const NV: usize = 2;
/// Steps along the inner dimension between moves of the pointers. With a multiply-add of its own (relaxed SIMD), V8 runs out of
/// vector registers where there are several, which takes a seventh of the time; without, several take a third less than one.
const UNROLL: usize = if cfg!(all(target_arch = "wasm32", not(target_feature = "relaxed-simd"))) { 4 } else { 1 };
/// Elements of the inner dimension accumulated before a tile is stored.
pub const KC: usize = 512;

/// What is done to a finished tile: `clamp(tile + bias + residual, lo, hi)`.
#[derive(Clone, Copy)]
pub struct Epilogue<'a> {
    /// One addend per column.
    pub bias: Option<&'a [f32]>,
    /// An addend of the result's shape and row stride.
    pub residual: Option<&'a [f32]>,
    /// The lowest value.
    pub lo: f32,
    /// The highest value.
    pub hi: f32,
}

impl Epilogue<'_> {
    /// Nothing is done.
    pub const NONE: Epilogue<'static> =
        Epilogue { bias: None, residual: None, lo: f32::NEG_INFINITY, hi: f32::INFINITY };

    fn clamps(&self) -> bool {
        self.lo != f32::NEG_INFINITY || self.hi != f32::INFINITY
    }
}

/// Columns of a panel at a level.
pub fn panel_width(level: Level) -> usize {
    struct Width;
    impl Kernel for Width {
        type Output = usize;
        #[inline(always)]
        unsafe fn run<S: Simd>(self) -> usize {
            NV * S::LANES
        }
    }
    dispatch(level, Width)
}

/// A right operand in panels: `[panel][k][NR]`, zeros beyond the last column.
pub struct Packed {
    /// The elements.
    pub data: Vec<f32>,
    /// Rows.
    pub k: usize,
    /// Columns.
    pub n: usize,
    /// Columns of a panel.
    pub nr: usize,
}

/// Packs `k` x `n` elements `b[start + row * rs + column * cs]`. The strides of a reversed matrix are negative.
pub fn pack(level: Level, b: &[f32], start: isize, k: usize, n: usize, rs: isize, cs: isize) -> Packed {
    let nr = panel_width(level);
    let mut data = vec![0.0; n.div_ceil(nr) * k * nr];
    pack_into(&mut data, nr, b, start, k, n, rs, cs);
    Packed { data, k, n, nr }
}

/// As [`pack`], into panels that are there already.
#[allow(clippy::too_many_arguments)] // a matrix and its strides
pub fn pack_into(data: &mut [f32], nr: usize, b: &[f32], start: isize, k: usize, n: usize, rs: isize, cs: isize) {
    for (p, panel) in data.chunks_exact_mut((k * nr).max(1)).enumerate() {
        let columns = nr.min(n - (p * nr).min(n));
        for (row, out) in panel.chunks_exact_mut(nr).enumerate() {
            let base = start + row as isize * rs + (p * nr) as isize * cs;
            if cs == 1 {
                let base = base as usize;
                out[..columns].copy_from_slice(&b[base..base + columns]);
            } else {
                for (j, slot) in out[..columns].iter_mut().enumerate() {
                    *slot = b[(base + j as isize * cs) as usize];
                }
            }
            out[columns..].fill(0.0);
        }
    }
}

/// The left operand: rows of segments.
pub trait Rows: Copy + Send + Sync {
    /// Segments of the inner dimension.
    fn segments(&self) -> usize;
    /// Elements of a segment and the distance between them.
    fn segment(&self) -> (usize, isize);
    /// Where segment `s` of row `row` begins.
    ///
    /// # Safety
    /// The row and the segment exist.
    unsafe fn pointer(&self, row: usize, s: usize) -> *const f32;
}

/// A matrix with strides.
#[derive(Clone, Copy)]
pub struct Strided {
    /// The first element.
    pub start: *const f32,
    /// The distance between rows.
    pub rs: isize,
    /// The distance between columns.
    pub cs: isize,
    /// Columns.
    pub k: usize,
}

// SAFETY: the pointer is only read, and lives as long as the call that the matrix is passed to.
unsafe impl Send for Strided {}
// SAFETY: as above.
unsafe impl Sync for Strided {}

impl Rows for Strided {
    fn segments(&self) -> usize {
        1
    }
    fn segment(&self) -> (usize, isize) {
        (self.k, self.cs)
    }
    #[inline(always)]
    unsafe fn pointer(&self, row: usize, _s: usize) -> *const f32 {
        self.start.offset(row as isize * self.rs)
    }
}

/// Rows `rows` of C (row stride `ldc`) from rows of A and a packed B.
pub struct Multiply<'a, R> {
    /// The left operand.
    pub a: R,
    /// The right operand's panels: `[panel][k][nr]`.
    pub b: &'a [f32],
    /// Rows of B in all, the panels' stride.
    pub k: usize,
    /// Columns.
    pub n: usize,
    /// The rows to compute.
    pub rows: std::ops::Range<usize>,
    /// The result's first element.
    pub c: *mut f32,
    /// The distance between the result's rows.
    pub ldc: usize,
    /// Whether to add to what C holds.
    pub accumulate: bool,
    /// What is done to finished tiles.
    pub epilogue: Epilogue<'a>,
}

impl<R: Rows> Kernel for Multiply<'_, R> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let nr = NV * S::LANES;
        let panels = self.n.div_ceil(nr);
        let (segment, _) = self.a.segment();
        // One segment may be longer than the cache holds; several are short and are not split.
        let blocks = if self.a.segments() == 1 { segment.div_ceil(KC).max(1) } else { 1 };
        // Rows whose A block stays in the second-level cache while panels pass over it.
        let step = 16 * MR;
        let mut first = self.rows.start;
        while first < self.rows.end {
            let last = (first + step).min(self.rows.end);
            for block in 0..blocks {
                let from = block * KC;
                let (len, skip) = if blocks == 1 { (segment, 0) } else { (KC.min(segment - from), from) };
                let done = block + 1 == blocks;
                for p in 0..panels {
                    let panel = self.b.as_ptr().add((p * self.k + skip) * nr);
                    let mut row = first;
                    while row < last {
                        let left = last - row;
                        // Three heights of tiles: each is a few kilobytes of code on the web.
                        let count = if left >= MR { MR } else { left.min(2) };
                        let columns = nr.min(self.n - p * nr);
                        let load = self.accumulate || block > 0;
                        let tile = Tile { row, p, count, columns, len, skip, load, done };
                        match count {
                            1 => self.tile::<S, 1>(panel, tile),
                            2 => self.tile::<S, 2>(panel, tile),
                            _ => self.tile::<S, MR>(panel, tile),
                        }
                        row += count;
                    }
                }
            }
            first = last;
        }
    }
}

/// One register tile's place.
#[derive(Clone, Copy)]
struct Tile {
    row: usize,
    p: usize,
    count: usize,
    columns: usize,
    len: usize,
    skip: usize,
    load: bool,
    done: bool,
}

impl<R: Rows> Multiply<'_, R> {
    /// # Safety
    /// The tile's rows and columns exist, `panel` holds its columns, and the processor has `S`.
    #[inline(always)]
    unsafe fn tile<S: Simd, const M: usize>(&self, panel: *const f32, tile: Tile) {
        let nr = NV * S::LANES;
        let column = tile.p * nr;
        let mut acc = [[S::splat(0.0); NV]; M];
        let (_, cs) = self.a.segment();
        let mut b = panel;
        for s in 0..self.a.segments() {
            let mut a = [std::ptr::null::<f32>(); M];
            unrolled!(i < M => { a[i] = self.a.pointer(tile.row + i, s).offset(tile.skip as isize * cs); });
            let mut left = tile.len;
            if UNROLL > 1 && cs == 1 && M == MR {
                // The distances become constants of the loads. In whole tiles only: the others are rare, and code is downloaded.
                while left >= UNROLL {
                    unrolled!(u < UNROLL => { Self::step::<S, M>(&mut acc, &a, u as isize * 4, b.add(u * nr)); });
                    unrolled!(i < M => { a[i] = a[i].add(UNROLL); });
                    b = b.add(UNROLL * nr);
                    left -= UNROLL;
                }
            }
            let mut at = 0;
            for _ in 0..left {
                Self::step::<S, M>(&mut acc, &a, at, b);
                at += cs * std::mem::size_of::<f32>() as isize;
                b = b.add(nr);
            }
        }
        if tile.columns == nr {
            let first = tile.row * self.ldc + column;
            let at = |i: usize, j: usize| first + i * self.ldc + j * S::LANES;
            if tile.load {
                Self::each(&mut acc, |v, i, j| S::add(v, S::load(self.c.add(at(i, j)))));
            }
            if tile.done {
                if let Some(bias) = self.epilogue.bias {
                    let bias = bias.as_ptr().add(column);
                    let bias = [S::load(bias), S::load(bias.add(S::LANES))];
                    Self::each(&mut acc, |v, _, j| S::add(v, bias[j]));
                }
                if let Some(residual) = self.epilogue.residual {
                    Self::each(&mut acc, |v, i, j| S::add(v, S::load(residual.as_ptr().add(at(i, j)))));
                }
                if self.epilogue.clamps() {
                    let (lo, hi) = (S::splat(self.epilogue.lo), S::splat(self.epilogue.hi));
                    Self::each(&mut acc, |v, _, _| S::clamp(v, lo, hi));
                }
            }
            unrolled!(i < M => {
                S::store(self.c.add(at(i, 0)), acc[i][0]);
                S::store(self.c.add(at(i, 1)), acc[i][1]);
            });
        } else {
            // The last columns: through a buffer, element by element.
            let mut buffer = [[0.0f32; 16]; M];
            unrolled!(i < M => {
                S::store(buffer[i].as_mut_ptr(), acc[i][0]);
                S::store(buffer[i].as_mut_ptr().add(S::LANES), acc[i][1]);
            });
            for (i, row) in buffer.iter().enumerate() {
                let at = (tile.row + i) * self.ldc + column;
                for (j, &v) in row[..tile.columns].iter().enumerate() {
                    let c = self.c.add(at + j);
                    let v = if tile.load { v + *c } else { v };
                    *c = if tile.done { self.finish(v, at + j, column + j) } else { v };
                }
            }
        }
        debug_assert_eq!(tile.count, M);
    }

    /// One step along the inner dimension: a column of A, `offset` bytes behind the pointers, times a row of B.
    ///
    /// # Safety
    /// The pointers have the element, `b` a panel's row, and the processor has `S`.
    #[inline(always)]
    unsafe fn step<S: Simd, const M: usize>(
        acc: &mut [[S::V; NV]; M],
        a: &[*const f32; M],
        offset: isize,
        b: *const f32,
    ) {
        let (left, right) = (S::load(b), S::load(b.add(S::LANES)));
        unrolled!(i < M => {
            let x = S::splat(*a[i].byte_offset(offset));
            acc[i] = [S::mul_add(x, left, acc[i][0]), S::mul_add(x, right, acc[i][1])];
        });
    }

    /// Replaces every vector `v` of row `i`, column vector `j` of a tile by `f(v, i, j)`.
    #[inline(always)]
    fn each<V: Copy, const M: usize>(acc: &mut [[V; NV]; M], mut f: impl FnMut(V, usize, usize) -> V) {
        unrolled!(i < M => { acc[i] = [f(acc[i][0], i, 0), f(acc[i][1], i, 1)]; });
    }

    /// The end of one element.
    ///
    /// # Safety
    /// Element `at` exists.
    #[inline(always)]
    unsafe fn finish(&self, v: f32, at: usize, column: usize) -> f32 {
        let e = &self.epilogue;
        let v = e.bias.map_or(v, |bias| v + bias[column]);
        let v = e.residual.map_or(v, |residual| v + *residual.as_ptr().add(at));
        Scalar::clamp(v, e.lo, e.hi)
    }
}
