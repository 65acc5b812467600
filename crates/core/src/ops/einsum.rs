//! Sums of products over named dimensions, and the products of vectors, matrices and tensors that are such.

use crate::calc::{Calc, Term};
use crate::collect::{AllOk, Listed};
use crate::error::{Error, Result};
use crate::ops::{diagonal, mul, reshape};
use crate::tensor::Tensor;

/// A dimension's name: a character of the equation, or [`ELLIPSIS`] plus a place counted from the right.
type Label = u32;
type Labels = Vec<Label>;

/// Names of the dimensions under an ellipsis; above every character.
const ELLIPSIS: Label = 1 << 24;

/// A tensor whose dimensions have names.
#[derive(Clone)]
struct Named<'a> {
    labels: Labels,
    tensor: Term<'a>,
}

/// The labels that meet a condition.
#[inline(never)]
fn pick(labels: &[Label], f: &dyn Fn(Label) -> bool) -> Labels {
    labels.iter().copied().filter(|&l| f(l)).listed()
}

impl<'a> Named<'a> {
    fn has(&self, label: Label) -> bool {
        self.labels.contains(&label)
    }

    fn size(&self, label: Label) -> usize {
        self.labels.iter().position(|&l| l == label).map_or(1, |d| self.tensor.dim(d))
    }

    fn sizes(&self, labels: &[Label]) -> Vec<usize> {
        labels.iter().map(|&l| self.size(l)).listed()
    }

    /// How many elements dimensions have together.
    fn count(&self, labels: &[Label]) -> usize {
        self.sizes(labels).iter().product()
    }

    /// The tensor with its dimensions in the order `labels`, all of which it has.
    fn ordered(&self, labels: &[Label]) -> Term<'a> {
        if self.labels == labels {
            return self.tensor;
        }
        let perm: Vec<usize> = labels.iter().filter_map(|l| self.labels.iter().position(|own| own == l)).listed();
        self.tensor.permute(&perm)
    }

    /// Without the dimensions `gone`: their elements are summed.
    fn summed(self, gone: &[Label]) -> Named<'a> {
        let axes: Vec<isize> =
            (0..self.labels.len()).filter(|&d| gone.contains(&self.labels[d])).map(|d| d as isize).listed();
        if axes.is_empty() {
            return self;
        }
        Named { labels: pick(&self.labels, &|l| !gone.contains(&l)), tensor: self.tensor.sum(&axes, false) }
    }

    /// With each name once: dimensions of one name become their diagonal.
    fn diagonals(mut self) -> Named<'a> {
        let repeat = |labels: &[Label]| {
            (0..labels.len()).find_map(|i| (i + 1..labels.len()).find(|&j| labels[i] == labels[j]).map(|j| (i, j)))
        };
        while let Some((i, j)) = repeat(&self.labels) {
            self.tensor = self.tensor.then(&|x| diagonal(x, 0, (i as isize, j as isize)));
            self.labels.remove(j);
            let label = self.labels.remove(i);
            self.labels.push(label);
        }
        self
    }
}

/// The product of two tensors, summed over the names that both have and that are not `kept`.
fn contract<'a>(a: &Named<'a>, b: &Named<'a>, kept: &dyn Fn(Label) -> bool) -> Named<'a> {
    let batch = pick(&a.labels, &|l| b.has(l) && kept(l));
    let inner = pick(&a.labels, &|l| b.has(l) && !kept(l));
    let rows = pick(&a.labels, &|l| !b.has(l));
    let columns = pick(&b.labels, &|l| !a.has(l));
    let (k, m, n) = (a.count(&inner), a.count(&rows), b.count(&columns));
    if k == 1 || (m == 1 && n == 1) {
        // No matrices: products of elements, which fuse with what comes before and after.
        let gone: &[Label] = if k == 1 { &inner } else { &[] };
        let labels = pick(&[&a.labels[..], &columns].concat(), &|l| !gone.contains(&l));
        let of = |x: &Named<'a>| {
            let order = [gone, &pick(&labels, &|l| x.has(l))].concat();
            x.ordered(&order).reshape(&x.sizes(&labels))
        };
        let tensor = of(a) * of(b);
        return Named { labels, tensor }.summed(&inner);
    }
    let of = |x: &Named<'a>, order: [&[Label]; 3]| {
        let [first, second, third] = order;
        x.ordered(&order.concat()).reshape(&[x.count(first), x.count(second), x.count(third)])
    };
    let product = of(a, [&batch, &rows, &inner]).matmul(of(b, [&batch, &inner, &columns]));
    let own = [batch, rows].concat();
    let shape = [a.sizes(&own), b.sizes(&columns)].concat();
    Named { labels: [own, columns].concat(), tensor: product.reshape(&shape) }
}

/// Of two tensors, how many elements contracting them adds to those in memory.
fn growth(a: &Named<'_>, b: &Named<'_>, kept: &dyn Fn(Label) -> bool) -> f64 {
    let all = [&a.labels[..], &pick(&b.labels, &|l| !a.has(l))].concat();
    let left = pick(&all, &|l| kept(l) || !(a.has(l) && b.has(l)));
    let result: f64 = left.iter().map(|&l| a.size(l).max(b.size(l)) as f64).product();
    result - a.tensor.size() as f64 - b.tensor.size() as f64
}

/// The labels of one term, with `None` for the ellipsis.
type Side = Vec<Option<Label>>;

fn parse_term(text: &str, equation: &str) -> Result<Side> {
    let wrong = || {
        let expected = "labels, commas, one '->' and at most one '...' in each term";
        Error::argument("einsum", expected, format_args!("'{equation}'"))
    };
    let mut term = Side::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("...") {
            if term.contains(&None) {
                return Err(wrong());
            }
            term.push(None);
            rest = after;
            continue;
        }
        if matches!(c, '.' | '-' | '>' | ',') {
            return Err(wrong());
        }
        term.push(Some(Label::from(c)));
        rest = &rest[c.len_utf8()..];
    }
    Ok(term)
}

/// The term with an ellipsis of `under` dimensions written out.
fn expand(term: &Side, under: usize) -> Labels {
    let mut out = Labels::new();
    for label in term {
        match label {
            Some(label) => out.push(*label),
            None => out.extend((0..under).rev().map(|place| ELLIPSIS + place as Label)),
        }
    }
    out
}

/// The output when none is written: what lies under ellipses, then the labels that occur once, in alphabetical order.
fn implicit_output(terms: &[Side]) -> Side {
    let all: Vec<Label> = terms.iter().flatten().flatten().copied().listed();
    let mut once: Vec<Label> = all.iter().copied().filter(|l| all.iter().filter(|m| *m == l).count() == 1).listed();
    once.sort_unstable();
    [None].into_iter().chain(once.into_iter().map(Some)).listed()
}

/// The sum of products of `operands` over the labels of `equation` that its output does not name, as NumPy writes it:
///
/// * `ij,jk->ik` is a matrix product, `bij,bjk->bik` one of batches, `i,j->ij` an outer product, `ij->j` a sum, `ij->ji` a
///   transposition; there may be any number of operands.
/// * A label that an operand has twice stands for its diagonal: `ii->` is a trace.
/// * Without an arrow the output has the labels that occur once, in alphabetical order.
/// * `...` stands for any number of dimensions, which broadcast: `...ij,...jk->...ik`.
///
/// Labels are characters, upper and lower case apart; spaces do not count. Of three operands or more those go first whose
/// product takes the least memory. The result has the widest of the operands' dtypes; bools count as int32 where they are
/// multiplied or summed, and sums of products of whole numbers are as exact as those of [`matmul`].
///
/// # Errors
/// `ErrorKind::Argument` when the equation is malformed, does not have a term for each operand, or its output has a label
/// twice or one that no operand has; `ErrorKind::Shape` when an operand's rank or a dimension does not fit its labels.
pub fn einsum(equation: &str, operands: &[&Tensor]) -> Result<Tensor> {
    let text: String = equation.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    // Not `split_once("->")`, which brings a search for any text.
    let parts = text.split_once('-').and_then(|(left, rest)| Some((left, rest.strip_prefix('>')?)));
    let (left, right) = parts.map_or((&text[..], None), |(left, right)| (left, Some(right)));
    let terms: Vec<Side> = left.split(',').map(|term| parse_term(term, &text)).all_ok()?;
    if operands.is_empty() || terms.len() != operands.len() {
        return Err(Error::argument("einsum", format_args!("{} operands for '{text}'", terms.len()), operands.len()));
    }
    let calc = Calc::default();
    let mut inputs = Vec::with_capacity(operands.len());
    let mut under_all = 0;
    for (term, &x) in terms.iter().zip(operands) {
        let named = term.iter().flatten().count();
        let under = x.rank().checked_sub(named).filter(|&under| under == 0 || term.contains(&None));
        let Some(under) = under else {
            let expected = format_args!("operands of the ranks in '{text}'");
            return Err(Error::shape("einsum", expected, format_args!("{} for {named} labels", x.shape())));
        };
        under_all = under_all.max(under);
        inputs.push(Named { labels: expand(term, under), tensor: calc.of(x) });
    }
    let output = match right {
        Some(right) => parse_term(right, &text)?,
        None => implicit_output(&terms),
    };
    if under_all > 0 && !output.contains(&None) {
        return Err(Error::argument("einsum", "an output with the '...' of its operands", format_args!("'{text}'")));
    }
    let output = expand(&output, under_all);
    for (i, label) in output.iter().enumerate() {
        if output[..i].contains(label) || !inputs.iter().any(|x| x.has(*label)) {
            return Err(Error::argument(
                "einsum",
                "labels of the operands in the output, each once",
                format_args!("'{text}'"),
            ));
        }
    }
    broadcast(&mut inputs)?;
    let list = inputs.into_iter().map(Named::diagonals).listed();
    calc.result(contract_all(list, &output).ordered(&output))
}

/// Checks that names stand for one size each. Dimensions of size 1 under an ellipsis are left out where others are larger.
fn broadcast(inputs: &mut [Named<'_>]) -> Result<()> {
    let mut sizes: Vec<(Label, usize)> = Vec::new();
    for x in inputs.iter() {
        for (axis, (&label, &size)) in x.labels.iter().zip(x.tensor.shape().iter()).enumerate() {
            match sizes.iter_mut().find(|(known, _)| *known == label) {
                None => sizes.push((label, size)),
                Some((_, known)) if *known == size || (label >= ELLIPSIS && size == 1) => {}
                Some((_, known)) if label >= ELLIPSIS && *known == 1 => *known = size,
                Some((_, known)) => {
                    let expected =
                        format_args!("dimension {known} at axis {axis} of input shaped {}", x.tensor.shape());
                    return Err(Error::shape("einsum", expected, size));
                }
            }
        }
    }
    for x in inputs {
        let repeated = |label: Label| x.size(label) == 1 && sizes.iter().any(|&(l, s)| l == label && s != 1);
        let labels = pick(&x.labels, &|l| !repeated(l));
        if labels.len() != x.labels.len() {
            // Labels that stand twice have equal sizes: the first's is the size of both.
            x.tensor = x.tensor.reshape(&x.sizes(&labels));
            x.labels = labels;
        }
    }
    Ok(())
}

/// The product of all, with no names but those of `output`.
fn contract_all<'a>(mut list: Vec<Named<'a>>, output: &[Label]) -> Named<'a> {
    // Whether the output, or another tensor than `i` and `j`, has the name.
    let needed = |list: &[Named<'a>], i: usize, j: usize, label: Label| {
        output.contains(&label) || list.iter().enumerate().any(|(at, x)| at != i && at != j && x.has(label))
    };
    for i in 0..list.len() {
        let gone = pick(&list[i].labels, &|l| !needed(&list, i, i, l));
        list[i] = list[i].clone().summed(&gone);
    }
    while list.len() > 1 {
        let (mut best, mut least) = ((0, 1), f64::INFINITY);
        for j in 1..list.len() {
            for i in 0..j {
                let growth = growth(&list[i], &list[j], &|l| needed(&list, i, j, l));
                if growth < least {
                    (best, least) = ((i, j), growth);
                }
            }
        }
        let (i, j) = best;
        list[i] = contract(&list[i], &list[j], &|l| needed(&list, i, j, l));
        list.remove(j);
    }
    list.swap_remove(0)
}

/// The product of `a` and `b` summed over axes `axes.0` of `a` and `axes.1` of `b`, which belong together in order; the result
/// has the other dimensions of `a`, then those of `b`.
///
/// # Errors
/// `ErrorKind::Argument` when an axis does not exist or occurs twice, or there are not equally many; `ErrorKind::Shape` when
/// axes that belong together differ in size.
pub fn tensordot(a: &Tensor, b: &Tensor, axes: (&[isize], &[isize])) -> Result<Tensor> {
    let of = |x: &Tensor, axes: &[isize]| {
        let found = axes.iter().map(|&axis| x.shape().axis(axis, "tensordot")).all_ok()?;
        if (1..found.len()).any(|i| found[..i].contains(&found[i])) {
            return Err(Error::argument("tensordot", "axes that occur once", format_args!("{axes:?}")));
        }
        Ok(found)
    };
    let (left, right) = (of(a, axes.0)?, of(b, axes.1)?);
    if left.len() != right.len() {
        return Err(Error::argument(
            "tensordot",
            "as many axes of one operand as of the other",
            format_args!("{axes:?}"),
        ));
    }
    if left.iter().zip(&right).any(|(&i, &j)| a.shape()[i] != b.shape()[j]) {
        let got = format_args!("{} along {left:?} and {} along {right:?}", a.shape(), b.shape());
        return Err(Error::shape("tensordot", "equal sizes along the axes", got));
    }
    // Dimensions of `b` that are summed have the names of those of `a`.
    let name = |d: usize| right.iter().position(|&r| r == d).map_or(a.rank() + d, |i| left[i]) as Label;
    let calc = Calc::default();
    let x = Named { labels: (0..a.rank() as Label).listed(), tensor: calc.of(a) };
    let y = Named { labels: (0..b.rank()).map(name).listed(), tensor: calc.of(b) };
    calc.result(contract(&x, &y, &|_| false).tensor)
}

/// The product of vectors, matrices or tensors as in NumPy: summed over the last dimension of `a` and the last but one of
/// `b` (its only one, for a vector). A scalar multiplies.
///
/// # Errors
/// `ErrorKind::Shape` when the two dimensions differ.
pub fn dot(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    if a.rank() == 0 || b.rank() == 0 {
        return mul(a, b);
    }
    tensordot(a, b, (&[-1], &[if b.rank() == 1 { 0 } else { -2 }]))
}

/// The products of every element of `a` with every element of `b`: `[size of a, size of b]`.
///
/// # Errors
/// None that a caller can cause.
pub fn outer(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    mul(&reshape(a, [a.size(), 1])?, &reshape(b, [1, b.size()])?)
}
