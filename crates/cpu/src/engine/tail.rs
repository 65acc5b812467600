//! Recognises tails that run on the register tile: `clamp(acc + bias + residual, lo, hi)`.

use headwater_core::plan::{Map, Source};
use headwater_core::scalar::{BinOp, Instr, Reg};
use headwater_core::{DType, Scalar};

/// A tail that an epilogue can do; inputs by their number in the map.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tail {
    /// The addend per column.
    pub bias: Option<usize>,
    /// The addend per element.
    pub residual: Option<usize>,
    /// The lowest value.
    pub lo: f32,
    /// The highest value.
    pub hi: f32,
}

/// The epilogue that does what `map` does to results with `columns` columns, if there is one.
pub fn recognise(map: &Map, columns: usize) -> Option<Tail> {
    let [(output, _)] = map.outputs[..] else { return None };
    let mut tail = Tail { bias: None, residual: None, lo: f32::NEG_INFINITY, hi: f32::INFINITY };
    let mut at = output;
    let code = |r: Reg| map.program.code[r as usize];
    let constant = |r: Reg| match map.program.constant(r) {
        Some(Scalar::F32(v)) => Some(v),
        _ => None,
    };
    // From the outside: an upper limit, a lower one, then sums down to the head.
    if let Instr::Binary(BinOp::Min, x, k) = code(at) {
        tail.hi = constant(k)?;
        at = x;
    }
    if let Instr::Binary(BinOp::Max, x, k) = code(at) {
        tail.lo = constant(k)?;
        at = x;
    }
    loop {
        match code(at) {
            Instr::Acc if map.program.types[at as usize] == DType::F32 => return Some(tail),
            Instr::Binary(BinOp::Add, a, b) => {
                let (sum, term) = match (code(a), code(b)) {
                    (_, Instr::Input(n)) => (a, n as usize),
                    (Instr::Input(n), _) => (b, n as usize),
                    _ => return None,
                };
                let access = &map.inputs[term];
                if !matches!(access.source, Source::Buffer(_)) || access.dtype != DType::F32 {
                    return None;
                }
                if access.view.is_contiguous()
                    && access.view.shape == map.shape
                    && tail.residual.is_none()
                    && map.shape.size() != columns
                {
                    tail.residual = Some(term);
                } else if is_per_column(map, term, columns) && tail.bias.is_none() {
                    tail.bias = Some(term);
                } else {
                    return None;
                }
                at = sum;
            }
            _ => return None,
        }
    }
}

/// Whether an input depends on the column alone and its columns are neighbours.
fn is_per_column(map: &Map, input: usize, columns: usize) -> bool {
    let view = &map.inputs[input].view;
    let rank = view.shape.rank();
    let rows_do_not_matter = (0..rank - 1).all(|d| view.strides[d] == 0 || view.shape[d] == 1);
    view.shape[rank - 1] == columns && rows_do_not_matter && (view.strides[rank - 1] == 1 || columns == 1)
}
