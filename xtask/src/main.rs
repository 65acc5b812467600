//! Every build step of Headwater.
fn main() {}
