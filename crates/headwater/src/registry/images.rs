//! Geometry of images.

use super::Declared;

pub(super) const OPERATIONS: &[Declared] = &[];
