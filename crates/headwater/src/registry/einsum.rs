//! Sums of products over named dimensions.

use super::Declared;

pub(super) const OPERATIONS: &[Declared] = &[];
