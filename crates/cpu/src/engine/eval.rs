//! The fused evaluator: runs a map's program over tiles of elements that stay in the first-level cache, one loop per
//! instruction: see [`headwater_lanes`].

use headwater_core::Listed;
use std::ops::Range;

use headwater_core::dtype::Scalar;
use headwater_core::packed::per_word;
use headwater_core::plan::{Access, Map, Source, Value};
use headwater_core::scalar::{eval_cast, exact_binary, exact_unary, Instr, Reg};

use super::memory::Elements;
use headwater_lanes::simd::Level;
use headwater_lanes::{binary, convert, fill, select, takes_block, unary, BLOCK};

/// Elements of a tile: registers of 2 KiB, a dozen of which fit the first-level cache.
pub const TILE: usize = 512;
/// Elements of a tile where neither a register nor a constant takes room beside the operands: fewer tiles to begin.
const LONG_TILE: usize = 4096;

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
    /// Registers that are the same for all elements of a row, and read by the block: no more of a slot than that is filled.
    by_block: Vec<bool>,
    /// Tiles end where rows of so many elements do.
    row: usize,
    /// Outputs that are copies: of an operand, of the head, of a value, or of another output.
    copies: Vec<(usize, Reg)>,
    /// The least elements worth a thread.
    pub grain: usize,
    tile: usize,
}

impl Prepared {
    /// Chooses places for a map's registers.
    pub fn new(map: &Map, values: &[Value]) -> Prepared {
        let code = &map.program.code;
        let mut place = vec![Place::Uniform; code.len()];
        let mut last = vec![0; code.len()];
        for (i, instr) in code.iter().enumerate() {
            instr.operands().for_each(|r| last[r as usize] = i);
        }
        map.outputs.iter().for_each(|&(r, _)| last[r as usize] = code.len());
        let (mut free, mut slots, mut constants) = (Vec::new(), 0, 0);
        let mut copies = Vec::new();
        let by_block = by_block(map);
        let row = if by_block.contains(&true) { map.shape[map.shape.rank() - 1] } else { usize::MAX };
        for (i, instr) in code.iter().enumerate() {
            let varies = match *instr {
                Instr::Const(_) | Instr::Param(_) => false,
                Instr::Acc => true,
                Instr::Input(n) => !is_uniform(&map.inputs[n as usize]),
                _ => is_approximate(instr) || instr.operands().any(|r| place[r as usize] != Place::Uniform),
            };
            let output = map.outputs.iter().position(|&(r, _)| r as usize == i);
            if varies {
                place[i] = match (*instr, output) {
                    (Instr::Acc, _) => Place::Acc,
                    (Instr::Input(n), _) if in_place(&map.inputs[n as usize], values) => Place::Input(n as usize),
                    (_, Some(output)) => Place::Output(output),
                    _ if by_block[i] => {
                        slots += 1;
                        Place::Slot(slots - 1)
                    }
                    _ => Place::Slot(free.pop().unwrap_or_else(|| {
                        slots += 1;
                        slots - 1
                    })),
                };
            }
            let short = match *instr {
                Instr::Binary(op, a, _) => takes_block(op, map.program.types[a as usize]),
                _ => false,
            };
            if varies && !short {
                constants += instr.operands().filter(|&r| place[r as usize] == Place::Uniform).count();
            }
            // A slot is free after its last use; the result above never shares it with an operand.
            for r in instr.operands() {
                if let (Place::Slot(s), true) = (place[r as usize], last[r as usize] == i && !by_block[r as usize]) {
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
        let long = slots - by_block.iter().filter(|&&by_block| by_block).count();
        let tile = (LONG_TILE >> (long + constants).div_ceil(2)).max(TILE);
        Prepared { place, slots, by_block, row, copies, grain, tile }
    }
}

/// Which registers are operands that are the same for all elements of long rows, and only read by what takes a block of them.
fn by_block(map: &Map) -> Vec<bool> {
    let last = map.shape.rank() - 1;
    let is_column = |access: &Access| access.view.strides[last] == 0 && !is_uniform(access);
    let mut by_block: Vec<bool> = (map.program.code.iter())
        .map(|instr| matches!(*instr, Instr::Input(n) if map.shape[last] >= TILE && is_column(&map.inputs[n as usize])))
        .collect();
    for instr in &map.program.code {
        if !matches!(*instr, Instr::Binary(op, a, _) if takes_block(op, map.program.types[a as usize])) {
            instr.operands().for_each(|r| by_block[r as usize] = false);
        }
    }
    map.outputs.iter().for_each(|&(r, _)| by_block[r as usize] = false);
    by_block
}

/// Whether an instruction is computed by the lanes' own functions, of which there are none for one element.
fn is_approximate(instr: &Instr) -> bool {
    match instr {
        Instr::Unary(op, _) => exact_unary(*op, Scalar::F32(1.0)).is_none(),
        Instr::Binary(op, ..) => exact_binary(*op, Scalar::F32(1.0), Scalar::F32(1.0)).is_none(),
        _ => false,
    }
}

fn is_uniform(access: &Access) -> bool {
    access.view.strides.iter().zip(access.view.shape.iter()).all(|(&s, &d)| s == 0 || d <= 1)
}

/// Whether linear index `i` is the lane `offset + i` of a buffer.
pub fn in_place(access: &Access, values: &[Value]) -> bool {
    let natural = access.view.shape.strides();
    let ordered =
        (0..access.view.shape.rank()).all(|d| access.view.shape[d] <= 1 || access.view.strides[d] == natural[d]);
    ordered && matches!(access.source, Source::Buffer(value) if per_word(values[value].stored) == 1)
}

/// What a map computes on.
#[derive(Clone, Copy)]
pub struct Operands<'a> {
    /// Those of one buffer per input; none for an index source.
    pub inputs: &'a [Elements<'a>],
    /// The plan's run-time scalars.
    pub params: &'a [u32],
    /// The head's results, for the range that is evaluated.
    pub acc: &'a [u32],
}

/// A map at work on its operands, with the memory that tiles need: what many short ranges share.
pub struct Evaluate<'a> {
    map: &'a Map,
    prepared: &'a Prepared,
    operands: Operands<'a>,
    /// Of registers that are the same for all elements, a tile.
    uniform: Vec<Vec<u32>>,
    slots: Vec<Vec<u32>>,
}

impl<'a> Evaluate<'a> {
    /// For ranges of at most `longest` elements.
    pub fn new(map: &'a Map, prepared: &'a Prepared, operands: Operands<'a>, longest: usize) -> Evaluate<'a> {
        let most = prepared.tile.min(longest);
        let slots = vec![vec![0; most]; prepared.slots];
        let mut evaluate = Evaluate { map, prepared, operands, uniform: Vec::new(), slots };
        evaluate.uniform = evaluate.uniform().into_iter().map(|v| v.map_or_else(Vec::new, |v| vec![v; most])).collect();
        evaluate
    }
}

impl Evaluate<'_> {
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
                        Source::Buffer(_) => self.operands.inputs[n as usize].get(access.view.offset).unwrap_or(0),
                    }
                }
                Instr::Unary(op, a) => exact_unary(op, at(a)).map_or(0, Scalar::bits),
                Instr::Binary(op, a, b) => exact_binary(op, at(a), at(b)).map_or(0, Scalar::bits),
                Instr::Select(c, a, b) => at(if values[c as usize] != 0 { a } else { b }).bits(),
                Instr::Cast(a) => eval_cast(at(a), program.types[i]).bits(),
                Instr::Acc => 0,
            };
        }
        let is_uniform = |i: usize| self.prepared.place[i] == Place::Uniform;
        values.into_iter().enumerate().map(|(i, v)| is_uniform(i).then_some(v)).listed()
    }
}

impl Evaluate<'_> {
    /// Evaluates linear indices of the map; `outputs` are the results' slices for them.
    pub fn run(&mut self, level: Level, range: Range<usize>, outputs: &mut [&mut [u32]]) {
        let most = self.prepared.tile;
        let (uniform, mut slots) = (std::mem::take(&mut self.uniform), std::mem::take(&mut self.slots));
        let (code, types) = (&self.map.program.code, &self.map.program.types);
        let mut start = range.start;
        while start < range.end {
            let row = self.prepared.row;
            let len = most.min(range.end - start).min(row - start % row);
            let skip = start - range.start;
            for (i, instr) in code.iter().enumerate() {
                let mut slot = Vec::new();
                let mut tile: &mut [u32] = &mut [];
                let place = self.prepared.place[i];
                let out: &mut [u32] = match place {
                    Place::Slot(s) => {
                        slot = std::mem::take(&mut slots[s]);
                        &mut slot[..if self.prepared.by_block[i] { len.min(BLOCK) } else { len }]
                    }
                    Place::Output(o) => {
                        tile = std::mem::take(&mut outputs[o]);
                        &mut tile[skip..skip + len]
                    }
                    Place::Uniform | Place::Input(_) | Place::Acc => continue,
                };
                let at = |r: Reg| self.lanes(r, start, skip, len, &uniform, &slots, outputs);
                match *instr {
                    Instr::Input(n) => load(&self.map.inputs[n as usize], self.operands.inputs[n as usize], start, out),
                    Instr::Unary(op, a) => unary(level, op, types[a as usize], at(a), out),
                    Instr::Binary(op, a, b) => {
                        let short = takes_block(op, types[a as usize]);
                        // Of what is the same for all elements no more is read than it takes: the cache is for others.
                        let at = |r: Reg| match self.prepared.place[r as usize] {
                            Place::Uniform if short => &uniform[r as usize][..len.min(BLOCK)],
                            Place::Slot(s) if self.prepared.by_block[r as usize] => &slots[s][..len.min(BLOCK)],
                            _ => at(r),
                        };
                        binary(level, op, types[a as usize], at(a), at(b), out);
                    }
                    Instr::Select(c, a, b) => select(level, at(c), at(a), at(b), out),
                    Instr::Cast(a) => convert(level, types[a as usize], types[i], at(a), out),
                    Instr::Acc | Instr::Const(_) | Instr::Param(_) => {}
                }
                match place {
                    Place::Slot(s) => slots[s] = slot,
                    Place::Output(o) => outputs[o] = tile,
                    _ => {}
                }
            }
            for &(o, r) in &self.prepared.copies {
                let tile = std::mem::take(&mut outputs[o]);
                tile[skip..skip + len].copy_from_slice(self.lanes(r, start, skip, len, &uniform, &slots, outputs));
                outputs[o] = tile;
            }
            start += len;
        }
        (self.uniform, self.slots) = (uniform, slots);
    }
}

impl<'a> Evaluate<'a> {
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
        outputs: &'t [&mut [u32]],
    ) -> &'t [u32]
    where
        'a: 't,
    {
        match self.prepared.place[r as usize] {
            Place::Uniform => &uniform[r as usize][..len],
            Place::Slot(s) => &slots[s][..len],
            Place::Output(o) => &outputs[o][skip..skip + len],
            Place::Input(n) => {
                let at = self.map.inputs[n].view.offset + start;
                &self.operands.inputs[n].words[at..at + len]
            }
            Place::Acc => &self.operands.acc[skip..skip + len],
        }
    }
}

/// Reads elements `start..` of a strided operand.
pub fn load(access: &Access, elements: Elements<'_>, start: usize, out: &mut [u32]) {
    let (view, buffer) = (&access.view, elements.words);
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
                1 => elements.read(at as usize, row),
                _ if elements.are_bytes() => {
                    let byte = |i: usize| elements.get((at + i as isize * stride) as usize).unwrap_or(0);
                    row.iter_mut().enumerate().for_each(|(i, o)| *o = byte(i));
                }
                0 => fill(buffer[at as usize], row),
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
