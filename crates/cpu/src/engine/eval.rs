//! The fused evaluator: runs a map's program over tiles of elements that stay in the first-level cache, one loop per
//! instruction, which the compiler makes vector code.

use std::ops::Range;

use headwater_core::dtype::Scalar;
use headwater_core::plan::{Access, Map, Source};
use headwater_core::scalar::{eval_binary, eval_unary, BinOp, Instr, Reg, UnOp};
use headwater_core::DType;

use crate::kernels::simd::{dispatch, Kernel, Level, Simd};
use crate::math;

/// Elements of a tile: registers of 2 KiB, a dozen of which fit the first-level cache.
pub const TILE: usize = 512;

/// Where a register's elements are while a tile is worked on.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    /// One value for all elements; see [`Prepared::uniform`].
    Uniform,
    /// A tile of scratch memory.
    Slot(usize),
    /// The output of this number, in place.
    Output(usize),
    /// The operand of this number, in place.
    Input(usize),
    /// The head's result, in place.
    Acc,
}

/// What is known of a map before its operands are.
pub struct Prepared {
    place: Vec<Place>,
    slots: usize,
    /// Outputs that are copies: of an operand, of the head, of a value, or of another output.
    copies: Vec<(usize, Reg)>,
    /// The least elements worth a thread.
    pub grain: usize,
}

impl Prepared {
    /// Chooses places for a map's registers.
    pub fn new(map: &Map) -> Prepared {
        let code = &map.program.code;
        let mut place = vec![Place::Uniform; code.len()];
        let mut last = vec![0; code.len()];
        for (i, instr) in code.iter().enumerate() {
            instr.operands().for_each(|r| last[r as usize] = i);
        }
        map.outputs.iter().for_each(|&(r, _)| last[r as usize] = code.len());
        let (mut free, mut slots) = (Vec::new(), 0);
        let mut copies = Vec::new();
        for (i, instr) in code.iter().enumerate() {
            let varies = match *instr {
                Instr::Const(_) | Instr::Param(_) => false,
                Instr::Acc => true,
                Instr::Input(n) => !is_uniform(&map.inputs[n as usize]),
                _ => instr.operands().any(|r| place[r as usize] != Place::Uniform),
            };
            let output = map.outputs.iter().position(|&(r, _)| r as usize == i);
            if varies {
                place[i] = match (*instr, output) {
                    (Instr::Acc, _) => Place::Acc,
                    (Instr::Input(n), _) if in_place(&map.inputs[n as usize]) => Place::Input(n as usize),
                    (_, Some(output)) => Place::Output(output),
                    _ => Place::Slot(free.pop().unwrap_or_else(|| {
                        slots += 1;
                        slots - 1
                    })),
                };
            }
            // A slot is free after its last use; the result above never shares it with an operand.
            for r in instr.operands() {
                if let (Place::Slot(s), true) = (place[r as usize], last[r as usize] == i) {
                    if !free.contains(&s) {
                        free.push(s);
                    }
                }
            }
        }
        for (o, &(r, _)) in map.outputs.iter().enumerate() {
            if place[r as usize] != Place::Output(o) {
                copies.push((o, r));
            }
        }
        let grain = ((1 << 16) / (map.program.cost() + 2)).max(TILE);
        Prepared { place, slots, copies, grain }
    }
}

fn is_uniform(access: &Access) -> bool {
    access.view.strides.iter().zip(access.view.shape.iter()).all(|(&s, &d)| s == 0 || d <= 1)
}

/// Whether linear index `i` is the element `offset + i` of a buffer.
fn in_place(access: &Access) -> bool {
    let natural = access.view.shape.strides();
    let ordered =
        (0..access.view.shape.rank()).all(|d| access.view.shape[d] <= 1 || access.view.strides[d] == natural[d]);
    ordered && access.source != Source::Index
}

/// What a map computes on.
#[derive(Clone, Copy)]
pub struct Operands<'a> {
    /// One buffer per input; empty for an index source.
    pub inputs: &'a [&'a [u32]],
    /// The plan's run-time scalars.
    pub params: &'a [u32],
    /// The head's results, for the range that is evaluated.
    pub acc: &'a [u32],
}

/// An evaluation of `range` of a map; outputs are slices for that range.
pub struct Evaluate<'a, 'o> {
    /// The map.
    pub map: &'a Map,
    /// Its preparation.
    pub prepared: &'a Prepared,
    /// Its operands.
    pub operands: Operands<'a>,
    /// Linear indices.
    pub range: Range<usize>,
    /// The results.
    pub outputs: Vec<&'o mut [u32]>,
}

impl Evaluate<'_, '_> {
    /// Runs.
    pub fn run(self, level: Level) {
        dispatch(level, self);
    }

    /// Values of registers that are the same for all elements; `None` for the others.
    fn uniform(&self) -> Vec<Option<u32>> {
        let program = &self.map.program;
        let mut values = vec![0u32; program.code.len()];
        for (i, instr) in program.code.iter().enumerate() {
            if self.prepared.place[i] != Place::Uniform {
                continue;
            }
            let at = |r: Reg| Scalar::from_bits(program.types[r as usize], values[r as usize]);
            values[i] = match *instr {
                Instr::Const(bits) => bits,
                Instr::Param(n) => self.operands.params[self.map.params[n as usize]],
                Instr::Input(n) => {
                    let access = &self.map.inputs[n as usize];
                    match access.source {
                        Source::Index => access.view.offset as u32,
                        Source::Buffer(_) => {
                            self.operands.inputs[n as usize].get(access.view.offset).copied().unwrap_or(0)
                        }
                    }
                }
                Instr::Unary(op, a) => eval_unary(op, at(a)).bits(),
                Instr::Binary(op, a, b) => eval_binary(op, at(a), at(b)).bits(),
                Instr::Select(c, a, b) => at(if values[c as usize] != 0 { a } else { b }).bits(),
                Instr::Cast(a) => cast(at(a), program.types[i]),
                Instr::Acc => 0,
            };
        }
        let is_uniform = |i: usize| self.prepared.place[i] == Place::Uniform;
        values.into_iter().enumerate().map(|(i, v)| is_uniform(i).then_some(v)).collect()
    }
}

fn cast(value: Scalar, to: DType) -> u32 {
    let wide = match value {
        Scalar::F32(v) => f64::from(v),
        Scalar::I32(v) => f64::from(v),
        Scalar::Bool(v) => f64::from(u8::from(v)),
    };
    Scalar::from_f64(to, wide).bits()
}

// The method is unsafe to call, by the trait; nothing in it is.
#[allow(unsafe_code)]
impl Kernel for Evaluate<'_, '_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(mut self) {
        let uniform: Vec<Vec<u32>> =
            self.uniform().into_iter().map(|v| v.map_or_else(Vec::new, |v| vec![v; TILE])).collect();
        let mut slots = vec![vec![0u32; TILE]; self.prepared.slots];
        let mut outputs = std::mem::take(&mut self.outputs);
        let (code, types) = (&self.map.program.code, &self.map.program.types);
        let mut start = self.range.start;
        while start < self.range.end {
            let len = TILE.min(self.range.end - start);
            let skip = start - self.range.start;
            let mut tiles: Vec<&mut [u32]> = outputs.iter_mut().map(|o| &mut o[skip..skip + len]).collect();
            for (i, instr) in code.iter().enumerate() {
                let mut slot = Vec::new();
                let mut tile: &mut [u32] = &mut [];
                let place = self.prepared.place[i];
                let out: &mut [u32] = match place {
                    Place::Slot(s) => {
                        slot = std::mem::take(&mut slots[s]);
                        &mut slot[..len]
                    }
                    Place::Output(o) => {
                        tile = std::mem::take(&mut tiles[o]);
                        &mut *tile
                    }
                    Place::Uniform | Place::Input(_) | Place::Acc => continue,
                };
                let at = |r: Reg| self.lanes(r, start, skip, len, &uniform, &slots, &tiles);
                match *instr {
                    Instr::Input(n) => load(&self.map.inputs[n as usize], self.operands.inputs[n as usize], start, out),
                    Instr::Unary(op, a) => unary(op, types[a as usize], at(a), out),
                    Instr::Binary(op, a, b) => binary(op, types[a as usize], at(a), at(b), out),
                    Instr::Select(c, a, b) => select(at(c), at(a), at(b), out),
                    Instr::Cast(a) => convert(types[a as usize], types[i], at(a), out),
                    Instr::Acc | Instr::Const(_) | Instr::Param(_) => {}
                }
                match place {
                    Place::Slot(s) => slots[s] = slot,
                    Place::Output(o) => tiles[o] = tile,
                    _ => {}
                }
            }
            for &(o, r) in &self.prepared.copies {
                let tile = std::mem::take(&mut tiles[o]);
                tile.copy_from_slice(self.lanes(r, start, skip, len, &uniform, &slots, &tiles));
                tiles[o] = tile;
            }
            start += len;
        }
    }
}

impl<'a> Evaluate<'a, '_> {
    #[allow(clippy::too_many_arguments)] // the places a register may be
    #[inline(always)]
    fn lanes<'t>(
        &self,
        r: Reg,
        start: usize,
        skip: usize,
        len: usize,
        uniform: &'t [Vec<u32>],
        slots: &'t [Vec<u32>],
        tiles: &'t [&mut [u32]],
    ) -> &'t [u32]
    where
        'a: 't,
    {
        match self.prepared.place[r as usize] {
            Place::Uniform => &uniform[r as usize][..len],
            Place::Slot(s) => &slots[s][..len],
            Place::Output(o) => &tiles[o][..len],
            Place::Input(n) => {
                let at = self.map.inputs[n].view.offset + start;
                &self.operands.inputs[n][at..at + len]
            }
            Place::Acc => &self.operands.acc[skip..skip + len],
        }
    }
}

/// Reads elements `start..` of a strided operand.
pub fn load(access: &Access, buffer: &[u32], start: usize, out: &mut [u32]) {
    let view = &access.view;
    let rank = view.shape.rank();
    let (inner, stride) = (view.shape[rank - 1], view.strides[rank - 1]);
    // The position of `start`, then row by row.
    let mut at = view.offset as isize;
    let (mut few, mut many) = ([0; 16], Vec::new());
    let index: &mut [usize] = if rank <= few.len() {
        &mut few[..rank]
    } else {
        many.resize(rank, 0);
        &mut many
    };
    let mut rest = start;
    for d in (0..rank).rev() {
        index[d] = rest % view.shape[d];
        rest /= view.shape[d];
        at += index[d] as isize * view.strides[d];
    }
    let mut filled = 0;
    while filled < out.len() {
        let n = (inner - index[rank - 1]).min(out.len() - filled);
        let row = &mut out[filled..filled + n];
        match access.source {
            Source::Index => row.iter_mut().enumerate().for_each(|(i, o)| *o = (at + i as isize * stride) as u32),
            Source::Buffer(_) => match stride {
                1 => row.copy_from_slice(&buffer[at as usize..at as usize + n]),
                0 => row.fill(buffer[at as usize]),
                _ => row.iter_mut().enumerate().for_each(|(i, o)| *o = buffer[(at + i as isize * stride) as usize]),
            },
        }
        filled += n;
        // The next row.
        at -= index[rank - 1] as isize * stride;
        index[rank - 1] = 0;
        for d in (0..rank - 1).rev() {
            index[d] += 1;
            at += view.strides[d];
            if index[d] < view.shape[d] {
                break;
            }
            at -= view.shape[d] as isize * view.strides[d];
            index[d] = 0;
        }
    }
}

// One loop per instruction and no special forms for constants: those are tiles, too, that stay in the cache. Three
// times the code would be a tenth of the web build.

#[inline(always)]
fn map1(a: &[u32], out: &mut [u32], f: impl Fn(u32) -> u32) {
    out.iter_mut().zip(a).for_each(|(o, &a)| *o = f(a));
}

#[inline(always)]
fn map2(a: &[u32], b: &[u32], out: &mut [u32], f: impl Fn(u32, u32) -> u32) {
    out.iter_mut().zip(a).zip(b).for_each(|((o, &a), &b)| *o = f(a, b));
}

#[inline(always)]
fn float1(a: &[u32], out: &mut [u32], f: impl Fn(f32) -> f32) {
    map1(a, out, |a| f(f32::from_bits(a)).to_bits());
}

#[inline(always)]
fn float2(a: &[u32], b: &[u32], out: &mut [u32], f: impl Fn(f32, f32) -> f32) {
    map2(a, b, out, |a, b| f(f32::from_bits(a), f32::from_bits(b)).to_bits());
}

#[inline(always)]
fn compare2(a: &[u32], b: &[u32], out: &mut [u32], f: impl Fn(f32, f32) -> bool) {
    map2(a, b, out, |a, b| u32::from(f(f32::from_bits(a), f32::from_bits(b))));
}

/// Angles in the tile that the quick reduction cannot take, one by one.
fn fix_large_angles(a: &[u32], out: &mut [u32], f: impl Fn(f32) -> f32) {
    for (o, &a) in out.iter_mut().zip(a) {
        let x = f32::from_bits(a);
        if x.abs() > math::LARGE_ANGLE {
            *o = f(x).to_bits();
        }
    }
}

#[inline(always)]
fn unary(op: UnOp, dtype: DType, a: &[u32], out: &mut [u32]) {
    if dtype != DType::F32 {
        return match op {
            UnOp::Neg => map1(a, out, |a| (a as i32).wrapping_neg() as u32),
            UnOp::Abs => map1(a, out, |a| (a as i32).wrapping_abs() as u32),
            UnOp::Not => map1(a, out, |a| u32::from(a == 0)),
            _ => map1(a, out, |a| a),
        };
    }
    match op {
        UnOp::Neg => float1(a, out, |x| -x),
        UnOp::Abs => float1(a, out, f32::abs),
        UnOp::Floor => float1(a, out, f32::floor),
        UnOp::Ceil => float1(a, out, f32::ceil),
        UnOp::Round => float1(a, out, math::round),
        UnOp::Trunc => float1(a, out, f32::trunc),
        UnOp::Sqrt => float1(a, out, f32::sqrt),
        UnOp::Exp => float1(a, out, math::exp),
        UnOp::Expm1 => float1(a, out, math::expm1),
        UnOp::Log => float1(a, out, math::log),
        UnOp::Log1p => float1(a, out, math::log1p),
        UnOp::Sin => {
            float1(a, out, math::sin);
            fix_large_angles(a, out, f32::sin);
        }
        UnOp::Cos => {
            float1(a, out, math::cos);
            fix_large_angles(a, out, f32::cos);
        }
        UnOp::Tanh => float1(a, out, math::tanh),
        UnOp::Tan => float1(a, out, f32::tan),
        UnOp::Asin => float1(a, out, f32::asin),
        UnOp::Acos => float1(a, out, f32::acos),
        UnOp::Atan => float1(a, out, f32::atan),
        UnOp::IsNan => map1(a, out, |a| u32::from(a & 0x7fff_ffff > 0x7f80_0000)),
        UnOp::IsInf => map1(a, out, |a| u32::from(a & 0x7fff_ffff == 0x7f80_0000)),
        UnOp::Not => map1(a, out, |a| u32::from(f32::from_bits(a) == 0.0)),
    }
}

#[inline(always)]
fn binary(op: BinOp, dtype: DType, a: &[u32], b: &[u32], out: &mut [u32]) {
    if dtype == DType::F32 {
        return match op {
            BinOp::Add => float2(a, b, out, |x, y| x + y),
            BinOp::Sub => float2(a, b, out, |x, y| x - y),
            BinOp::Mul => float2(a, b, out, |x, y| x * y),
            BinOp::Div => float2(a, b, out, |x, y| x / y),
            BinOp::Rem => float2(a, b, out, |x, y| x % y),
            // The comparison is false for NaN: x + y then carries it.
            BinOp::Min => float2(a, b, out, |x, y| {
                if x < y {
                    x
                } else if y <= x {
                    y
                } else {
                    x + y
                }
            }),
            BinOp::Max => float2(a, b, out, |x, y| {
                if x > y {
                    x
                } else if y >= x {
                    y
                } else {
                    x + y
                }
            }),
            BinOp::Pow => float2(a, b, out, math::pow),
            BinOp::Atan2 => float2(a, b, out, f32::atan2),
            BinOp::Eq => compare2(a, b, out, |x, y| x == y),
            BinOp::Ne => compare2(a, b, out, |x, y| x != y),
            BinOp::Lt => compare2(a, b, out, |x, y| x < y),
            BinOp::Le => compare2(a, b, out, |x, y| x <= y),
            BinOp::Gt => compare2(a, b, out, |x, y| x > y),
            BinOp::Ge => compare2(a, b, out, |x, y| x >= y),
            BinOp::And | BinOp::Or | BinOp::Xor | BinOp::Shl | BinOp::Shr => map1(a, out, |a| a),
        };
    }
    let int = |a: u32| a as i32;
    match op {
        BinOp::Add if dtype == DType::Bool => map2(a, b, out, |a, b| a | b),
        BinOp::Add => map2(a, b, out, u32::wrapping_add),
        BinOp::Sub => map2(a, b, out, u32::wrapping_sub),
        BinOp::Mul => map2(a, b, out, u32::wrapping_mul),
        BinOp::Div => map2(a, b, out, |a, b| if b == 0 { 0 } else { int(a).wrapping_div(int(b)) as u32 }),
        BinOp::Rem => map2(a, b, out, |a, b| if b == 0 { 0 } else { int(a).wrapping_rem(int(b)) as u32 }),
        BinOp::Min => map2(a, b, out, |a, b| int(a).min(int(b)) as u32),
        BinOp::Max => map2(a, b, out, |a, b| int(a).max(int(b)) as u32),
        BinOp::Eq => map2(a, b, out, |a, b| u32::from(a == b)),
        BinOp::Ne => map2(a, b, out, |a, b| u32::from(a != b)),
        BinOp::Lt => map2(a, b, out, |a, b| u32::from(int(a) < int(b))),
        BinOp::Le => map2(a, b, out, |a, b| u32::from(int(a) <= int(b))),
        BinOp::Gt => map2(a, b, out, |a, b| u32::from(int(a) > int(b))),
        BinOp::Ge => map2(a, b, out, |a, b| u32::from(int(a) >= int(b))),
        BinOp::And => map2(a, b, out, |a, b| a & b),
        BinOp::Or => map2(a, b, out, |a, b| a | b),
        BinOp::Xor => map2(a, b, out, |a, b| a ^ b),
        BinOp::Shl => map2(a, b, out, u32::wrapping_shl),
        BinOp::Shr => map2(a, b, out, u32::wrapping_shr),
        BinOp::Pow | BinOp::Atan2 => map1(a, out, |a| a),
    }
}

#[inline(always)]
fn select(c: &[u32], a: &[u32], b: &[u32], out: &mut [u32]) {
    out.iter_mut().zip(c).zip(a).zip(b).for_each(|(((o, &c), &a), &b)| *o = if c != 0 { a } else { b });
}

#[inline(always)]
fn convert(from: DType, to: DType, a: &[u32], out: &mut [u32]) {
    match (from, to) {
        (DType::F32, DType::I32) => map1(a, out, |a| f32::from_bits(a) as i32 as u32),
        (DType::F32, DType::Bool) => map1(a, out, |a| u32::from(f32::from_bits(a) != 0.0)),
        (DType::I32 | DType::Bool, DType::F32) => map1(a, out, |a| (a as i32 as f32).to_bits()),
        (DType::I32, DType::Bool) => map1(a, out, |a| u32::from(a != 0)),
        _ => map1(a, out, |a| a),
    }
}
