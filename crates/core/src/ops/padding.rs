//! How borders are filled, and how many windows lie between them.

/// How the ends of one dimension are filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding1d {
    /// No filling: windows lie inside.
    Valid,
    /// Zeros so that there are `ceil(size / stride)` windows; an odd one goes after.
    Same,
    /// So many zeros before and after.
    Explicit(usize, usize),
}

impl Padding1d {
    /// The number of windows, and the zeros before the first. `None` when not one window fits.
    pub(crate) fn windows(self, size: usize, window: usize, stride: usize, dilation: usize) -> Option<(usize, usize)> {
        let extent = window.checked_sub(1)?.checked_mul(dilation)?.checked_add(1)?;
        let (before, after) = match self {
            Padding1d::Same => {
                let out = size.div_ceil(stride);
                let total = ((out.max(1) - 1) * stride).checked_add(extent)?.saturating_sub(size);
                return Some((out, total / 2));
            }
            Padding1d::Valid => (0, 0),
            Padding1d::Explicit(before, after) => (before, after),
        };
        let padded = size.checked_add(before)?.checked_add(after)?;
        Some(((padded.checked_sub(extent)?) / stride + 1, before))
    }
}

impl From<Padding1d> for Padding {
    /// That of an image of one row.
    fn from(padding: Padding1d) -> Padding {
        match padding {
            Padding1d::Valid => Padding::Valid,
            Padding1d::Same => Padding::Same,
            Padding1d::Explicit(left, right) => Padding::Explicit { top: 0, bottom: 0, left, right },
        }
    }
}

/// How image borders are filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding {
    /// No filling: windows lie inside the image.
    Valid,
    /// Zeros so that the result has `ceil(size / stride)` elements; an odd one goes after.
    Same,
    /// So many rows and columns of zeros.
    Explicit {
        /// Rows above.
        top: usize,
        /// Rows below.
        bottom: usize,
        /// Columns to the left.
        left: usize,
        /// Columns to the right.
        right: usize,
    },
}

impl Padding {
    /// The zeros that it says, for messages.
    pub(crate) fn zeros(self) -> [(usize, usize); 2] {
        match self {
            Padding::Explicit { top, bottom, left, right } => [(top, bottom), (left, right)],
            _ => [(0, 0); 2],
        }
    }

    /// That of rows, or of columns.
    pub(crate) fn along(self, vertical: bool) -> Padding1d {
        match self {
            Padding::Valid => Padding1d::Valid,
            Padding::Same => Padding1d::Same,
            Padding::Explicit { top, bottom, .. } if vertical => Padding1d::Explicit(top, bottom),
            Padding::Explicit { left, right, .. } => Padding1d::Explicit(left, right),
        }
    }

    /// As [`Padding1d::windows`], of rows or columns.
    pub(crate) fn windows(
        self,
        vertical: bool,
        size: usize,
        window: usize,
        stride: usize,
        dilation: usize,
    ) -> Option<(usize, usize)> {
        self.along(vertical).windows(size, window, stride, dilation)
    }
}

/// How the borders of volumes are filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding3d {
    /// No filling: windows lie inside the volume.
    Valid,
    /// Zeros so that the result has `ceil(size / stride)` elements; an odd one goes after.
    Same,
    /// So many zeros before and after in depth, height and width.
    Explicit([(usize, usize); 3]),
}

impl Padding3d {
    /// The zeros that it says, for messages.
    pub(crate) fn zeros(self) -> [(usize, usize); 3] {
        match self {
            Padding3d::Explicit(pairs) => pairs,
            _ => [(0, 0); 3],
        }
    }

    /// That of depth (0), height (1) or width (2).
    pub(crate) fn along(self, dimension: usize) -> Padding1d {
        match self {
            Padding3d::Valid => Padding1d::Valid,
            Padding3d::Same => Padding1d::Same,
            Padding3d::Explicit(pairs) => Padding1d::Explicit(pairs[dimension].0, pairs[dimension].1),
        }
    }

    /// That of the planes of height and width.
    pub(crate) fn plane(self) -> Padding {
        match self {
            Padding3d::Valid => Padding::Valid,
            Padding3d::Same => Padding::Same,
            Padding3d::Explicit([_, (top, bottom), (left, right)]) => Padding::Explicit { top, bottom, left, right },
        }
    }

    /// That of columns along the depth, as of an image whose rows are planes.
    pub(crate) fn depth(self) -> Padding {
        match self {
            Padding3d::Explicit([(top, bottom), ..]) => Padding::Explicit { top, bottom, left: 0, right: 0 },
            other => other.plane(),
        }
    }
}
