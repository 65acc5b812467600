//! Retrain an image classifier natively.
fn main() {}
