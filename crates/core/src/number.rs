//! Numbers for messages.

/// A number with at most six digits after the point, as a message needs it. The standard library's exact conversion is
/// 10 kB of a download.
///
/// ```
/// assert_eq!(headwater_core::number(-2.50), "-2.5");
/// ```
pub fn number(value: f64) -> String {
    if value.is_nan() {
        return "NaN".into();
    }
    let sign = if value < 0.0 { "-" } else { "" };
    let mut size = value.abs();
    if size.is_infinite() {
        return format!("{sign}inf");
    }
    let mut exponent = 0;
    if size != 0.0 && !(1e-4..1e15).contains(&size) {
        while size >= 10.0 {
            size /= 10.0;
            exponent += 1;
        }
        while size < 1.0 {
            size *= 10.0;
            exponent -= 1;
        }
    }
    let mut whole = size as u64;
    let mut rest = ((size - whole as f64) * 1e6 + 0.5) as u64;
    if rest == 1_000_000 {
        (whole, rest) = (whole + 1, 0);
    }
    let mut text = format!("{sign}{whole}");
    if rest != 0 {
        text += format!(".{rest:06}").trim_end_matches('0');
    }
    if exponent != 0 {
        text += &format!("e{exponent}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_are_short() {
        for (value, text) in [
            (0.0, "0"),
            (-0.5, "-0.5"),
            (3.0, "3"),
            (0.1, "0.1"),
            (1.0 / 3.0, "0.333333"),
            (0.999_999_9, "1"),
            (123_456_789.25, "123456789.25"),
            (1e20, "1e20"),
            (-2.5e-7, "-2.5e-7"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(number(value), text);
        }
        assert!(number(f64::MIN_POSITIVE).ends_with("e-308"));
    }
}
