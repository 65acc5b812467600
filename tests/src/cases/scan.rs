//! Cumulative operations and sorting.

use headwater_core::{ops, DType, Result, Tensor};

use super::{case, Case, Input};

pub(super) fn cases() -> Vec<Case> {
    let mut all = cumulative();
    all.extend(sorting());
    all.extend(moves());
    all
}

fn cumulative() -> Vec<Case> {
    type Scan = fn(&Tensor, isize, bool, bool) -> Result<Tensor>;
    let list: [(&str, Scan); 5] = [
        ("cumsum", ops::cumsum),
        ("cumprod", ops::cumprod),
        ("cummax", |x, axis, _, reverse| ops::cummax(x, axis, reverse)),
        ("cummin", |x, axis, _, reverse| ops::cummin(x, axis, reverse)),
        ("logCumsumExp", ops::log_cumsum_exp),
    ];
    let mut out = Vec::new();
    for (name, f) in list {
        for (axis, exclusive, reverse) in
            [(0, false, false), (1, true, false), (2, false, true), (-1, true, true), (-1, false, false)]
        {
            let name = format!("{name} {axis} exclusive={exclusive} reverse={reverse}");
            // The logarithm of nothing has no slope.
            let smooth = !(exclusive && name.starts_with("log"));
            let made = case(&name, vec![Input::f32(&[3, 4, 5])], move |x| f(&x[0], axis, exclusive, reverse));
            out.push(if smooth { made } else { made.rough() });
        }
        for (shape, axis) in [(&[2usize, 5000][..], 1), (&[300, 5], 0), (&[2, 70, 3], 1)] {
            // Products of many neither vanish nor overflow.
            let near = if name == "cumprod" { (0.99, 1.01) } else { (-1.0, 1.0) };
            let x = Input::f32(shape).within(near.0, near.1);
            let mut long =
                case(&format!("{name} long {shape:?}"), vec![x], move |x| ops::relu(&f(&x[0], axis, false, false)?));
            long.tolerance = 1e-4;
            out.push(long);
        }
        out.push(case(&format!("{name} of nothing"), vec![Input::f32(&[2, 0, 3])], move |x| f(&x[0], 1, true, false)));
        out.push(case(&format!("{name} of size 1"), vec![Input::f32(&[2, 1])], move |x| f(&x[0], 1, false, true)));
        let whole = Input { dtype: DType::I32, ..Input::f32(&[4, 90]) }.within(-9.0, 9.0);
        let exclusive = !name.starts_with("log");
        out.push(case(&format!("{name} int32"), vec![whole], move |x| f(&x[0], -1, exclusive, false)).rough());
    }
    let zeros = || vec![Input::f32(&[5, 8]).within(0.0, 3.0)];
    out.push(case("cumprod with zeros", zeros(), |x| {
        ops::cumprod(&ops::mul(&x[0], &zero_one(&x[0])?)?, 1, false, false)
    }));
    out.push(case("prod with zeros", zeros(), |x| ops::prod(&ops::mul(&x[0], &zero_one(&x[0])?)?, Some(&[1]), false)));
    out.push(case("cumsum of a cumsum of a bool", vec![Input::f32(&[4, 7])], |x| {
        let positive = ops::greater(&x[0], &x[0].constant(0.0))?;
        ops::cumsum(&ops::cumsum(&positive, 0, false, false)?, 1, true, true)
    }));
    out
}

fn sorting() -> Vec<Case> {
    let mut out = Vec::new();
    for descending in [false, true] {
        for axis in [0, 1, -1] {
            out.push(case(&format!("sort {axis} descending={descending}"), vec![Input::f32(&[3, 40, 5])], move |x| {
                ops::sort(&x[0], axis, descending)
            }));
        }
        for (shape, axis) in [(&[2usize, 5000][..], 1), (&[3, 33], 1), (&[70, 4], 0), (&[1], 0), (&[2, 0], 1)] {
            out.push(case(&format!("sort {shape:?} descending={descending}"), vec![Input::f32(shape)], move |x| {
                ops::sort(&x[0], axis, descending)
            }));
            let ties = vec![Input::index(shape, 9).within(-4.0, 5.0)];
            out.push(case(&format!("argsort of ties {shape:?} descending={descending}"), ties, move |x| {
                ops::mul(&ops::argsort(&x[0], axis, descending)?, &x[0])
            }));
        }
        let nan = vec![Input::f32(&[3, 50])];
        out.push(
            case(&format!("argsort of NaN descending={descending}"), nan, move |x| {
                ops::argsort(&ops::sqrt(&x[0])?, 1, descending)
            })
            .rough(),
        );
        let truth = vec![Input { dtype: DType::Bool, ..Input::f32(&[2, 45]) }];
        out.push(case(&format!("sort bool descending={descending}"), truth, move |x| ops::sort(&x[0], 1, descending)));
    }
    for k in [0, 1, 7, 300] {
        out.push(case(&format!("topk {k} of a long row"), vec![Input::f32(&[2, 300])], move |x| {
            Ok(ops::topk(&x[0], k)?.0)
        }));
        let ties = vec![Input::index(&[2, 300], 9)];
        out.push(case(&format!("topk {k} of ties"), ties, move |x| ops::square(&ops::topk(&x[0], k)?.1)));
    }
    out
}

fn moves() -> Vec<Case> {
    let x = || vec![Input::f32(&[3, 4, 5])];
    vec![
        case("roll", x(), |x| ops::roll(&x[0], &[1, -7], &[0, -1])),
        case("roll twice along one axis", x(), |x| ops::roll(&x[0], &[2, 1], &[1, 1])),
        case("roll of nothing", vec![Input::f32(&[0, 3])], |x| ops::roll(&x[0], &[2, 4], &[0, 1])),
        case("kron", vec![Input::f32(&[2, 3]), Input::f32(&[3, 1, 4])], |x| ops::kron(&x[0], &x[1])),
        case("kron of a scalar", vec![Input::f32(&[]), Input::f32(&[2, 2])], |x| ops::kron(&x[0], &x[1])),
        case("kron of nothing", vec![Input::f32(&[2, 0]), Input::f32(&[2, 2])], |x| ops::kron(&x[0], &x[1])),
    ]
}

/// Ones, but for a zero in some rows and two in others.
fn zero_one(x: &Tensor) -> Result<Tensor> {
    let device = x.device();
    let (row, column) = (device.iota(x.shape(), 0)?, device.iota(x.shape(), 1)?);
    let zero = ops::logical_or(&ops::equal(&row, &column)?, &ops::equal(&ops::mul(&row, &row)?, &column)?)?;
    ops::sub(&x.constant(1.0), &zero.cast(DType::F32)?)
}
