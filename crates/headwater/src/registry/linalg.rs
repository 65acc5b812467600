//! Linear algebra.

use headwater_core::ops::linalg;
use headwater_core::Result;

use super::{one, two, Arity, Attrs, Declared};

/// A tolerance of singular values; a negative number is the usual one.
fn tolerance(a: &Attrs<'_>) -> Result<Option<f32>> {
    let given = a.number(0)?;
    Ok(if given < 0.0 { None } else { Some(given as f32) })
}

pub(super) const OPERATIONS: &[Declared] = &[
    ("bandPart", Arity::Exactly(3), |_, x, _| one(linalg::band_part(&x[0], &x[1], &x[2]))),
    ("cholesky", Arity::Exactly(1), |_, x, _| one(linalg::cholesky(&x[0]))),
    ("det", Arity::Exactly(1), |_, x, _| one(linalg::det(&x[0]))),
    ("diagPart", Arity::Exactly(1), |_, x, _| one(linalg::diag_part(&x[0]))),
    ("eigh", Arity::Exactly(1), |_, x, _| two(linalg::eigh(&x[0]))),
    ("inv", Arity::Exactly(1), |_, x, _| one(linalg::inv(&x[0]))),
    ("lstsq", Arity::Exactly(2), |_, x, a| one(linalg::lstsq(&x[0], &x[1], tolerance(a)?))),
    ("matrixRank", Arity::Exactly(1), |_, x, a| one(linalg::matrix_rank(&x[0], tolerance(a)?))),
    ("pinv", Arity::Exactly(1), |_, x, a| one(linalg::pinv(&x[0], tolerance(a)?))),
    ("qr", Arity::Exactly(1), |_, x, a| two(linalg::qr(&x[0], a.flag(0)?))),
    ("slogdet", Arity::Exactly(1), |_, x, _| two(linalg::slogdet(&x[0]))),
    ("solve", Arity::Exactly(2), |_, x, _| one(linalg::solve(&x[0], &x[1]))),
    ("svd", Arity::Exactly(1), |_, x, _| linalg::svd(&x[0]).map(|(u, s, v)| vec![u, s, v])),
    ("trace", Arity::Exactly(1), |_, x, _| one(linalg::trace(&x[0]))),
    ("triangularSolve", Arity::Exactly(2), |_, x, a| {
        one(linalg::triangular_solve(&x[0], &x[1], a.flag(0)?, a.flag(1)?))
    }),
];
