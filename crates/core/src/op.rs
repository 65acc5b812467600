//! Nodes' operations, by family. Everything a user can call is composed of these.

use std::hash::Hash;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::dtype::{DType, Scalar};
use crate::hash::StructureHasher;
use crate::pointwise::Function;
use crate::selection::has;
use crate::shape::Shape;

/// Per-dimension amounts.
pub type Dims = SmallVec<[usize; 6]>;

/// What a node computes from its inputs.
#[derive(Clone)]
pub enum Op {
    /// A constant scalar, part of the graph's structure.
    Const(Scalar),
    /// A scalar whose value may change from run to run of one plan. No inputs; shape `[]`.
    Param(Scalar),
    /// The index along dimension `axis`, as int32. No inputs.
    Iota {
        /// The dimension.
        axis: usize,
    },
    /// Elementwise; inputs broadcast to the node's shape.
    Pointwise(Arc<Function>),
    /// An index map of one input: no copy.
    View(ViewOp),
    /// A reduction of one input over `axes`, which the result does not have.
    Reduce {
        /// What is computed.
        op: ReduceOp,
        /// The reduced dimensions, ascending.
        axes: Dims,
    },
    /// `[rows, n] -> int32 [rows]`: the index of each row's largest (or smallest) element; the first of equals.
    ArgReduce {
        /// The largest rather than the smallest.
        max: bool,
    },
    /// `[outer, n, inner]` to the same shape: each element combined with all before it along `n`. float32, int32.
    Scan(ScanKind),
    /// `[batch, m, k] x [batch, k, n] -> [batch, m, n]`, float32.
    MatMul,
    /// A 2-D convolution or one of its adjoints.
    Conv(ConvKind, ConvGeometry),
    /// A window operation over NHWC images.
    Pool(PoolKind, PoolGeometry),
    /// A resize of NHWC images, or its adjoint.
    Resize(ResizeKind, ResizeGeometry),
    /// Picks along an axis, or the adjoint.
    Index(IndexOp),
    /// Zero elements (value: input 1, a scalar) put around and between those of input 0.
    Pad {
        /// Elements before, per dimension.
        before: Dims,
        /// Elements between neighbours, per dimension.
        between: Dims,
    },
    /// Inputs joined along `axis`.
    Concat {
        /// The dimension that grows.
        axis: usize,
    },
    /// An algorithm that is none of the above.
    Routine(Routine),
}

/// Index maps.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ViewOp {
    /// The same elements in row-major order under the node's shape.
    Reshape,
    /// Result dimension `d` is input dimension `perm[d]`.
    Permute(Dims),
    /// Element `i` of the result is `begin + i * step` of the input, per dimension. A step may be negative, not zero.
    Slice {
        /// The first element, per dimension.
        begin: Dims,
        /// The distance between elements, per dimension.
        step: SmallVec<[isize; 6]>,
    },
    /// The input repeated along dimensions of size 1 and along new leading ones.
    Broadcast,
    /// The input, as a constant to gradients.
    Detach,
    /// The input, as a value that equal operations on it may not be taken from: they are computed again. With
    /// `keep_contractions`, products and convolutions still are.
    Recompute {
        /// Whether products and convolutions are kept rather than computed again.
        keep_contractions: bool,
    },
}

/// What a reduction computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReduceOp {
    /// float32, int32. Empty: 0.
    Sum,
    /// float32, int32. Empty: 1.
    Prod,
    /// float32, int32; bool: any. NaN wins. Empty: the lowest value.
    Max,
    /// float32, int32; bool: all. NaN wins. Empty: the highest value.
    Min,
}

impl ReduceOp {
    /// The value of an empty reduction, as a 32-bit lane of `dtype`.
    pub fn empty(self, dtype: DType) -> u32 {
        match (self, dtype) {
            (ReduceOp::Sum, _) => 0,
            (ReduceOp::Prod, DType::F32) => 1f32.to_bits(),
            (ReduceOp::Prod, _) => 1,
            (ReduceOp::Max, DType::F32) => f32::NEG_INFINITY.to_bits(),
            (ReduceOp::Min, DType::F32) => f32::INFINITY.to_bits(),
            (ReduceOp::Max, DType::Bool) => 0,
            (ReduceOp::Min, DType::Bool) => 1,
            (ReduceOp::Max, _) => i32::MIN as u32,
            (ReduceOp::Min, _) => i32::MAX as u32,
        }
    }
}

/// A cumulative operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ScanKind {
    /// What combines elements.
    pub op: ReduceOp,
    /// Leaves the element itself out: the first result is that of an empty reduction.
    pub exclusive: bool,
    /// From the last element to the first.
    pub reverse: bool,
}

/// Which of the three contractions between images `x`, filters `w` and results `y` of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConvKind {
    /// `(x, w) -> y`.
    Forward,
    /// `(dy, w) -> dx`: the transposed convolution.
    BackwardInput,
    /// `(x, dy) -> dw`.
    BackwardFilter,
}

/// Sizes of a 2-D convolution. Images are NHWC, filters `[filter_h, filter_w, in_channels / groups, out_channels]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // the names are the definitions
pub struct ConvGeometry {
    pub batch: usize,
    pub in_h: usize,
    pub in_w: usize,
    pub in_channels: usize,
    pub out_h: usize,
    pub out_w: usize,
    pub out_channels: usize,
    pub filter_h: usize,
    pub filter_w: usize,
    pub stride_h: usize,
    pub stride_w: usize,
    pub dilation_h: usize,
    pub dilation_w: usize,
    /// Rows of zeros before the first; those after follow from the sizes.
    pub pad_top: usize,
    /// Columns of zeros before the first.
    pub pad_left: usize,
    pub groups: usize,
}

impl ConvGeometry {
    /// The shape of `x`.
    pub fn input_shape(&self) -> Shape {
        Shape::from([self.batch, self.in_h, self.in_w, self.in_channels])
    }
    /// The shape of `w`.
    pub fn filter_shape(&self) -> Shape {
        Shape::from([self.filter_h, self.filter_w, self.in_channels / self.groups, self.out_channels])
    }
    /// The shape of `y`.
    pub fn output_shape(&self) -> Shape {
        Shape::from([self.batch, self.out_h, self.out_w, self.out_channels])
    }
    /// Whether each input channel has filters of its own.
    pub fn is_depthwise(&self) -> bool {
        self.groups == self.in_channels && self.groups > 1
    }
}

/// Window operations. `x` are images, `y` window results, `index` the int32 position `(h * in_w + w) * channels + c`
/// of each window's first maximum within its image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PoolKind {
    /// `x -> y`, the largest; padding is never chosen.
    Max,
    /// `x -> index`.
    ArgMax,
    /// `(dy, index) -> dx`: each window's value goes to its position.
    MaxScatter,
    /// `(x, index) -> y`: the element at each window's position.
    MaxGather,
    /// `x -> y`, the mean of the elements inside the image.
    Avg,
    /// `dy -> dx`, the adjoint of `Avg`.
    AvgBackward,
}

/// Sizes of a window operation; padding as in [`ConvGeometry`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // the names are the definitions
pub struct PoolGeometry {
    pub batch: usize,
    pub in_h: usize,
    pub in_w: usize,
    pub channels: usize,
    pub out_h: usize,
    pub out_w: usize,
    pub window_h: usize,
    pub window_w: usize,
    pub stride_h: usize,
    pub stride_w: usize,
    pub dilation_h: usize,
    pub dilation_w: usize,
    pub pad_top: usize,
    pub pad_left: usize,
}

impl PoolGeometry {
    /// The shape of the images.
    pub fn input_shape(&self) -> Shape {
        Shape::from([self.batch, self.in_h, self.in_w, self.channels])
    }
    /// The shape of the window results.
    pub fn output_shape(&self) -> Shape {
        Shape::from([self.batch, self.out_h, self.out_w, self.channels])
    }
}

/// How pixels between pixels are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ResizeKind {
    /// From the four neighbours, by distance.
    Bilinear,
    /// From the nearest.
    Nearest,
    /// `dy -> dx`, the adjoint of `Bilinear`.
    BilinearBackward,
    /// `dy -> dx`, the adjoint of `Nearest`.
    NearestBackward,
}

/// Sizes of a resize. Source position of output `o`: `align_corners`: `o * (in - 1) / (out - 1)`;
/// `half_pixel_centers`: `(o + 0.5) * in / out - 0.5`; else `o * in / out`. As TensorFlow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // the names are the definitions
pub struct ResizeGeometry {
    pub batch: usize,
    pub in_h: usize,
    pub in_w: usize,
    pub out_h: usize,
    pub out_w: usize,
    pub channels: usize,
    pub align_corners: bool,
    pub half_pixel_centers: bool,
}

/// Picks along an axis. An index outside the axis reads 0 and writes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IndexOp {
    /// `(x [outer, n, inner], index [k]) -> [outer, k, inner]`.
    Gather,
    /// `(updates [outer, k, inner], index [k]) -> [outer, n, inner]`: each place has the reduction of the updates that
    /// name it, of none the value of an empty reduction.
    Scatter(ReduceOp),
    /// `(x [rows, n], index [rows, k]) -> [rows, k]`.
    TakeAlong,
    /// `(updates [rows, k], index [rows, k]) -> [rows, n]`, summing where indices repeat.
    PutAlongAdd,
}

/// Algorithms with a kernel of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Routine {
    /// Linear algebra.
    Linalg(Linalg),
    /// `x [rows, n] -> int32 [rows, k]`: positions of the first k elements of each row in ascending or descending order.
    /// Equal ones keep their order; NaN comes last in both.
    Sort {
        /// The largest first.
        descending: bool,
    },
}

impl Routine {
    /// The feature of the engines that has its kernels.
    pub fn feature(self) -> &'static str {
        match self {
            Routine::Linalg(_) => "linalg",
            Routine::Sort { .. } => "sort",
        }
    }
}

/// Linear algebra over each matrix of a batch, float32. Operands are `[batch, rows, columns]`, the result is
/// `[batch, size]`: the parts of a matrix's answer one after the other, each row-major.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Linalg {
    /// `a [n, n] -> l [n, n]`: the lower triangular `l` with `l lᵀ = a`, of which only the lower triangle is read. Where `a`
    /// is not positive definite, the lower triangle is NaN.
    Cholesky,
    /// `(a [n, n], b [n, k]) -> x [n, k]` with `a x = b`, of which only one triangle is read.
    TriangularSolve {
        /// The triangle is the lower one.
        lower: bool,
        /// `aᵀ x = b` instead.
        adjoint: bool,
        /// The diagonal counts as ones.
        unit: bool,
    },
    /// `a [n, n] -> [n + 1, n + 1]`: `p a = l u` with partial pivoting. The last row says of which row of `a` each row of `p a`
    /// is, the last column where each row of `a` went, the corner is the determinant of `p`. The rest is `u` on and above the
    /// diagonal, and `l`, whose diagonal are ones, below.
    Lu,
    /// `x [m, n], m >= n -> q [m, k], r [k, n]` with `q r = x`, `q`'s columns orthonormal and `r` upper triangular. An element
    /// of `r`'s diagonal has the sign opposite to what the reflection found in its place, as in TensorFlow.js.
    Qr {
        /// k is m rather than n.
        full: bool,
    },
    /// `a [n, n] -> w [n], v [n, n]`, `a` symmetric: ascending eigenvalues, and the eigenvectors as columns, signed as
    /// [`Linalg::LARGE`] says. NaN where `a` is not finite.
    Eigh,
    /// `x [m, n], m >= n -> u [m, n], s [n], v [n, n]` with `u diag(s) vᵀ = x`: descending singular values, and the singular
    /// vectors as columns, those of `u` signed as [`Linalg::LARGE`] says. NaN where `x` is not finite.
    Svd,
}

impl Linalg {
    /// Of each eigenvector and left singular vector, the first element at least so large, relative to the largest in
    /// magnitude, is positive. Less than 1, so that rounding does not choose among elements of one magnitude.
    pub const LARGE: f64 = 0.75;
    /// Passes of Jacobi rotations over all pairs, at most; six to ten are usual.
    pub const SWEEPS: usize = 20;

    /// The size of the result for one matrix, from the rows and columns of the first operand and the columns of the last.
    pub fn size(self, m: usize, n: usize, k: usize) -> usize {
        match self {
            Linalg::Cholesky => n * n,
            Linalg::TriangularSolve { .. } => n * k,
            Linalg::Lu => (n + 1) * (n + 1),
            Linalg::Qr { full: true } => m * m + m * n,
            Linalg::Qr { .. } => m * n + n * n,
            Linalg::Eigh => n + n * n,
            Linalg::Svd => m * n + n + n * n,
        }
    }
}

impl Op {
    /// The op's name for messages and profiles.
    pub fn name(&self) -> &'static str {
        match self {
            Op::Const(_) | Op::Param(_) => "scalar",
            Op::Iota { .. } => "range",
            Op::Pointwise(f) => f.name,
            Op::View(ViewOp::Reshape) => "reshape",
            Op::View(ViewOp::Permute(_)) => "transpose",
            Op::View(ViewOp::Slice { .. }) => "slice",
            Op::View(ViewOp::Broadcast) => "broadcastTo",
            Op::View(ViewOp::Detach) => "stopGradient",
            Op::View(ViewOp::Recompute { .. }) => "checkpoint",
            Op::Reduce { op: ReduceOp::Sum, .. } => "sum",
            Op::Reduce { op: ReduceOp::Prod, .. } => "prod",
            Op::Reduce { op: ReduceOp::Max, .. } => "max",
            Op::Reduce { op: ReduceOp::Min, .. } => "min",
            Op::ArgReduce { max: true } => "argMax",
            Op::ArgReduce { .. } => "argMin",
            Op::Scan(ScanKind { op: ReduceOp::Sum, .. }) => "cumsum",
            Op::Scan(ScanKind { op: ReduceOp::Prod, .. }) => "cumprod",
            Op::Scan(ScanKind { op: ReduceOp::Max, .. }) => "cummax",
            Op::Scan(ScanKind { op: ReduceOp::Min, .. }) => "cummin",
            Op::MatMul => "matMul",
            Op::Conv(ConvKind::Forward, _) => "conv2d",
            Op::Conv(ConvKind::BackwardInput, _) => "conv2dBackpropInput",
            Op::Conv(ConvKind::BackwardFilter, _) => "conv2dBackpropFilter",
            Op::Pool(PoolKind::Max, _) => "maxPool",
            Op::Pool(PoolKind::Avg, _) => "avgPool",
            Op::Pool(..) => "poolGradient",
            Op::Resize(ResizeKind::Bilinear, _) => "resizeBilinear",
            Op::Resize(ResizeKind::Nearest, _) => "resizeNearestNeighbor",
            Op::Resize(..) => "resizeGradient",
            Op::Index(IndexOp::Gather) => "gather",
            Op::Index(IndexOp::Scatter(_)) => "scatter",
            Op::Index(IndexOp::TakeAlong) => "takeAlong",
            Op::Index(IndexOp::PutAlongAdd) => "putAlong",
            Op::Pad { .. } => "pad",
            Op::Concat { .. } => "concat",
            Op::Routine(Routine::Linalg(Linalg::Cholesky)) => "cholesky",
            Op::Routine(Routine::Linalg(Linalg::TriangularSolve { .. })) => "triangularSolve",
            Op::Routine(Routine::Linalg(Linalg::Lu)) => "lu",
            Op::Routine(Routine::Linalg(Linalg::Qr { .. })) => "qr",
            Op::Routine(Routine::Linalg(Linalg::Eigh)) => "eigh",
            Op::Routine(Routine::Linalg(Linalg::Svd)) => "svd",
            Op::Routine(Routine::Sort { .. }) => "sort",
        }
    }

    /// Whether the build carries a kernel for it.
    pub(crate) fn is_carried(&self) -> bool {
        match self {
            Op::ArgReduce { .. } => const { has("kernel:argReduce") },
            Op::Scan(_) => const { has("kernel:scan") },
            Op::Conv(kind, geometry) => match (kind, geometry.is_depthwise()) {
                (ConvKind::Forward, false) => const { has("kernel:conv") },
                (ConvKind::Forward, true) => const { has("kernel:depthwise") },
                (_, false) => const { has("kernel:convGradient") },
                (_, true) => const { has("kernel:depthwiseGradient") },
            },
            Op::Pool(..) => const { has("kernel:pool") },
            Op::Resize(..) => const { has("kernel:resize") },
            Op::Index(_) => const { has("kernel:index") },
            Op::Pad { .. } => const { has("kernel:pad") },
            Op::Concat { .. } => const { has("kernel:concat") },
            Op::Routine(Routine::Sort { .. }) => const { has("kernel:sort") },
            Op::Routine(Routine::Linalg(_)) => const { has("kernel:linalg") },
            _ => true,
        }
    }

    /// Hashes what distinguishes plans: everything but the values of [`Op::Param`].
    pub fn hash_structure(&self, h: &mut StructureHasher) {
        std::mem::discriminant(self).hash(h);
        match self {
            Op::Const(value) => (value.dtype(), value.bits()).hash(h),
            Op::Param(value) => value.dtype().hash(h),
            Op::Iota { axis } | Op::Concat { axis } => axis.hash(h),
            Op::Pointwise(function) => function.id.hash(h),
            Op::View(view) => view.hash(h),
            Op::Reduce { op, axes } => (op, axes).hash(h),
            Op::ArgReduce { max } => max.hash(h),
            Op::Scan(kind) => kind.hash(h),
            Op::MatMul => {}
            Op::Conv(kind, geometry) => (kind, geometry).hash(h),
            Op::Pool(kind, geometry) => (kind, geometry).hash(h),
            Op::Resize(kind, geometry) => (kind, geometry).hash(h),
            Op::Index(op) => op.hash(h),
            Op::Pad { before, between } => (before, between).hash(h),
            Op::Routine(routine) => routine.hash(h),
        }
    }
}
