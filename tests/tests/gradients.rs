//! Gradients of every case against central differences in float64.

use headwater_tests::{cases, chains, compare};

#[test]
fn gradients_match_central_differences() {
    let chains = (0..60).map(chains::chain);
    let describe = |case| match compare::check_gradient(&case) {
        Ok(wrong) => wrong,
        Err(error) => Some(format!("{}: {error}", case.name)),
    };
    let wrong: Vec<String> = cases().into_iter().chain(chains).filter_map(describe).collect();
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
