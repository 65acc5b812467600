//! The area under a curve through rates at thresholds.

use headwater_core::ops::{
    add, div_no_nan, equal, greater, log, logical_and, maximum, mean, minimum, mul, real_div, select, slice, sub, sum,
};
use headwater_core::{HostSlice, Result, Tensor};

use super::args::Args;
use super::confusion::{negatives, precision, recall};

/// All thresholds but the last, and all but the first.
fn ends(x: &Tensor) -> Result<[Tensor; 2]> {
    let mut size = x.shape().to_vec();
    size[0] -= 1;
    let mut begin = vec![0; size.len()];
    let first = slice(x, &begin, &size)?;
    begin[0] = 1;
    Ok([first, slice(x, &begin, &size)?])
}

/// Areas between thresholds of precision by recall, where true positives are interpolated (Davis & Goadrich 2006).
fn interpolated(s: &[Tensor]) -> Result<Tensor> {
    let zero = s[0].constant(0.0);
    let [t0, t1] = ends(&s[0])?;
    let [p0, p1] = ends(&add(&s[0], &s[1])?)?;
    let more = sub(&t0, &t1)?;
    let slope = div_no_nan(&more, &maximum(&sub(&p0, &p1)?, &zero)?)?;
    let intercept = sub(&t1, &mul(&slope, &p1)?)?;
    let both = logical_and(&greater(&p0, &zero)?, &greater(&p1, &zero)?)?;
    let ratio = select(&both, &div_no_nan(&p0, &p1)?, &zero.constant(1.0))?;
    div_no_nan(&mul(&slope, &add(&more, &mul(&intercept, &log(&ratio)?)?)?)?, &s[2])
}

/// Precision and recall as gains over a classifier that says always yes (Flach & Kull 2015).
fn gains(s: &[Tensor]) -> Result<[Tensor; 2]> {
    let (zero, one) = (s[0].constant(0.0), s[0].constant(1.0));
    let scale = div_no_nan(&s[2], &s[3])?;
    let none = equal(&s[0], &zero)?;
    let gain = |wrong: &Tensor, otherwise: &Tensor| {
        let gain = sub(&one, &mul(&scale, &div_no_nan(wrong, &s[0])?)?)?;
        select(&none, otherwise, &gain)
    };
    Ok([maximum(&gain(&negatives(s)?.1, &zero)?, &zero)?, gain(&s[1], &one)?])
}

/// The area; of several labels their mean.
pub(super) fn area(a: &Args, s: &[Tensor]) -> Result<Tensor> {
    let (curve, method) = (a.word("curve"), a.word("summation_method"));
    let parts = if curve == "PR" && method == "interpolation" {
        interpolated(s)?
    } else {
        let [x, y] = match curve {
            "ROC" => [div_no_nan(&s[1], &s[3])?, recall(s)?],
            "PR" => [recall(s)?, precision(s)?],
            _ => gains(s)?,
        };
        let ([x0, x1], [y0, y1]) = (ends(&x)?, ends(&y)?);
        let height = match method {
            "interpolation" => real_div(&add(&y0, &y1)?, &y.constant(2.0))?,
            "minoring" => minimum(&y0, &y1)?,
            _ => maximum(&y0, &y1)?,
        };
        mul(&sub(&x0, &x1)?, &height)?
    };
    let areas = sum(&parts, Some(&[0]), false)?;
    match a.list("label_weights").filter(|_| a.flag("multi_label")) {
        None => mean(&areas, None, false),
        Some(list) => {
            let list: Vec<f32> = list.iter().map(|&w| w as f32).collect();
            let weights = areas.device().tensor(HostSlice::F32(&list), [list.len()])?;
            div_no_nan(&sum(&mul(&areas, &weights)?, None, false)?, &sum(&weights, None, false)?)
        }
    }
}
