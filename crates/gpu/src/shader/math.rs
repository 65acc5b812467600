//! WGSL functions where the built-in ones are missing, inexact (Vulkan asks little of them) or undefined for NaN and
//! infinities (polynomials: Cephes, Moshier; as in the CPU engine).

use std::fmt::Write;

/// The functions that `name` calls.
pub fn needs(name: &str) -> &'static [&'static str] {
    match name {
        "exp_" | "to_int" | "min_" | "max_" => &["is_nan"],
        "expm1" => &["exp_"],
        "tanh_" => &["exp_", "is_nan"],
        "log1p" => &["log_"],
        "log_" => &["bits"],
        "sin_" | "cos_" => &["turn", "bits", "is_nan", "is_inf"],
        "tan_" => &["sin_", "cos_"],
        "asin_" => &["bits"],
        "acos_" => &["asin_"],
        "atan2_" => &["atan_", "is_nan"],
        "pow_" => &["bits", "is_nan", "log_parts"],
        "round_f16" => &["bits"],
        _ => &[],
    }
}

/// The function `name` for four numbers at a time.
pub fn wide(name: &str) -> String {
    let (operand, result) = match name {
        "is_nan" | "is_inf" => ("f32", "bool"),
        "to_int" => ("f32", "i32"),
        "divide" | "rem_int" => ("i32", "i32"),
        _ => ("f32", "f32"),
    };
    let two = matches!(name, "min_" | "max_" | "divide" | "rem_int" | "rem_float" | "pow_" | "atan2_");
    let parameters =
        if two { format!("a: vec4<{operand}>, b: vec4<{operand}>") } else { format!("a: vec4<{operand}>") };
    let mut calls = String::new();
    for (n, c) in ["x", "y", "z", "w"].into_iter().enumerate() {
        let (comma, second) = (if n > 0 { ", " } else { "" }, if two { format!(", b.{c}") } else { String::new() });
        let _ = write!(calls, "{comma}{name}(a.{c}{second})");
    }
    format!("fn {name}4({parameters}) -> vec4<{result}> {{ return vec4<{result}>({calls}); }}\n")
}

/// The text of a function.
pub fn text(name: &str) -> &'static str {
    match name {
        // A call keeps compilers from evaluating, and refusing, what is not a finite constant.
        "bits" => "fn bits(b: u32) -> f32 { return bitcast<f32>(b); }\n",
        "is_nan" => "fn is_nan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }\n",
        "is_inf" => "fn is_inf(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) == 0x7f800000u; }\n",
        "to_int" => {
            "fn to_int(x: f32) -> i32 {\
  if (is_nan(x)) { return 0; }\
  if (x >= 2147483648.0) { return 2147483647; }\
  return i32(max(x, -2147483648.0));\
}\
"
        }
        "min_" => "fn min_(a: f32, b: f32) -> f32 { return select(min(a, b), a + b, is_nan(a) || is_nan(b)); }\n",
        "max_" => "fn max_(a: f32, b: f32) -> f32 { return select(max(a, b), a + b, is_nan(a) || is_nan(b)); }\n",
        "divide" => "fn divide(a: i32, b: i32) -> i32 { return select(a / select(b, 1, b == 0), 0, b == 0); }\n",
        "rem_int" => "fn rem_int(a: i32, b: i32) -> i32 { return select(a % select(b, 1, b == 0), 0, b == 0); }\n",
        // As on the host (`headwater_core::half`); below 2^-14 with the built-in rounding, for compilers may drop terms of
        // sums that only round.
        "round_f16" => {
            "fn round_f16(x: f32) -> f32 {\
  let b = bitcast<u32>(x);\
  let m = b & 0x7fffffffu;\
  if (m > 0x7f800000u) { return x; }\
  if (m < 0x38800000u) { return round(x * 16777216.0) * 5.9604644775390625e-8; }\
  let r = (m + 0xfffu + ((m >> 13u) & 1u)) & 0xffffe000u;\
  return bits(select(r, 0x7f800000u, r >= 0x47800000u) | (b & 0x80000000u));\
}\
"
        }
        "round_bf16" => {
            "fn round_bf16(x: f32) -> f32 {\
  let b = bitcast<u32>(x);\
  if ((b & 0x7fffffffu) > 0x7f800000u) { return x; }\
  return bitcast<f32>((b + 0x7fffu + ((b >> 16u) & 1u)) & 0xffff0000u);\
}\
"
        }
        // The last but one step: a quotient that was rounded across an integer.
        "rem_float" => {
            "fn rem_float(x: f32, y: f32) -> f32 {\
  let d = abs(y);\
  var r = abs(x);\
  r = r - d * trunc(r / d);\
  if (r >= d) { r = r - d; }\
  if (r < 0.0) { r = r + d; }\
  return select(r, -r, x < 0.0);\
}\
"
        }
        // Built-in functions may give anything for what lies outside float32's range.
        "exp_" => "fn exp_(x: f32) -> f32 { return select(exp(x), x, is_nan(x)); }\n",
        "log_" => {
            "fn log_(x: f32) -> f32 {\
  if (x > 0.0) { return select(log(x), x, x > 3.4028234e38); }\
  return select(bits(0x7fc00000u), bits(0xff800000u), x == 0.0);\
}\
"
        }
        "expm1" => {
            "fn expm1(x: f32) -> f32 {\
  let p = (((((1.0 / 5040.0) * x + 1.0 / 720.0) * x + 1.0 / 120.0) * x + 1.0 / 24.0) * x + 1.0 / 6.0) * x + 0.5;\
  return select(exp_(x) - 1.0, p * x * x + x, abs(x) < 0.35);\
}\
"
        }
        // A series near zero: Kahan's correction would rely on rounding that compilers may change.
        "log1p" => {
            "fn log1p(x: f32) -> f32 {\
  let s = x / (2.0 + x);\
  let z = s * s;\
  let p = 2.0 * s * (1.0 + z * (1.0 / 3.0 + z * (0.2 + z * (1.0 / 7.0 + z * (1.0 / 9.0 + z * (1.0 / 11.0))))));\
  return select(log_(1.0 + x), p, abs(x) < 0.4);\
}\
"
        }
        "tanh_" => {
            "fn tanh_(x: f32) -> f32 {\
  let z = x * x;\
  let p = (((-5.7049887e-3 * z + 2.0639089e-2) * z - 5.3739716e-2) * z + 1.3331442e-1) * z - 3.333328e-1;\
  let far = 1.0 - 2.0 / (exp_(2.0 * min(abs(x), 20.0)) + 1.0);\
  return select(select(select(far, -far, x < 0.0), p * z * x + x, abs(x) < 0.625), x, is_nan(x));\
}\
"
        }
        "turn" => {
            "fn turn(x: f32, k0: i32) -> f32 {\
  let n = round(x * 0.63661977);\
  let r = ((x - n * 1.5703125) - n * 4.8375129e-4) - n * 7.5497895e-8;\
  let k = i32(n) + k0;\
  let z = r * r;\
  let s = ((-1.9515296e-4 * z + 8.332161e-3) * z - 1.6666655e-1) * z * r + r;\
  let c = ((2.4433157e-5 * z - 1.3887316e-3) * z + 4.1666646e-2) * z * z - 0.5 * z + 1.0;\
  let y = select(c, s, (k & 1) == 0);\
  return select(y, -y, (k & 2) != 0);\
}\
"
        }
        // Large angles lose their digits in the reduction; the built-in functions are no worse.
        "sin_" => {
            "fn sin_(x: f32) -> f32 { if (abs(x) < 8192.0) { return turn(x, 0); } return select(sin(x), bits(0x7fc00000u), is_nan(x) || is_inf(x)); }\n"
        }
        "cos_" => {
            "fn cos_(x: f32) -> f32 { if (abs(x) < 8192.0) { return turn(x, 1); } return select(cos(x), bits(0x7fc00000u), is_nan(x) || is_inf(x)); }\n"
        }
        "tan_" => "fn tan_(x: f32) -> f32 { return sin_(x) / cos_(x); }\n",
        "asin_" => {
            "fn asin_(x: f32) -> f32 {\
  let a = abs(x);\
  if (!(a <= 1.0)) { return bits(0x7fc00000u); }\
  let far = a > 0.5;\
  let z = select(a * a, 0.5 * (1.0 - a), far);\
  let s = select(a, sqrt(z), far);\
  let p = ((((4.2163199e-2 * z + 2.4181311e-2) * z + 4.5470026e-2) * z + 7.4953003e-2) * z + 1.6666752e-1) * z * s + s;\
  let y = select(p, 1.57079633 - 2.0 * p, far);\
  return select(y, -y, x < 0.0);\
}\
"
        }
        "acos_" => {
            "fn acos_(x: f32) -> f32 {\
  if (x > 0.5) { return 2.0 * asin_(sqrt(0.5 * (1.0 - x))); }\
  if (x < -0.5) { return 3.14159265 - 2.0 * asin_(sqrt(0.5 * (1.0 + x))); }\
  return 1.57079633 - asin_(x);\
}\
"
        }
        "atan_" => {
            "fn atan_(x: f32) -> f32 {\
  let a = abs(x);\
  var y = 0.0;\
  var t = a;\
  if (a > 2.41421356) { y = 1.57079633; t = -1.0 / a; } else if (a > 0.41421356) { y = 0.785398163; t = (a - 1.0) / (a + 1.0); }\
  let z = t * t;\
  y = y + (((8.05374449538e-2 * z - 1.38776856032e-1) * z + 1.99777106478e-1) * z - 3.33329491539e-1) * z * t + t;\
  return select(y, -y, x < 0.0);\
}\
"
        }
        // Both infinite: a diagonal. Both zero: the direction of x.
        "atan2_" => {
            "fn atan2_(y: f32, x: f32) -> f32 {\
  if (is_nan(x) || is_nan(y)) { return x + y; }\
  let back = (bitcast<u32>(x) & 0x80000000u) != 0u;\
  let ax = abs(x);\
  let ay = abs(y);\
  var r = select(atan_(ay / ax), 0.785398163, ax == ay);\
  if (ay == 0.0) { r = 0.0; }\
  r = select(r, 3.14159265 - r, back);\
  return select(r, -r, (bitcast<u32>(y) & 0x80000000u) != 0u);\
}\
"
        }
        // log2 of a positive number as an integer and a rest, so that its product with an exponent keeps its digits.
        // log2(m) = 2 / ln 2 * atanh(s).
        "log_parts" => {
            "fn log_parts(x: f32) -> vec2<f32> {\
  let f = frexp(x);\
  var m = f.fract;\
  var e = f32(f.exp);\
  if (m < 0.70710678) { m = m * 2.0; e = e - 1.0; }\
  let s = (m - 1.0) / (m + 1.0);\
  let z = s * s;\
  let p = z * (1.0 / 3.0 + z * (0.2 + z * (1.0 / 7.0 + z * (1.0 / 9.0 + z * (1.0 / 11.0)))));\
  return vec2<f32>(e, 2.88539008 * (s + s * p));\
}\
"
        }
        // The exponent's integer part is applied exactly.
        "pow_" => {
            "fn pow_(x: f32, y: f32) -> f32 {\
  if (y == 0.0) { return 1.0; }\
  let a = abs(x);\
  let whole = y == trunc(y);\
  if (whole && abs(y) <= 64.0) {\
    var r = 1.0;\
    var base = x;\
    var n = u32(abs(y));\
    while (n > 0u) {\
      if ((n & 1u) == 1u) { r = r * base; }\
      base = base * base;\
      n = n >> 1u;\
    }\
    return select(r, 1.0 / r, y < 0.0);\
  }\
  if (is_nan(x) || is_nan(y) || (x < 0.0 && !whole)) { return bits(0x7fc00000u); }\
  if (a == 0.0) { return select(bits(0x7f800000u), 0.0, y > 0.0); }\
  if (a == 1.0) { return select(1.0, -1.0, x < 0.0 && floor(y * 0.5) * 2.0 != y); }\
  if (a > 3.4028234e38 || abs(y) > 3.4028234e38) { return select(0.0, bits(0x7f800000u), (a > 1.0) == (y > 0.0)); }\
  let l = log_parts(a);\
  let t = y * l.x;\
  let tl = fma(y, l.x, -t);\
  let n = round(t + y * l.y);\
  let f = (t - n) + fma(y, l.y, tl);\
  var r = exp2(clamp(f, -2.0, 2.0));\
  r = select(ldexp(r, clamp(i32(clamp(n, -300.0, 300.0)), -149, 127)), select(0.0, bits(0x7f800000u), n > 0.0), abs(n) > 149.0);\
  return select(r, -r, x < 0.0 && floor(y * 0.5) * 2.0 != y);\
}\
"
        }
        _ => "",
    }
}
