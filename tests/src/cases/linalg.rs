//! Linear algebra: decompositions, and what they are to give back; systems; gradients, also of gradients.

use headwater_core::ops::{self, linalg};
use headwater_core::{Result, Tensor};

use super::{case, Case, Input};

/// Shapes of square matrices: empty, single, batches.
const SQUARE: [&[usize]; 6] = [&[4, 4], &[2, 3, 5, 5], &[1, 1], &[3, 0, 0], &[0, 2, 2], &[9, 9]];
/// Shapes of others: tall, wide, single rows and columns, empty.
const ANY: [&[usize]; 8] = [&[3, 3], &[2, 5, 3], &[3, 5], &[4, 1], &[1, 4], &[2, 0, 3], &[2, 3, 0], &[0, 2, 3]];

fn identity(x: &Tensor) -> Result<Tensor> {
    let zero = x.device().scalar(headwater_core::Scalar::I32(0));
    linalg::band_part(&x.ones_like()?, &zero, &zero)
}

/// A well-conditioned matrix of random elements.
fn regular(x: &Tensor) -> Result<Tensor> {
    ops::add(x, &ops::mul(&identity(x)?, &x.constant(3.0))?)
}

/// A positive definite one.
fn definite(x: &Tensor) -> Result<Tensor> {
    ops::add(&ops::matmul(x, x, false, true)?, &identity(x)?)
}

/// `x diag(d)`.
fn scaled(x: &Tensor, d: &Tensor) -> Result<Tensor> {
    ops::mul(x, &ops::expand_dims(d, -2)?)
}

/// The gradient of the sum of a function's squares, as a function: its gradient is one of second order.
fn gradient(x: &Tensor, f: impl FnOnce() -> Result<Tensor>) -> Result<Tensor> {
    let objective = || ops::sum(&ops::square(&f()?)?, None, false);
    Ok(x.device().value_and_grads(&[x], objective)?.1.swap_remove(0))
}

/// With the tolerance of what divides by differences of close numbers.
fn loose(case: Case) -> Case {
    Case { tolerance: 2e-3, ..case }
}

fn systems() -> Vec<Case> {
    let mut out = Vec::new();
    for shape in SQUARE {
        let one = || vec![Input::f32(shape)];
        let named = |name: &str| format!("{name} {shape:?}");
        out.push(case(&named("cholesky"), one(), |x| linalg::cholesky(&definite(&x[0])?)));
        out.push(case(&named("cholesky again"), one(), |x| {
            let l = linalg::cholesky(&definite(&x[0])?)?;
            ops::sub(&ops::matmul(&l, &l, false, true)?, &definite(&x[0])?)
        }));
        out.push(case(&named("inv"), one(), |x| linalg::inv(&regular(&x[0])?)));
        out.push(case(&named("det"), one(), |x| linalg::det(&regular(&ops::mul(&x[0], &x[0].constant(0.5))?)?)));
        out.push(case(&named("slogdet"), one(), |x| Ok(linalg::slogdet(&x[0])?.1)));
        out.push(case(&named("slogdet sign"), one(), |x| Ok(linalg::slogdet(&x[0])?.0)));
        out.push(case(&named("solve"), vec![Input::f32(shape), Input::f32(&shape[shape.len() - 2..])], |x| {
            linalg::solve(&regular(&x[0])?, &x[1])
        }));
        for (lower, adjoint) in [(true, false), (true, true), (false, false), (false, true)] {
            let name = named(&format!("triangular_solve lower {lower} adjoint {adjoint}"));
            out.push(case(&name, vec![Input::f32(shape), Input::f32(shape)], move |x| {
                linalg::triangular_solve(&regular(&x[0])?, &x[1], lower, adjoint)
            }));
        }
    }
    out.push(case("triangular_solve of itself", vec![Input::f32(&[4, 4])], |x| {
        let a = regular(&x[0])?;
        linalg::triangular_solve(&a, &a, false, false)
    }));
    out.push(case("solve a vector", vec![Input::f32(&[2, 4, 4]), Input::f32(&[4])], |x| {
        linalg::solve(&regular(&x[0])?, &x[1])
    }));
    out.push(case("solve with pivots", vec![Input::f32(&[20, 3, 3]), Input::f32(&[20, 3, 2])], |x| {
        // Cyclic shifts of a regular matrix: no diagonal to divide by.
        let (top, rest) = (ops::slice(&x[0], &[0, 0, 0], &[20, 1, 3])?, ops::slice(&x[0], &[0, 1, 0], &[20, 2, 3])?);
        let a = regular(&ops::concat(&[&rest, &top], 1)?)?;
        let (top, rest) = (ops::slice(&a, &[0, 0, 0], &[20, 1, 3])?, ops::slice(&a, &[0, 1, 0], &[20, 2, 3])?);
        linalg::solve(&ops::concat(&[&rest, &top], 1)?, &x[1])
    }));
    out.push(case("inv twice differentiated", vec![Input::f32(&[3, 3])], |x| {
        gradient(&x[0], || linalg::inv(&regular(&x[0])?))
    }));
    out.push(case("cholesky twice differentiated", vec![Input::f32(&[3, 3])], |x| {
        gradient(&x[0], || linalg::cholesky(&definite(&x[0])?))
    }));
    out.push(case("slogdet twice differentiated", vec![Input::f32(&[2, 3, 3])], |x| {
        gradient(&x[0], || Ok(linalg::slogdet(&regular(&x[0])?)?.1))
    }));
    // Not positive definite, singular: what has no answer is not finite, and the other matrices of the batch have theirs.
    out.push(case("cholesky of none", vec![Input::f32(&[3, 2, 2])], |x| linalg::cholesky(&x[0])).rough());
    out.push(case("det of singular", vec![Input::f32(&[3, 2, 2])], |x| linalg::det(&x[0].zeros_like()?)).rough());
    out.push(
        case("slogdet of singular", vec![Input::f32(&[2, 2])], |x| Ok(linalg::slogdet(&x[0].zeros_like()?)?.1)).rough(),
    );
    // Quotients of quotients: more roundings than one operation has.
    out.into_iter().map(|case| Case { tolerance: 1e-4, ..case }).collect()
}

fn orthogonal() -> Vec<Case> {
    let mut out = Vec::new();
    for shape in ANY {
        let one = || vec![Input::f32(shape)];
        let named = |name: &str| format!("{name} {shape:?}");
        out.push(loose(case(&named("qr q"), one(), |x| Ok(linalg::qr(&x[0], false)?.0))));
        out.push(loose(case(&named("qr r"), one(), |x| Ok(linalg::qr(&x[0], false)?.1))));
        out.push(case(&named("qr full q"), one(), |x| Ok(linalg::qr(&x[0], true)?.0)).rough());
        out.push(case(&named("qr full r"), one(), |x| Ok(linalg::qr(&x[0], true)?.1)).rough());
        out.push(
            case(&named("qr again"), one(), |x| {
                let (q, r) = linalg::qr(&x[0], true)?;
                ops::sub(&ops::matmul(&q, &r, false, false)?, &x[0])
            })
            .rough(),
        );
        out.push(loose(case(&named("svd u"), one(), |x| Ok(linalg::svd(&x[0])?.0))));
        out.push(loose(case(&named("svd s"), one(), |x| Ok(linalg::svd(&x[0])?.1))));
        out.push(loose(case(&named("svd v"), one(), |x| Ok(linalg::svd(&x[0])?.2))));
        out.push(
            case(&named("svd again"), one(), |x| {
                let (u, s, v) = linalg::svd(&x[0])?;
                ops::sub(&ops::matmul(&scaled(&u, &s)?, &v, false, true)?, &x[0])
            })
            .rough(),
        );
        out.push(loose(case(&named("pinv"), one(), |x| linalg::pinv(&x[0], None))));
        let right = &shape[..shape.len() - 1];
        let right: Vec<usize> = right.iter().copied().chain([2]).collect();
        out.push(loose(case(&named("lstsq"), vec![Input::f32(shape), Input::f32(&right)], |x| {
            linalg::lstsq(&x[0], &x[1], None)
        })));
        out.push(case(&named("matrix_rank"), one(), |x| linalg::matrix_rank(&x[0], None)).rough());
    }
    for shape in SQUARE {
        let one = || vec![Input::f32(shape)];
        let named = |name: &str| format!("{name} {shape:?}");
        out.push(loose(case(&named("eigh w"), one(), |x| Ok(linalg::eigh(&x[0])?.0))));
        out.push(loose(case(&named("eigh v"), one(), |x| Ok(linalg::eigh(&x[0])?.1))));
        out.push(loose(case(&named("eigh again"), one(), |x| {
            let (w, v) = linalg::eigh(&x[0])?;
            ops::matmul(&scaled(&v, &w)?, &v, false, true)
        })));
    }
    out.push(loose(case("svd s twice differentiated", vec![Input::f32(&[4, 3])], |x| {
        gradient(&x[0], || ops::exp(&linalg::svd(&x[0])?.1))
    })));
    out.push(loose(case("eigh w twice differentiated", vec![Input::f32(&[3, 3])], |x| {
        gradient(&x[0], || ops::exp(&linalg::eigh(&x[0])?.0))
    })));
    out.push(loose(case("qr r twice differentiated", vec![Input::f32(&[4, 3])], |x| {
        gradient(&x[0], || ops::exp(&linalg::qr(&x[0], false)?.1))
    })));
    // Large enough for many passes of rotations.
    let many = || vec![Input::f32(&[2, 40, 25])];
    let square = |x: &Tensor| ops::matmul(x, x, false, true);
    out.push(loose(case("svd s of many", many(), |x| Ok(linalg::svd(&x[0])?.1)).rough()));
    out.push(loose(case("svd u of many", many(), |x| Ok(linalg::svd(&x[0])?.0)).rough()));
    out.push(loose(case("qr r of many", many(), |x| Ok(linalg::qr(&x[0], false)?.1)).rough()));
    out.push(loose(case("eigh w of many", many(), move |x| Ok(linalg::eigh(&square(&x[0])?)?.0)).rough()));
    out.push(loose(
        case("eigh of many again", many(), move |x| {
            // Of rank 25: the null space has 15 dimensions, in any basis.
            let (w, v) = linalg::eigh(&square(&x[0])?)?;
            ops::matmul(&scaled(&v, &w)?, &v, false, true)
        })
        .rough(),
    ));
    out.push(loose(case("solve many", many(), move |x| {
        linalg::solve(&ops::add(&square(&x[0])?, &identity(&square(&x[0])?)?)?, &x[0])
    })));
    // Of rank 1: a null space that every decomposition has to fill, and gradients along what there is.
    let one = || vec![Input::f32(&[4, 1]), Input::f32(&[1, 3])];
    let rank1 = |x: &[Tensor]| ops::mul(&x[0], &x[1]);
    out.push(loose(case("nuclear norm of rank 1", one(), move |x| {
        let s = linalg::svd(&rank1(x)?)?.1;
        ops::sum(&ops::slice(&s, &[0], &[1])?, None, false)
    })));
    out.push(
        case("svd u of rank 1", one(), move |x| {
            let (u, _, _) = linalg::svd(&rank1(x)?)?;
            ops::matmul(&u, &u, true, false)
        })
        .rough(),
    );
    out.push(loose(case("pinv of rank 1", one(), move |x| linalg::pinv(&rank1(x)?, None))));
    out.push(case("svd of zeros", vec![Input::f32(&[3, 2])], |x| Ok(linalg::svd(&x[0].zeros_like()?)?.0)).rough());
    out.push(case("eigh of equal values", vec![Input::f32(&[3, 3])], |x| {
        let small = ops::mul(&x[0], &x[0].constant(0.0))?;
        ops::sum(&linalg::eigh(&ops::add(&small, &identity(&x[0])?)?)?.0, None, false)
    }));
    // log(0) is not finite.
    for (name, f) in [
        ("svd of infinities", (|x| Ok(linalg::svd(x)?.2)) as fn(&Tensor) -> Result<Tensor>),
        ("eigh of infinities", |x| Ok(linalg::eigh(x)?.1)),
    ] {
        out.push(case(name, vec![Input::f32(&[2, 2])], move |x| f(&ops::log(&x[0].zeros_like()?)?)).rough());
    }
    out
}

fn parts() -> Vec<Case> {
    let mut out = Vec::new();
    for shape in ANY {
        let named = |name: &str| format!("{name} {shape:?}");
        out.push(case(&named("diag_part"), vec![Input::f32(shape)], |x| linalg::diag_part(&x[0])));
        out.push(case(&named("trace"), vec![Input::f32(shape)], |x| linalg::trace(&x[0])));
        for (low, high) in [(0, 0), (1, 0), (-1, 1), (2, -1), (-1, -1)] {
            out.push(case(&named(&format!("band_part {low} {high}")), vec![Input::f32(shape)], move |x| {
                let count = |c: i32| x[0].device().scalar(headwater_core::Scalar::I32(c));
                linalg::band_part(&x[0], &count(low), &count(high))
            }));
        }
    }
    out
}

/// Every case of the family.
pub fn linalg() -> Vec<Case> {
    let mut all = systems();
    all.extend(orthogonal());
    all.extend(parts());
    all
}
