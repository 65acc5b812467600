//! Joins pointwise kernels over the same elements into one with several outputs.

use super::emit::{reads, Drafts};
use crate::collect::Listed;
use crate::plan::{Access, Kernel, Map, Source, ValueId};
use crate::scalar::{Builder, Ex, Reg};
use crate::view::View;

/// How far back a kernel looks for one to join: enough for an optimizer's update, and it bounds the work.
const WINDOW: usize = 16;

pub(super) fn merge(drafts: &mut Drafts, max_buffers: usize) {
    let mut kernels: Vec<Kernel> = Vec::with_capacity(drafts.kernels.len());
    for kernel in drafts.kernels.drain(..) {
        match partner(&kernels, &kernel, max_buffers) {
            Some((at, merged)) => kernels[at] = merged,
            None => kernels.push(kernel),
        }
    }
    drop_unread(&mut kernels, &drafts.results);
    drafts.kernels = kernels;
}

/// The earlier kernel that `kernel` can join, and the two as one.
fn partner(kernels: &[Kernel], kernel: &Kernel, max_buffers: usize) -> Option<(usize, Kernel)> {
    if kernel.head.is_some() {
        return None;
    }
    for (at, earlier) in kernels.iter().enumerate().rev().take(WINDOW) {
        let continues = kernel.reads.iter().any(|r| earlier.writes().any(|w| w == *r));
        let shares = || {
            let large = |a: &Access| a.view.is_contiguous() && a.source != Source::Index;
            kernel.map.inputs.iter().any(|a| large(a) && earlier.map.inputs.contains(a))
        };
        if earlier.map.shape == kernel.map.shape && (continues || (earlier.head.is_none() && shares())) {
            if let Some(merged) = join(earlier, kernel) {
                if merged.reads.len() + merged.map.outputs.len() <= max_buffers {
                    return Some((at, merged));
                }
            }
        }
        // Joining an even earlier kernel would move this one before a value it reads.
        if continues {
            return None;
        }
    }
    None
}

/// One kernel that computes `first`, then `second`; `None` where `second` sees results of `first` out of order.
fn join(first: &Kernel, second: &Kernel) -> Option<Kernel> {
    let builder = Builder::new();
    let (mut inputs, mut params) = (Vec::new(), Vec::new());
    let mut outputs: Vec<(Reg, ValueId)> = Vec::new();
    let whole = View::contiguous(first.map.shape.clone());
    for map in [&first.map, &second.map] {
        let mut operands: Vec<Ex> = Vec::with_capacity(map.inputs.len());
        for access in &map.inputs {
            let computed = match access.source {
                Source::Buffer(value) => first.map.outputs.iter().position(|&(_, w)| w == value),
                Source::Index => None,
            };
            match computed {
                Some(n) if access.view == whole => operands.push(builder.reg(outputs[n].0)),
                Some(_) => return None,
                None => {
                    let n = place(&mut inputs, access);
                    operands.push(builder.input(n, access.dtype));
                }
            }
        }
        let slots: Vec<usize> = map.params.iter().map(|p| place(&mut params, p)).listed();
        let types = |n: u16| param_dtype(map, n);
        let regs =
            builder.inline(&map.program, &|n| operands[n as usize], &|n| builder.param(slots[n as usize], types(n)));
        outputs.extend(map.outputs.iter().map(|&(reg, value)| (regs[reg as usize].reg, value)));
    }
    let (program, regs) = builder.finish(&outputs.iter().map(|&(reg, _)| reg).listed());
    let outputs = regs.into_iter().zip(outputs).map(|(reg, (_, value))| (reg, value)).listed();
    let map = Map { shape: first.map.shape.clone(), inputs, params, program, outputs };
    let head = first.head.clone();
    Some(Kernel { reads: reads(head.as_ref(), &map), head, map, label: format!("{}+{}", first.label, second.label) })
}

/// The dtype of a map's parameter, from the instruction that reads it.
fn param_dtype(map: &Map, n: u16) -> crate::dtype::DType {
    let at = map.program.code.iter().position(|i| *i == crate::scalar::Instr::Param(n));
    at.map_or(crate::dtype::DType::F32, |i| map.program.types[i])
}

/// The position of `item` in `list`, appended if it is new.
fn place<T: Clone + PartialEq>(list: &mut Vec<T>, item: &T) -> usize {
    list.iter().position(|x| x == item).unwrap_or_else(|| {
        list.push(item.clone());
        list.len() - 1
    })
}

/// Drops outputs that nothing reads any more, now that their readers compute them.
fn drop_unread(kernels: &mut [Kernel], results: &[ValueId]) {
    let read: Vec<ValueId> = kernels.iter().flat_map(|k| k.reads.iter().copied()).listed();
    for kernel in kernels {
        if kernel.map.outputs.len() > 1 {
            kernel.map.outputs.retain(|(_, value)| results.contains(value) || read.contains(value));
        }
    }
}
