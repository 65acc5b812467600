//! Collapses iteration shapes and finds every value's last use.

use super::emit::{reads, Drafts};
use super::Graph;
use crate::collect::Listed;
use crate::plan::{Head, Map, Plan};
use crate::scalar::Instr;
use crate::shape::Shape;
use crate::view::{collapse, View};

pub(super) fn finish(graph: &Graph, drafts: Drafts) -> Plan {
    let Drafts { values, mut kernels, results } = drafts;
    for kernel in &mut kernels {
        prune(&mut kernel.map);
        if let Some(Head::Reduce { body, .. }) = &mut kernel.head {
            prune(body);
        }
        kernel.reads = reads(kernel.head.as_ref(), &kernel.map);
        collapse_map(&mut kernel.map);
        if let Some(Head::Reduce { body, kept, .. }) = &mut kernel.head {
            *kept = collapse_body(body, *kept);
        }
    }
    let mut last = vec![None; values.len()];
    for (k, kernel) in kernels.iter().enumerate() {
        kernel.reads.iter().copied().chain(kernel.writes()).for_each(|v| last[v] = Some(k));
    }
    let mut frees = vec![Vec::new(); kernels.len()];
    for (value, last) in last.into_iter().enumerate() {
        if let (Some(k), false) = (last, results.contains(&value)) {
            frees[k].push(value);
        }
    }
    Plan { values, leaves: graph.leaves, params: graph.params, kernels, frees, results, ..Plan::default() }
}

/// Drops operands that the program no longer reads, now that it is simplified.
fn prune(map: &mut Map) {
    let code = &mut map.program.code;
    let used = |n: usize| code.contains(&Instr::Input(n as u16));
    let kept: Vec<usize> = (0..map.inputs.len()).filter(|&n| used(n)).listed();
    for instr in code {
        if let Instr::Input(n) = instr {
            *n = kept.iter().position(|&k| k == *n as usize).map_or(*n, |k| k as u16);
        }
    }
    map.inputs = kept.into_iter().map(|n| map.inputs[n].clone()).listed();
}

fn collapse_map(map: &mut Map) {
    let mut views: Vec<View> = map.inputs.iter().map(|a| a.view.clone()).listed();
    map.shape = collapse(&map.shape, &mut views);
    map.inputs.iter_mut().zip(views).for_each(|(a, v)| a.view = v);
}

/// Collapses kept and reduced dimensions apart; returns how many are kept now.
fn collapse_body(body: &mut Map, kept: usize) -> usize {
    let part = |shape: &Shape, view: &View, range: std::ops::Range<usize>| View {
        shape: Shape::from(&shape[range.clone()]),
        strides: view.strides[range].iter().copied().per_dimension(),
        offset: view.offset,
    };
    let rank = body.shape.rank();
    let mut sides = [0..kept, kept..rank].map(|range| {
        let mut views: Vec<View> = body.inputs.iter().map(|a| part(&body.shape, &a.view, range.clone())).listed();
        let shape = collapse(&Shape::from(&body.shape[range]), &mut views);
        (shape, views)
    });
    let (reduced_shape, reduced) = std::mem::take(&mut sides[1]);
    let (kept_shape, kept_views) = std::mem::take(&mut sides[0]);
    let shape: Shape = kept_shape.iter().chain(reduced_shape.iter()).copied().collect();
    for (access, (k, r)) in body.inputs.iter_mut().zip(kept_views.into_iter().zip(reduced)) {
        let strides = k.strides.iter().chain(&r.strides).copied().per_dimension();
        access.view = View { shape: shape.clone(), strides, offset: access.view.offset };
    }
    body.shape = shape;
    kept_shape.rank()
}
