//! Cumulative operations and sorting.

use super::Declared;

pub(super) const OPERATIONS: &[Declared] = &[];
