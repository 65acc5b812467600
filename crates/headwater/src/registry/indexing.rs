//! Picking and placing by n-dimensional indices, searching and counting.

use super::Declared;

pub(super) const OPERATIONS: &[Declared] = &[];
