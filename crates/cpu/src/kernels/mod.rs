//! Kernels over slices.

pub mod conv;
pub mod depthwise;
pub mod gemm;
pub mod images;
#[cfg(feature = "linalg")]
pub mod linalg;
pub mod scan;
#[cfg(feature = "sort")]
pub mod sort;

use crate::threads::Pool;
use gemm::{Epilogue, Multiply, Rows, Strided};
use headwater_lanes::simd::{dispatch, Level};

/// A pointer that several threads write through, to places that do not overlap.
#[derive(Clone, Copy)]
pub struct Shared<T>(pub *mut T);

// SAFETY: whoever uses the pointer on several threads sees to it that they write different elements.
unsafe impl<T> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Shared<T> {}

impl<T> Shared<T> {
    /// The pointer; a method, so that closures capture the wrapper and not the bare pointer.
    pub fn get(self) -> *mut T {
        self.0
    }
}

/// Multiplications below which a product runs on one thread: sharing it out would take longer.
const PARALLEL_WORK: usize = 1 << 18;

/// Rows of C of A times packed B, over the threads of `pool`.
///
/// # Safety
/// `a` can be read in all `m` rows; `c` points to `m` rows of `ldc >= n` elements.
#[allow(clippy::too_many_arguments)] // the operands of a product
pub(crate) unsafe fn multiply<R: Rows>(
    level: Level,
    pool: &Pool,
    a: R,
    b: &[f32],
    k: usize,
    n: usize,
    m: usize,
    c: *mut f32,
    ldc: usize,
    accumulate: bool,
    epilogue: Epilogue<'_>,
) {
    let c = Shared(c);
    let rows = |rows: std::ops::Range<usize>| {
        dispatch(level, Multiply { a, b, k, n, rows, c: c.get(), ldc, accumulate, epilogue });
    };
    let parts = if m * n * k < PARALLEL_WORK { 1 } else { pool.threads() * 4 };
    // Whole tiles to a part, so that only the last has a ragged edge.
    let chunk = m.div_ceil(parts).next_multiple_of(gemm::MR);
    pool.parallel_for(m.div_ceil(chunk.max(1)), |i| rows(i * chunk..((i + 1) * chunk).min(m)));
}

/// A matrix by its strides, for [`multiply_strided`].
#[derive(Clone, Copy)]
pub struct Matrix<'a> {
    /// The elements.
    pub data: &'a [f32],
    /// The first element's position.
    pub start: usize,
    /// The distance between rows.
    pub rs: isize,
    /// The distance between columns.
    pub cs: isize,
}

/// `c[m, n] = epilogue(a[m, k] * b[k, n])`, all of `c` row-major.
#[allow(clippy::too_many_arguments)] // the operands of a product
pub fn multiply_strided(
    level: Level,
    pool: &Pool,
    a: Matrix<'_>,
    b: &gemm::Packed,
    m: usize,
    c: &mut [f32],
    epilogue: Epilogue<'_>,
) {
    debug_assert!(c.len() >= m * b.n);
    if m == 0 || b.n == 0 {
        return;
    }
    // A row of the left operand would be read column by column: rather copy it once.
    let copied: Vec<f32>;
    let (data, rs, cs, start) = if a.cs != 1 && b.n > 64 && b.k > 0 {
        copied = row_major(a, m, b.k);
        (&copied[..], b.k as isize, 1, 0)
    } else {
        (a.data, a.rs, a.cs, a.start)
    };
    let a = Strided { start: data.as_ptr().wrapping_add(start), rs, cs, k: b.k };
    // SAFETY: the strides address elements of `data` for every row and column, and `c` holds the result.
    unsafe { multiply(level, pool, a, &b.data, b.k, b.n, m, c.as_mut_ptr(), b.n, false, epilogue) }
}

/// A copy of a strided matrix, row-major, made in blocks so that both sides stay in the cache.
fn row_major(a: Matrix<'_>, m: usize, k: usize) -> Vec<f32> {
    const BLOCK: usize = 16;
    let mut out = vec![0.0; m * k];
    for i0 in (0..m).step_by(BLOCK) {
        for j0 in (0..k).step_by(BLOCK) {
            for i in i0..(i0 + BLOCK).min(m) {
                for j in j0..(j0 + BLOCK).min(k) {
                    out[i * k + j] = a.data[(a.start as isize + i as isize * a.rs + j as isize * a.cs) as usize];
                }
            }
        }
    }
    out
}
