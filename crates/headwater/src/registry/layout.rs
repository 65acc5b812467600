//! Rearrangements of blocks and borders.

use super::Declared;

pub(super) const OPERATIONS: &[Declared] = &[];
