//! Linear algebra.

use super::Declared;

pub(super) const OPERATIONS: &[Declared] = &[];
