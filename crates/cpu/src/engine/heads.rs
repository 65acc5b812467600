//! Heads: what provides a kernel's accumulator.

#[cfg(feature = "linalg")]
use headwater_core::AllOk;
use headwater_core::Listed;
use std::sync::{Arc, Mutex, PoisonError};

#[cfg(any(feature = "linalg", feature = "sort"))]
use headwater_core::op::Routine;
use headwater_core::op::{ConvGeometry, ConvKind, Dims, IndexOp, ReduceOp};
use headwater_core::plan::{Access, Head, Map, PadValue, Source, ValueId};
use headwater_core::selection::has;
use headwater_core::view::{collapse, View};
use headwater_core::{DType, Error, Result, Shape};
use headwater_lanes::Combine;

use super::eval::load;
use super::memory::{Elements, Lanes, PackedWeight};
use super::tail::recognise;
use super::{PreparedKernel, Run};
use crate::kernels::gemm::{self, Epilogue};
#[cfg(feature = "linalg")]
use crate::kernels::linalg;
#[cfg(feature = "sort")]
use crate::kernels::sort;
use crate::kernels::{conv, depthwise, images, multiply_strided, scan, Matrix};

impl Run<'_> {
    /// Computes a head into `out`, row-major.
    pub(super) fn head(&self, head: &Head, prepared: &PreparedKernel, out: &mut [u32]) -> Result<()> {
        let pool = &*self.engine.pool;
        match head {
            Head::Reduce { op, body, kept } => match &prepared.body {
                Some(prepared) => self.reduce(*op, body, *kept, prepared, out),
                None => Err(Error::device("cpu", "a reduction that was not prepared")),
            },
            Head::ArgReduce { max, input } if const { has("kernel:argReduce") } => self.arg_reduce(*max, input, out),
            Head::Scan { kind, shape, input } if const { has("kernel:scan") } => {
                let dtype = self.plan.values[*input].dtype;
                scan::scan(self.engine.level, pool, *kind, dtype, *shape, self.lanes(*input)?, out);
                Ok(())
            }
            Head::MatMul { a, b } => self.matmul(a, b, bytemuck::cast_slice_mut(out), Epilogue::NONE),
            Head::Conv { kind, geometry, inputs } if const { has("kernel:conv") } => {
                self.conv(*kind, geometry, *inputs, bytemuck::cast_slice_mut(out), Epilogue::NONE)
            }
            Head::Pool { kind, geometry, inputs } if const { has("kernel:pool") } => {
                let index = match inputs.get(1) {
                    Some(&index) => self.lanes(index)?,
                    None => &[],
                };
                let operands = images::Operands { a: self.floats(inputs[0])?, index };
                images::window(pool, *kind, geometry, operands, out);
                Ok(())
            }
            Head::Resize { kind, geometry, input } if const { has("kernel:resize") } => {
                images::resize(pool, *kind, geometry, self.floats(*input)?, bytemuck::cast_slice_mut(out));
                Ok(())
            }
            Head::Index { op, from, to, input, index } if const { has("kernel:index") } => {
                self.index(*op, *from, *to, *input, *index, out)
            }
            Head::Pad { before, between, shape, input, value } if const { has("kernel:pad") } => {
                let fill = match value {
                    PadValue::Const(bits) => *bits,
                    PadValue::Param(k) => self.params[*k],
                };
                out.fill(fill);
                let step = |d: usize| between[d] as isize + 1;
                self.place(input, shape, before, (0..shape.rank()).map(step).listed(), out)
            }
            Head::Concat { axis, shape, inputs } if const { has("kernel:concat") } => {
                let mut begin: Dims = Dims::from_elem(0, shape.rank());
                for input in inputs {
                    self.place(input, shape, &begin, vec![1; shape.rank()], out)?;
                    begin[*axis] += input.view.shape[*axis];
                }
                Ok(())
            }
            #[cfg(feature = "sort")]
            Head::Routine { routine: Routine::Sort { descending }, inputs, shapes, out: shape }
                if const { has("kernel:sort") } =>
            {
                let dtype = self.plan.values[inputs[0]].dtype;
                sort::sort(pool, self.lanes(inputs[0])?, dtype, *descending, shapes[0][1], shape[1], out);
                Ok(())
            }
            #[cfg(feature = "linalg")]
            Head::Routine { routine: Routine::Linalg(routine), inputs, shapes, .. } if const { has("kernel:linalg") } =>
            {
                let operands = inputs.iter().map(|&v| self.floats(v)).all_ok()?;
                linalg::run(pool, *routine, shapes, &operands, bytemuck::cast_slice_mut(out));
                Ok(())
            }
            #[allow(unreachable_patterns)] // where all features are on
            Head::Routine { routine, .. } => {
                Err(Error::device("cpu", format_args!("this build is without the feature {}", routine.feature())))
            }
            // Not planned where the build carries no such kernel.
            _ => Ok(()),
        }
    }

    /// Computes a head with its tail on the register tile, where both allow; otherwise leaves `out` and returns false.
    pub(super) fn head_with_tail(
        &self,
        head: &Head,
        map: &Map,
        prepared: &PreparedKernel,
        out: &mut Lanes,
    ) -> Result<bool> {
        if map.is_identity_of_acc() {
            self.head(head, prepared, out.get_mut())?;
            return Ok(true);
        }
        let columns = match head {
            Head::MatMul { b, .. } => b.view.shape[2],
            Head::Conv { kind: ConvKind::Forward, geometry, .. } => geometry.out_channels,
            _ => return Ok(false),
        };
        let Some(tail) = recognise(map, columns) else { return Ok(false) };
        let input = |n: Option<usize>| -> Result<Option<&[f32]>> {
            let Some(access) = n.map(|n| &map.inputs[n]) else { return Ok(None) };
            match access.source {
                Source::Buffer(value) => Ok(Some(&self.floats(value)?[access.view.offset..])),
                Source::Index => Ok(None),
            }
        };
        let epilogue = Epilogue { bias: input(tail.bias)?, residual: input(tail.residual)?, lo: tail.lo, hi: tail.hi };
        let out = bytemuck::cast_slice_mut(out.get_mut());
        match head {
            Head::MatMul { a, b } => self.matmul(a, b, out, epilogue)?,
            Head::Conv { kind, geometry, inputs } if const { has("kernel:conv") } => {
                self.conv(*kind, geometry, *inputs, out, epilogue)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn matmul(&self, a: &Access, b: &Access, out: &mut [f32], epilogue: Epilogue<'_>) -> Result<()> {
        let (batch, m, k) = (a.view.shape[0], a.view.shape[1], a.view.shape[2]);
        let n = b.view.shape[2];
        if out.is_empty() {
            return Ok(());
        }
        let (level, pool) = (self.engine.level, &*self.engine.pool);
        let (x, y) = (self.access_floats(a)?, self.access_floats(b)?);
        let pack = |start: isize| gemm::pack(level, y, start, k, n, b.view.strides[1], b.view.strides[2]);
        // One right operand for all batches is packed once, and kept where it serves again.
        let shared = if batch == 1 || b.view.strides[0] == 0 {
            Some(self.packed_matrix(b, || pack(b.view.offset as isize))?)
        } else {
            None
        };
        for i in 0..batch {
            let left = Matrix {
                data: x,
                start: (a.view.offset as isize + i as isize * a.view.strides[0]) as usize,
                rs: a.view.strides[1],
                cs: a.view.strides[2],
            };
            let c = &mut out[i * m * n..(i + 1) * m * n];
            let e = Epilogue { residual: epilogue.residual.map(|r| &r[i * m * n..]), ..epilogue };
            match &shared {
                Some(packed) => {
                    if let PackedWeight::Matrix(packed, _) = &**packed {
                        multiply_strided(level, pool, left, packed, m, c, e);
                    }
                }
                None => {
                    let packed = pack(b.view.offset as isize + i as isize * b.view.strides[0]);
                    multiply_strided(level, pool, left, &packed, m, c, e);
                }
            }
        }
        Ok(())
    }

    fn access_floats(&self, access: &Access) -> Result<&[f32]> {
        match access.source {
            Source::Buffer(value) => self.floats(value),
            Source::Index => Err(Error::device("cpu", "an index as the operand of a product")),
        }
    }

    /// A leaf that serves as a weight again and again is packed once; anything else each time.
    fn packed(
        &self,
        value: ValueId,
        make: impl Fn() -> PackedWeight,
        fits: impl Fn(&PackedWeight) -> bool,
    ) -> Result<Arc<PackedWeight>> {
        let lanes = self.value(value)?;
        if value >= self.plan.leaves {
            return Ok(Arc::new(make()));
        }
        let mut second = true;
        let cell = lanes.packed.get_or_init(|| {
            second = false;
            Mutex::new(None)
        });
        if !second {
            return Ok(Arc::new(make()));
        }
        let mut cell = cell.lock().unwrap_or_else(PoisonError::into_inner);
        match &*cell {
            Some(packed) if fits(packed) => Ok(packed.clone()),
            Some(_) => Ok(Arc::new(make())),
            None => {
                let packed = Arc::new(make());
                *cell = Some(packed.clone());
                Ok(packed)
            }
        }
    }

    fn packed_matrix(&self, b: &Access, pack: impl Fn() -> gemm::Packed) -> Result<Arc<PackedWeight>> {
        let Source::Buffer(value) = b.source else {
            return Err(Error::device("cpu", "an index as the operand of a product"));
        };
        let layout = [b.view.offset as isize, b.view.strides[1], b.view.strides[2]];
        let (k, n) = (b.view.shape[1], b.view.shape[2]);
        let fits = |p: &PackedWeight| matches!(p, PackedWeight::Matrix(p, l) if *l == layout && p.k == k && p.n == n);
        self.packed(value, || PackedWeight::Matrix(pack(), layout), fits)
    }

    fn conv(
        &self,
        kind: ConvKind,
        g: &ConvGeometry,
        inputs: [ValueId; 2],
        out: &mut [f32],
        e: Epilogue<'_>,
    ) -> Result<()> {
        let (level, pool) = (self.engine.level, &*self.engine.pool);
        let (a, b) = (self.floats(inputs[0])?, self.floats(inputs[1])?);
        // One filter per channel has kernels of its own.
        let single = g.is_depthwise() && g.out_channels == g.in_channels;
        match kind {
            ConvKind::Forward if single && const { has("kernel:depthwise") } => {
                depthwise::forward(level, pool, g, a, b, out, e)
            }
            ConvKind::Forward => {
                let make = || PackedWeight::Filters(conv::pack_filters(level, g, b));
                let filters = self.packed(inputs[1], make, |p| matches!(p, PackedWeight::Filters(f) if f.fits(g)))?;
                if let PackedWeight::Filters(filters) = &*filters {
                    conv::forward(level, pool, g, a, filters, out, e);
                }
            }
            ConvKind::BackwardInput if single && const { has("kernel:depthwiseGradient") } => {
                depthwise::backward_input(pool, g, a, b, out)
            }
            ConvKind::BackwardInput if const { has("kernel:convGradient") } => {
                conv::backward_input(level, pool, g, a, b, out, e)
            }
            ConvKind::BackwardFilter if single && const { has("kernel:depthwiseGradient") } => {
                depthwise::backward_filter(pool, g, a, b, out)
            }
            ConvKind::BackwardFilter if const { has("kernel:convGradient") } => {
                conv::backward_filter(level, pool, g, a, b, out)
            }
            _ => {}
        }
        Ok(())
    }

    fn arg_reduce(&self, max: bool, input: &Access, out: &mut [u32]) -> Result<()> {
        let n = input.view.shape[1];
        if n == 0 {
            // As the reference: the position of nothing is 0.
            out.fill(0);
            return Ok(());
        }
        let elements = self.elements(input)?;
        let mut row = vec![0u32; n];
        for (r, out) in out.iter_mut().enumerate() {
            load(input, elements, r * n, &mut row);
            let better = |a: u32, b: u32| match (input.dtype, max) {
                (DType::F32, true) => f32::from_bits(a) > f32::from_bits(b),
                (DType::F32, false) => f32::from_bits(a) < f32::from_bits(b),
                (_, true) => (a as i32) > (b as i32),
                (_, false) => (a as i32) < (b as i32),
            };
            let best = (1..n).fold(0, |best, i| if better(row[i], row[best]) { i } else { best });
            *out = best as u32;
        }
        Ok(())
    }

    fn index(
        &self,
        op: IndexOp,
        from: [usize; 3],
        to: [usize; 3],
        input: ValueId,
        index: ValueId,
        out: &mut [u32],
    ) -> Result<()> {
        let (x, index) = (Elements::of(self.given(input)?)?, self.lanes(index)?);
        let op_of_places = if let IndexOp::Scatter(op) = op { op } else { ReduceOp::Sum };
        let combine = Combine { op: op_of_places, dtype: self.plan.values[input].dtype };
        let gathers = matches!(op, IndexOp::Gather | IndexOp::TakeAlong);
        let along = matches!(op, IndexOp::TakeAlong | IndexOp::PutAlongAdd);
        let inner = from[2];
        let (n, k) = if gathers { (from[1], to[1]) } else { (to[1], from[1]) };
        if !gathers {
            out.fill(combine.empty());
        }
        for outer in 0..from[0] {
            for i in 0..k {
                let at = index[if along { outer * k + i } else { i }] as usize;
                let narrow = (outer * k + i) * inner;
                // A negative index is a huge one here.
                if at >= n {
                    if gathers {
                        out[narrow..narrow + inner].fill(0);
                    }
                    continue;
                }
                let wide = (outer * n + at) * inner;
                if gathers {
                    x.read(wide, &mut out[narrow..narrow + inner]);
                } else {
                    for (o, &v) in out[wide..wide + inner].iter_mut().zip(&x.words[narrow..narrow + inner]) {
                        *o = combine.pair(*o, v);
                    }
                }
            }
        }
        Ok(())
    }

    /// Writes an operand's elements into a part of a tensor of `shape`: from `begin`, `step` apart.
    fn place(&self, input: &Access, shape: &Shape, begin: &[usize], step: Vec<isize>, out: &mut [u32]) -> Result<()> {
        let elements = self.elements(input)?;
        let inner = &input.view.shape;
        if inner.size() == 0 {
            return Ok(());
        }
        let target = View::contiguous(shape.clone()).slice(begin, inner, &step);
        // Rows as long as both sides allow.
        let mut views = [input.view.clone(), target];
        let inner = collapse(inner, &mut views);
        let [view, target] = views;
        let input = Access { view, ..input.clone() };
        let (row, stride) = (inner[inner.rank() - 1], target.strides[inner.rank() - 1] as usize);
        let mut scratch = vec![0u32; row];
        for start in (0..inner.size()).step_by(row) {
            let at = target.element(start);
            if stride == 1 {
                load(&input, elements, start, &mut out[at..at + row]);
            } else {
                load(&input, elements, start, &mut scratch);
                scratch.iter().enumerate().for_each(|(i, &v)| out[at + i * stride] = v);
            }
        }
        Ok(())
    }
}
