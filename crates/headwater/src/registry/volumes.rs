//! Convolutions and pooling of volumes, and windows beyond those of models.

use super::Declared;

pub(super) const OPERATIONS: &[Declared] = &[];
