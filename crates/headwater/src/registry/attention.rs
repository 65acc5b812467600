//! Attention and normalisation over features.

use super::Declared;

pub(super) const OPERATIONS: &[Declared] = &[];
