//! The rows. Adding an op here is all it takes: see CONTRIBUTING.

#[cfg(any(test, feature = "reference"))]
use super::Check;
use super::{Expression, Gradient, Row, TypeRule};
use crate::dtype::DType;
use crate::error::Result;
use crate::scalar::Ex;
use crate::tensor::Tensor;

/// Declares rows, and for each a free function and a chained method.
macro_rules! pointwise {
    (@expr 1, $f:expr) => { Expression::One($f) };
    (@expr 2, $f:expr) => { Expression::Two($f) };
    (@expr 3, $f:expr) => { Expression::Three($f) };
    (@fn 1, $(#[$doc:meta])* $id:ident $name:literal) => {
        $(#[$doc])*
        pub fn $id(x: &Tensor) -> Result<Tensor> { crate::ops::pointwise($name, &[x]) }
        impl Tensor { $(#[$doc])* pub fn $id(&self) -> Result<Tensor> { $id(self) } }
    };
    (@fn 2, $(#[$doc:meta])* $id:ident $name:literal) => {
        $(#[$doc])*
        pub fn $id(a: &Tensor, b: &Tensor) -> Result<Tensor> { crate::ops::pointwise($name, &[a, b]) }
        impl Tensor { $(#[$doc])* pub fn $id(&self, b: &Tensor) -> Result<Tensor> { $id(self, b) } }
    };
    (@fn 3, $(#[$doc:meta])* $id:ident $name:literal) => {
        $(#[$doc])*
        pub fn $id(a: &Tensor, b: &Tensor, c: &Tensor) -> Result<Tensor> { crate::ops::pointwise($name, &[a, b, c]) }
        impl Tensor { $(#[$doc])* pub fn $id(&self, b: &Tensor, c: &Tensor) -> Result<Tensor> { $id(self, b, c) } }
    };
    ($($(#[$doc:meta])* $id:ident $name:literal/$arity:tt $types:ident, $expr:expr, $grad:expr,
        $reference:expr, $domain:expr;)*) => {
        /// Every op of the pointwise family.
        pub static ROWS: &[Row] = &[$(Row {
            name: $name,
            types: TypeRule::$types,
            expression: pointwise!(@expr $arity, $expr),
            gradient: if crate::selection::GRADIENTS { $grad } else { Gradient::Derived },
            #[cfg(any(test, feature = "reference"))]
            check: Check { reference: $reference, domain: $domain },
        }),*];
        $(pointwise!(@fn $arity, $(#[$doc])* $id $name);)*
    };
}

#[cfg(feature = "special")]
pub(super) use pointwise;
use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

use Gradient::{Derived, OfInput, OfOutput};

#[cfg(any(test, feature = "reference"))]
const ANY: (f64, f64) = (-4.0, 4.0);
const SELU_ALPHA: f64 = 1.673_263_242_354_377_2;
const SELU_SCALE: f64 = 1.050_700_987_355_480_5;

fn sigmoid_of(x: Ex<'_>) -> Ex<'_> {
    1.0 / ((-x).exp() + 1.0)
}

fn softplus_of(x: Ex<'_>) -> Ex<'_> {
    x.max(x.k(0.0)) + (-x.abs()).exp().log1p()
}

fn sinh_of(x: Ex<'_>) -> Ex<'_> {
    // expm1 keeps the digits near zero; far from it e^x - e^-x does not cancel.
    let small = x.expm1();
    let near = (small + small / (small + 1.0)) * 0.5;
    let far = (x.exp() - (-x).exp()) * 0.5;
    x.abs().lt(x.k(1.0)).select(near, far)
}

fn cosh_of(x: Ex<'_>) -> Ex<'_> {
    (x.exp() + (-x).exp()) * 0.5
}

fn floor_div_of<'b>(a: Ex<'b>, b: Ex<'b>) -> Ex<'b> {
    match a.dtype() {
        DType::F32 => return (a / b).floor(),
        DType::U32 => return a / b,
        _ => {}
    }
    // Integer division truncates: step down where the signs differ and the division is not exact.
    let (quotient, zero) = (a / b, a.k(0.0));
    let inexact = (quotient * b).ne(a).and(a.lt(zero).xor(b.lt(zero))).and(b.ne(zero));
    inexact.select(quotient - quotient.k(1.0), quotient)
}

fn pow_of<'b>(a: Ex<'b>, b: Ex<'b>) -> Ex<'b> {
    let power = a.cast(DType::F32).pow(b.cast(DType::F32));
    if a.dtype() == DType::F32 {
        power
    } else {
        power.round().cast(a.dtype())
    }
}

/// Abramowitz and Stegun 7.1.26 beyond 1/2, its Taylor series below, where the former cancels. Error below 1e-6.
fn erf_of(x: Ex<'_>) -> Ex<'_> {
    let square = x * x;
    let series = [1.0 / 1320.0, -1.0 / 216.0, 1.0 / 42.0, -0.1, 1.0 / 3.0];
    let near = series.iter().fold(x.k(-1.0 / 9360.0), |sum, &c| sum * square + c);
    let near = x * (1.0 - square * near) * FRAC_2_SQRT_PI;
    let t = 1.0 / (x.abs() * 0.327_591_1 + 1.0);
    let terms = [-1.453_152_027, 1.421_413_741, -0.284_496_736, 0.254_829_592];
    let tail = terms.iter().fold(x.k(1.061_405_429), |sum, &c| sum * t + c) * t * (-square).exp();
    let far = 1.0 - tail;
    x.abs().lt(x.k(0.5)).select(near, x.lt(x.k(0.0)).select(-far, far))
}

/// The Taylor series, summed until its terms vanish: exact enough for |x| up to 4 in float64 tests.
#[cfg(any(test, feature = "reference"))]
fn erf_reference(x: &[f64]) -> f64 {
    let (mut term, mut sum, mut n) = (x[0], x[0], 0.0);
    while term.abs() > 1e-18 && n < 200.0 {
        n += 1.0;
        term *= -x[0] * x[0] / n;
        sum += term / (2.0 * n + 1.0);
    }
    sum * FRAC_2_SQRT_PI
}

#[cfg(any(test, feature = "reference"))]
fn truth(x: bool) -> f64 {
    f64::from(u8::from(x))
}

pointwise! {
    /// a + b.
    add "add"/2 Arithmetic, |a, b| a + b, Derived, |x| x[0] + x[1], &[ANY, ANY];
    /// a - b.
    sub "sub"/2 Arithmetic, |a, b| a - b, Derived, |x| x[0] - x[1], &[ANY, ANY];
    /// a * b.
    mul "mul"/2 Arithmetic, |a, b| a * b, Derived, |x| x[0] * x[1], &[ANY, ANY];
    /// a / b in float32.
    real_div "realDiv"/2 Float, |a, b| a / b, Derived, |x| x[0] / x[1], &[ANY, (0.5, 3.0)];
    /// The largest integer not above a / b.
    floor_div "floorDiv"/2 Arithmetic, floor_div_of, Derived, |x| (x[0] / x[1]).floor(), &[ANY, (0.5, 3.0)];
    /// a / b, and 0 where b is 0.
    div_no_nan "divNoNan"/2 Float, |a, b| b.eq(b.k(0.0)).select(a.k(0.0), a / b), Derived, |x| if x[1] == 0.0 { 0.0 } else { x[0] / x[1] }, &[ANY, (0.5, 3.0)];
    /// The larger of a and b; NaN if either is.
    maximum "maximum"/2 Arithmetic, |a, b| a.max(b), Derived, |x| x[0].max(x[1]), &[ANY, ANY];
    /// The smaller of a and b; NaN if either is.
    minimum "minimum"/2 Arithmetic, |a, b| a.min(b), Derived, |x| x[0].min(x[1]), &[ANY, ANY];
    /// The remainder of a / b with the sign of b.
    modulo "mod"/2 Arithmetic, |a, b| a - floor_div_of(a, b) * b, Derived, |x| x[0] - (x[0] / x[1]).floor() * x[1], &[ANY, (0.5, 3.0)];
    /// a to the power of b.
    pow "pow"/2 Arithmetic, pow_of, Derived, |x| x[0].powf(x[1]), &[(0.2, 3.0), ANY];
    /// (a - b)².
    squared_difference "squaredDifference"/2 Arithmetic, |a, b| (a - b) * (a - b), Derived, |x| (x[0] - x[1]).powi(2), &[ANY, ANY];
    /// The angle of the point (b, a).
    atan2 "atan2"/2 Float, |a, b| a.atan2(b), Derived, |x| x[0].atan2(x[1]), &[ANY, (0.5, 3.0)];
    /// x where positive, else alpha * x.
    prelu "prelu"/2 Arithmetic, |x, alpha| x.ge(x.k(0.0)).select(x, x * alpha), Derived, |x| if x[0] >= 0.0 { x[0] } else { x[0] * x[1] }, &[ANY, ANY];
    /// 1 where x is positive, else alpha; NaN stays.
    step "step"/2 Float, |x, alpha| x.is_nan().select(x, x.gt(x.k(0.0)).select(x.k(1.0), alpha)), Derived, |x| if x[0] > 0.0 { 1.0 } else { x[1] }, &[ANY, ANY];
    /// x limited to [lo, hi].
    clip "clipByValue"/3 Arithmetic, |x, lo, hi| x.max(lo).min(hi), Derived, |x| x[0].max(x[1]).min(x[2]), &[ANY, (-2.0, -1.0), (1.0, 2.0)];

    /// a == b.
    equal "equal"/2 Compare, |a, b| a.eq(b), Derived, |x| truth(x[0] == x[1]), &[ANY, ANY];
    /// a != b.
    not_equal "notEqual"/2 Compare, |a, b| a.ne(b), Derived, |x| truth(x[0] != x[1]), &[ANY, ANY];
    /// a < b.
    less "less"/2 Compare, |a, b| a.lt(b), Derived, |x| truth(x[0] < x[1]), &[ANY, ANY];
    /// a <= b.
    less_equal "lessEqual"/2 Compare, |a, b| a.le(b), Derived, |x| truth(x[0] <= x[1]), &[ANY, ANY];
    /// a > b.
    greater "greater"/2 Compare, |a, b| a.gt(b), Derived, |x| truth(x[0] > x[1]), &[ANY, ANY];
    /// a >= b.
    greater_equal "greaterEqual"/2 Compare, |a, b| a.ge(b), Derived, |x| truth(x[0] >= x[1]), &[ANY, ANY];
    /// a and b.
    logical_and "logicalAnd"/2 Logical, |a, b| a.and(b), Derived, |x| truth(x[0] != 0.0 && x[1] != 0.0), &[(0.0, 2.0), (0.0, 2.0)];
    /// a or b.
    logical_or "logicalOr"/2 Logical, |a, b| a.or(b), Derived, |x| truth(x[0] != 0.0 || x[1] != 0.0), &[(0.0, 2.0), (0.0, 2.0)];
    /// Either a or b, not both.
    logical_xor "logicalXor"/2 Logical, |a, b| a.xor(b), Derived, |x| truth((x[0] != 0.0) != (x[1] != 0.0)), &[(0.0, 2.0), (0.0, 2.0)];
    /// Not x.
    logical_not "logicalNot"/1 Logical, |x| !x, Derived, |x| truth(x[0] == 0.0), &[(0.0, 2.0)];
    /// The bits set in both a and b.
    bitwise_and "bitwiseAnd"/2 Bitwise, |a, b| a.and(b), Derived, |x| f64::from(x[0] as i32 & x[1] as i32), &[(0.0, 100.0), (0.0, 100.0)];
    /// The bits set in a or in b.
    bitwise_or "bitwiseOr"/2 Bitwise, |a, b| a.or(b), Derived, |x| f64::from(x[0] as i32 | x[1] as i32), &[(0.0, 100.0), (0.0, 100.0)];
    /// The bits set in one of a and b.
    bitwise_xor "bitwiseXor"/2 Bitwise, |a, b| a.xor(b), Derived, |x| f64::from(x[0] as i32 ^ x[1] as i32), &[(0.0, 100.0), (0.0, 100.0)];
    /// a shifted left by b bits.
    left_shift "leftShift"/2 Bitwise, |a, b| a << b, Derived, |x| f64::from((x[0] as i32) << (x[1] as i32)), &[(0.0, 100.0), (0.0, 9.0)];
    /// a shifted right by b bits, filling with zeros.
    right_shift "rightShift"/2 Bitwise, |a, b| a >> b, Derived, |x| f64::from((x[0] as i32) >> (x[1] as i32)), &[(0.0, 1000.0), (0.0, 9.0)];
    /// yes where the condition holds, else no.
    select "where"/3 Select, |c, yes, no| c.select(yes, no), Derived, |x| if x[0] != 0.0 { x[1] } else { x[2] }, &[(0.0, 2.0), ANY, ANY];

    /// |x|.
    abs "abs"/1 Arithmetic, |x| x.abs(), Derived, |x| x[0].abs(), &[ANY];
    /// -x.
    neg "neg"/1 Arithmetic, |x| -x, Derived, |x| -x[0], &[ANY];
    /// -1, 0 or 1 as x is negative, zero or positive; 0 for NaN.
    sign "sign"/1 Arithmetic, |x| x.gt(x.k(0.0)).select(x.k(1.0), x.lt(x.k(0.0)).select(x.k(-1.0), x.k(0.0))), OfInput(|_, dy| dy.k(0.0)), |x| if x[0] > 0.0 { 1.0 } else if x[0] < 0.0 { -1.0 } else { 0.0 }, &[ANY];
    /// x².
    square "square"/1 Arithmetic, |x| x * x, Derived, |x| x[0] * x[0], &[ANY];
    /// max(x, 0).
    relu "relu"/1 Arithmetic, |x| x.max(x.k(0.0)), OfOutput(|y, dy| y.gt(y.k(0.0)).select(dy, dy.k(0.0))), |x| x[0].max(0.0), &[ANY];
    /// min(max(x, 0), 6).
    relu6 "relu6"/1 Arithmetic, |x| x.max(x.k(0.0)).min(x.k(6.0)), OfOutput(|y, dy| y.gt(y.k(0.0)).and(y.lt(y.k(6.0))).select(dy, dy.k(0.0))), |x| x[0].clamp(0.0, 6.0), &[(-4.0, 9.0)];
    /// The largest integer not above x.
    floor "floor"/1 Arithmetic, |x| if x.dtype() == DType::F32 { x.floor() } else { x }, OfInput(|_, dy| dy.k(0.0)), |x| x[0].floor(), &[ANY];
    /// The smallest integer not below x.
    ceil "ceil"/1 Arithmetic, |x| if x.dtype() == DType::F32 { x.ceil() } else { x }, OfInput(|_, dy| dy.k(0.0)), |x| x[0].ceil(), &[ANY];
    /// The nearest integer, halves to even.
    round "round"/1 Arithmetic, |x| if x.dtype() == DType::F32 { x.round() } else { x }, OfInput(|_, dy| dy.k(0.0)), |x| x[0].round_ties_even(), &[ANY];

    /// Whether x is NaN.
    is_nan "isNaN"/1 Test, |x| x.is_nan(), Derived, |x| truth(x[0].is_nan()), &[ANY];
    /// Whether x is infinite.
    is_inf "isInf"/1 Test, |x| x.is_inf(), Derived, |x| truth(x[0].is_infinite()), &[ANY];
    /// Whether x is neither NaN nor infinite.
    is_finite "isFinite"/1 Test, |x| !x.is_nan().or(x.is_inf()), Derived, |x| truth(x[0].is_finite()), &[ANY];

    /// e^x.
    exp "exp"/1 Float, |x| x.exp(), OfOutput(|y, dy| dy * y), |x| x[0].exp(), &[ANY];
    /// e^x - 1, accurate near zero.
    expm1 "expm1"/1 Float, |x| x.expm1(), OfOutput(|y, dy| dy * (y + 1.0)), |x| x[0].exp_m1(), &[ANY];
    /// The natural logarithm.
    log "log"/1 Float, |x| x.log(), Derived, |x| x[0].ln(), &[(0.1, 5.0)];
    /// log(1 + x), accurate near zero.
    log1p "log1p"/1 Float, |x| x.log1p(), Derived, |x| x[0].ln_1p(), &[(-0.8, 5.0)];
    /// The square root.
    sqrt "sqrt"/1 Float, |x| x.sqrt(), OfOutput(|y, dy| dy / (y + y)), |x| x[0].sqrt(), &[(0.1, 5.0)];
    /// 1 / sqrt(x).
    rsqrt "rsqrt"/1 Float, |x| 1.0 / x.sqrt(), OfOutput(|y, dy| dy * (y * y * y * -0.5)), |x| 1.0 / x[0].sqrt(), &[(0.1, 5.0)];
    /// 1 / x.
    reciprocal "reciprocal"/1 Float, |x| 1.0 / x, OfOutput(|y, dy| -(dy * y * y)), |x| 1.0 / x[0], &[(0.5, 5.0)];
    /// Sine of an angle in radians.
    sin "sin"/1 Float, |x| x.sin(), Derived, |x| x[0].sin(), &[ANY];
    /// Cosine of an angle in radians.
    cos "cos"/1 Float, |x| x.cos(), Derived, |x| x[0].cos(), &[ANY];
    /// Tangent of an angle in radians.
    tan "tan"/1 Float, |x| x.tan(), Derived, |x| x[0].tan(), &[(-1.3, 1.3)];
    /// Arc sine in radians.
    asin "asin"/1 Float, |x| x.asin(), Derived, |x| x[0].asin(), &[(-0.9, 0.9)];
    /// Arc cosine in radians.
    acos "acos"/1 Float, |x| x.acos(), Derived, |x| x[0].acos(), &[(-0.9, 0.9)];
    /// Arc tangent in radians.
    atan "atan"/1 Float, |x| x.atan(), Derived, |x| x[0].atan(), &[ANY];
    /// Hyperbolic sine.
    sinh "sinh"/1 Float, sinh_of, OfInput(|x, dy| dy * cosh_of(x)), |x| x[0].sinh(), &[ANY];
    /// Hyperbolic cosine.
    cosh "cosh"/1 Float, cosh_of, OfInput(|x, dy| dy * sinh_of(x)), |x| x[0].cosh(), &[ANY];
    /// Hyperbolic tangent.
    tanh "tanh"/1 Float, |x| x.tanh(), OfOutput(|y, dy| dy * (1.0 - y * y)), |x| x[0].tanh(), &[ANY];
    /// Inverse hyperbolic sine.
    asinh "asinh"/1 Float, |x| {
        // By 1 / |x|, whose square does not overflow where |x| is large.
        let (a, r) = (x.abs(), 1.0 / x.abs());
        let magnitude = (a + a / ((r * r + 1.0).sqrt() + r)).log1p();
        x.lt(x.k(0.0)).select(-magnitude, magnitude)
    }, OfInput(|x, dy| dy / (x * x + 1.0).sqrt()), |x| x[0].asinh(), &[ANY];
    /// Inverse hyperbolic cosine.
    acosh "acosh"/1 Float, |x| { let t = x - 1.0; (t + (t * (t + 2.0)).sqrt()).log1p() }, OfInput(|x, dy| dy / (x * x - 1.0).sqrt()), |x| x[0].acosh(), &[(1.2, 5.0)];
    /// Inverse hyperbolic tangent.
    atanh "atanh"/1 Float, |x| ((x + x) / (1.0 - x)).log1p() * 0.5, OfInput(|x, dy| dy / (1.0 - x * x)), |x| x[0].atanh(), &[(-0.9, 0.9)];

    /// 1 / (1 + e^-x).
    sigmoid "sigmoid"/1 Float, sigmoid_of, OfOutput(|y, dy| dy * y * (1.0 - y)), |x| 1.0 / (1.0 + (-x[0]).exp()), &[ANY];
    /// log(sigmoid(x)).
    log_sigmoid "logSigmoid"/1 Float, |x| -softplus_of(-x), OfInput(|x, dy| dy * sigmoid_of(-x)), |x| -(-x[0]).exp().ln_1p(), &[ANY];
    /// log(1 + e^x).
    softplus "softplus"/1 Float, softplus_of, OfInput(|x, dy| dy * sigmoid_of(x)), |x| x[0].exp().ln_1p(), &[ANY];
    /// x where positive, else e^x - 1.
    elu "elu"/1 Float, |x| x.ge(x.k(0.0)).select(x, x.expm1()), OfOutput(|y, dy| y.ge(y.k(0.0)).select(dy, dy * (y + 1.0))), |x| if x[0] >= 0.0 { x[0] } else { x[0].exp_m1() }, &[ANY];
    /// The scaled exponential linear unit (Klambauer et al. 2017).
    selu "selu"/1 Float, |x| x.gt(x.k(0.0)).select(x * SELU_SCALE, x.expm1() * (SELU_SCALE * SELU_ALPHA)), OfOutput(|y, dy| y.gt(y.k(0.0)).select(dy * SELU_SCALE, dy * (y + SELU_SCALE * SELU_ALPHA))), |x| SELU_SCALE * if x[0] > 0.0 { x[0] } else { SELU_ALPHA * x[0].exp_m1() }, &[ANY];
    /// x * sigmoid(x) (Ramachandran et al. 2017).
    swish "swish"/1 Float, |x| x * sigmoid_of(x), OfInput(|x, dy| { let s = sigmoid_of(x); dy * (s + x * s * (1.0 - s)) }), |x| x[0] / (1.0 + (-x[0]).exp()), &[ANY];
    /// x * tanh(softplus(x)) (Misra 2019).
    mish "mish"/1 Float, |x| x * softplus_of(x).tanh(), OfInput(|x, dy| { let t = softplus_of(x).tanh(); dy * (t + x * (1.0 - t * t) * sigmoid_of(x)) }), |x| x[0] * x[0].exp().ln_1p().tanh(), &[ANY];
    /// x / (1 + |x|).
    softsign "softsign"/1 Float, |x| x / (x.abs() + 1.0), OfInput(|x, dy| { let d = x.abs() + 1.0; dy / (d * d) }), |x| x[0] / (1.0 + x[0].abs()), &[ANY];
    /// x / 5 + 1/2, limited to [0, 1].
    hard_sigmoid "hardSigmoid"/1 Float, |x| (x * 0.2 + 0.5).max(x.k(0.0)).min(x.k(1.0)), Derived, |x| (0.2 * x[0] + 0.5).clamp(0.0, 1.0), &[ANY];
    /// x * relu6(x + 3) / 6 (Howard et al. 2019).
    hard_swish "hardSwish"/1 Float, |x| x * (x + 3.0).max(x.k(0.0)).min(x.k(6.0)) * (1.0 / 6.0), Derived, |x| x[0] * (x[0] + 3.0).clamp(0.0, 6.0) / 6.0, &[ANY];
    /// The error function: the normal distribution's mass within x * sqrt(2) of its mean.
    erf "erf"/1 Float, erf_of, OfInput(|x, dy| dy * (-(x * x)).exp() * FRAC_2_SQRT_PI), erf_reference, &[ANY];
    /// The Gaussian error linear unit: x times the normal distribution's mass below x (Hendrycks & Gimpel 2016).
    gelu "gelu"/1 Float, |x| x * 0.5 * (erf_of(x * FRAC_1_SQRT_2) + 1.0), OfInput(|x, dy| dy * (erf_of(x * FRAC_1_SQRT_2) * 0.5 + 0.5 + x * (x * x * -0.5).exp() * (FRAC_2_SQRT_PI * FRAC_1_SQRT_2 * 0.5))), |x| 0.5 * x[0] * (1.0 + erf_reference(&[x[0] * FRAC_1_SQRT_2])), &[ANY];
    /// The Gaussian error linear unit in its tanh form (Hendrycks & Gimpel 2016).
    gelu_tanh "geluNew"/1 Float, |x| x * 0.5 * (((x * x * x * 0.044_715 + x) * 0.797_884_560_802_865_4).tanh() + 1.0), Derived, |x| 0.5 * x[0] * (1.0 + ((x[0] + 0.044_715 * x[0].powi(3)) * 0.797_884_560_802_865_4).tanh()), &[ANY];
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dtype::Scalar;

    /// Every float row against its float64 reference, and its gradient against central differences of it.
    #[test]
    fn rows_match_their_references() {
        for row in super::super::rows() {
            let wanted = vec![DType::F32; row.arity()];
            let Ok(dtypes) = row.types.operands(row.name, &wanted) else {
                continue;
            };
            let function = row.function(&dtypes);
            for trial in 0..40 {
                let x: Vec<f64> = (row.check.domain.iter().enumerate())
                    .map(|(i, &(lo, hi))| {
                        f64::from((lo + (hi - lo) * (((trial * 37 + i * 17) % 41) as f64 + 0.31) / 41.4) as f32)
                    })
                    .collect();
                let scalars: Vec<Scalar> = x.iter().zip(&dtypes).map(|(&v, &d)| Scalar::from_f64(d, v)).collect();
                let got = match function.eval(&scalars) {
                    Scalar::F32(v) => f64::from(v),
                    Scalar::I32(v) => f64::from(v),
                    Scalar::Bool(v) => truth(v),
                };
                let want = (row.check.reference)(&x);
                assert!((got - want).abs() <= 4e-6 * want.abs().max(1.0), "{}{x:?}: got {got}, want {want}", row.name);
                for wrt in 0..row.arity() {
                    let h = 1e-6;
                    let shifted = |by: f64| {
                        let mut x = x.clone();
                        x[wrt] += by;
                        (row.check.reference)(&x)
                    };
                    let want = (shifted(h) - shifted(-h)) / (2.0 * h);
                    let got = match function.derivative(wrt) {
                        None => 0.0,
                        Some(super::super::Derivative::OfOutput(d)) => {
                            value(d.eval(&[function.eval(&scalars), Scalar::F32(1.0)]))
                        }
                        Some(super::super::Derivative::OfInputs(d)) => {
                            let mut inputs = scalars.clone();
                            inputs.push(Scalar::F32(1.0));
                            value(d.eval(&inputs))
                        }
                    };
                    assert!(
                        (got - want).abs() <= 3e-5 * want.abs().max(1.0),
                        "d{wrt} {}{x:?}: got {got}, want {want}",
                        row.name
                    );
                }
            }
        }
    }

    fn value(s: Scalar) -> f64 {
        match s {
            Scalar::F32(v) => f64::from(v),
            other => panic!("gradient {other:?} is not float32"),
        }
    }

    #[test]
    fn integer_division_floors_and_survives_zero() {
        let f = row_fn("floorDiv");
        let at = |a, b| f.eval(&[Scalar::I32(a), Scalar::I32(b)]);
        assert_eq!(at(-7, 2), Scalar::I32(-4));
        assert_eq!(at(7, 2), Scalar::I32(3));
        assert_eq!(at(-8, 2), Scalar::I32(-4));
        assert_eq!(at(7, 0), Scalar::I32(0));
    }

    fn row_fn(name: &str) -> std::sync::Arc<super::super::Function> {
        super::super::row(name).expect("known row").function(&[DType::I32, DType::I32])
    }
}
