//! Quantisation.

use super::Declared;

pub(super) const OPERATIONS: &[Declared] = &[];
