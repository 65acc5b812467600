//! Random numbers of further distributions.

use super::Declared;

pub(super) const OPERATIONS: &[Declared] = &[];
