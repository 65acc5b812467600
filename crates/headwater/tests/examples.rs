//! The examples do what they say.

#[allow(dead_code)]
#[path = "../examples/basics.rs"]
mod basics;

use headwater::{cpu, Result};

#[test]
fn a_curve_is_fitted() -> Result<()> {
    let (found, truth) = basics::fit_quadratic(&cpu(1))?;
    assert!(found.iter().zip(truth).all(|(f, t)| (f - t).abs() < 1e-3), "{found:?}");
    Ok(())
}

#[test]
fn a_network_reads_digits() -> Result<()> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/digits.csv.gz");
    let accuracy = basics::learn_digits(&cpu(1), file, 15)?;
    assert!(accuracy > 0.9, "{accuracy}");
    assert!(basics::learn_digits(&cpu(1), "no such file", 1).is_err());
    Ok(())
}

#[test]
fn second_derivatives_and_custom_gradients() -> Result<()> {
    let at = [0.5_f32, 1.0, 2.0];
    for (got, x) in basics::second_derivative(&cpu(1), &at)?.into_iter().zip(at) {
        let exact = (2.0 - x * x) * x.sin() + 4.0 * x * x.cos();
        assert!((got - exact).abs() < 1e-4, "{got} {exact}");
    }
    assert_eq!(basics::learn_through_rounding(&cpu(1))?, 3.0);
    Ok(())
}
