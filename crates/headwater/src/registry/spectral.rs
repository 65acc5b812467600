//! Fourier transforms and windows.

use super::Declared;

pub(super) const OPERATIONS: &[Declared] = &[];
