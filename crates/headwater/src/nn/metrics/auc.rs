//! The area under a curve through rates at thresholds.

use headwater_core::ops;

use super::args::Args;
use super::confusion::{false_negatives, precision, recall};
use headwater_core::calc::Term;

/// All thresholds but the last, and all but the first.
fn ends(x: Term<'_>) -> [Term<'_>; 2] {
    let count = x.shape().first().map_or(0, |n| n.saturating_sub(1));
    [x.part(0, 0, count), x.part(0, 1, count)]
}

/// Areas between thresholds of precision by recall, where true positives are interpolated (Davis & Goadrich 2006).
fn interpolated<'a>(s: &[Term<'a>]) -> Term<'a> {
    let [t0, t1] = ends(s[0]);
    let [p0, p1] = ends(s[0] + s[1]);
    let more = t0 - t1;
    let slope = more.over((p0 - p1).by(0.0, ops::maximum));
    let intercept = t1 - slope * p1;
    let both = p0.exceeds(0.0).and(p1.exceeds(0.0));
    let ratio = p0.over(p1).where_else(both, 1.0);
    (slope * (more + intercept * ratio.map(ops::log))).over(s[2])
}

/// Recall and precision as gains over a classifier that says always yes (Flach & Kull 2015).
fn gains<'a>(s: &[Term<'a>]) -> [Term<'a>; 2] {
    let some = s[0].by(0.0, ops::not_equal);
    let gain = |wrong: Term<'a>, none: f64| (1.0 - s[2].over(s[3]) * wrong.over(s[0])).where_else(some, none);
    [gain(false_negatives(s), 0.0).by(0.0, ops::maximum), gain(s[1], 1.0)]
}

/// The area; of several labels their mean.
pub(super) fn area<'a>(a: &Args, s: &[Term<'a>]) -> Term<'a> {
    let (curve, method) = (a.word("curve"), a.word("summation_method"));
    let parts = if curve == "PR" && method == "interpolation" {
        interpolated(s)
    } else {
        let [x, y] = match curve {
            "ROC" => [s[1].over(s[3]), recall(s)],
            "PR" => [recall(s), precision(s)],
            _ => gains(s),
        };
        let ([x0, x1], [y0, y1]) = (ends(x), ends(y));
        let height = match method {
            "interpolation" => (y0 + y1) * 0.5,
            "minoring" => y0.with(y1, ops::minimum),
            _ => y0.with(y1, ops::maximum),
        };
        (x0 - x1) * height
    };
    let areas = parts.sum(&[0], false);
    match a.list("label_weights").filter(|_| a.flag("multi_label")) {
        None => areas.mean(),
        Some(list) => {
            let weights = areas.vector(&list);
            (areas * weights).total().over(weights.total())
        }
    }
}
