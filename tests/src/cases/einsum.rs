//! Sums of products over named dimensions.

use headwater_core::ops;
use headwater_core::Tensor;

use super::{case, Case, Input};

pub(super) fn cases() -> Vec<Case> {
    let equations: [(&'static str, &[&[usize]]); 20] = [
        ("ij,jk->ik", &[&[3, 4], &[4, 5]]),
        ("ij,kj->ki", &[&[3, 4], &[5, 4]]),
        ("bij,bjk->bik", &[&[2, 3, 4], &[2, 4, 5]]),
        ("bqhd,bkhd->bhqk", &[&[2, 3, 2, 4], &[2, 5, 2, 4]]),
        ("i,j->ji", &[&[3], &[4]]),
        ("ij,ij->i", &[&[3, 4], &[3, 4]]),
        ("ij,j->ij", &[&[3, 4], &[4]]),
        ("ij->j", &[&[3, 4]]),
        ("ii->", &[&[4, 4]]),
        ("iji->ji", &[&[3, 2, 3]]),
        ("iii->i", &[&[3, 3, 3]]),
        ("ii,ij,jk->k", &[&[3, 3], &[3, 2], &[2, 4]]),
        ("ij,jk,kl,li->", &[&[2, 3], &[3, 4], &[4, 5], &[5, 2]]),
        ("ij,ik,il->ijkl", &[&[2, 3], &[2, 2], &[2, 4]]),
        ("...ij,...jk->...ik", &[&[3, 1, 2, 4], &[5, 4, 2]]),
        ("...i,...->...", &[&[2, 3, 4], &[3]]),
        ("ij,jk->ik", &[&[3, 1], &[1, 4]]),
        ("ij,jk->ik", &[&[2, 0], &[0, 3]]),
        ("ab,bc", &[&[17, 33], &[33, 9]]),
        ("abcd,cdef->afbe", &[&[3, 4, 5, 6], &[5, 6, 2, 7]]),
    ];
    let mut out: Vec<Case> = (equations.iter())
        .map(|&(equation, shapes)| {
            let inputs = shapes.iter().map(|shape| Input::f32(shape)).collect();
            case(&format!("einsum {equation}"), inputs, move |x| {
                ops::einsum(equation, &x.iter().collect::<Vec<&Tensor>>())
            })
        })
        .collect();
    out.push(case("einsum of one tensor with itself", vec![Input::f32(&[4, 3])], |x| {
        ops::einsum("ij,kj->ik", &[&x[0], &x[0]])
    }));
    out.push(case("einsum int32", vec![Input::index(&[3, 4], 9), Input::index(&[4, 2], 9)], |x| {
        ops::einsum("ij,jk->ik", &[&x[0], &x[1]])
    }));
    let pair = |a: &[usize], b: &[usize]| vec![Input::f32(a), Input::f32(b)];
    out.push(case("tensordot", pair(&[2, 3, 4], &[4, 5, 3]), |x| ops::tensordot(&x[0], &x[1], (&[1, -1], &[2, 0]))));
    out.push(case("dot", pair(&[2, 3, 4], &[5, 4, 2]), |x| ops::dot(&x[0], &x[1])));
    out.push(case("dot of vectors", pair(&[40], &[40]), |x| ops::dot(&x[0], &x[1])));
    out.push(case("outer", pair(&[3, 2], &[5]), |x| ops::outer(&x[0], &x[1])));
    out
}
