//! Sums of products over named dimensions.

use headwater_core::ops;
use headwater_core::Listed;
use headwater_core::{Error, Result};

use super::{one, Arity, Attrs, Declared};

/// An equation is passed as the numbers of its characters.
fn equation(a: &Attrs<'_>) -> Result<String> {
    let character = |&code: &usize| u32::try_from(code).ok().and_then(char::from_u32);
    let all: Option<String> = a.sizes(0)?.iter().map(character).collect();
    all.ok_or_else(|| Error::argument("einsum", "an equation as Unicode characters", "other numbers"))
}

pub(super) const OPERATIONS: &[Declared] = &[
    ("einsum", Arity::AtLeast(1), |_, x, a| one(ops::einsum(&equation(a)?, &x.iter().listed()))),
    ("tensordot", Arity::Exactly(2), |_, x, a| {
        let axes = a.axes(0)?.unwrap_or_default();
        one(ops::tensordot(&x[0], &x[1], axes.split_at(axes.len() / 2)))
    }),
    ("dot", Arity::Exactly(2), |_, x, _| one(ops::dot(&x[0], &x[1]))),
    ("outer", Arity::Exactly(2), |_, x, _| one(ops::outer(&x[0], &x[1]))),
];

#[cfg(test)]
mod tests {
    use headwater_core::{ops, DType, Result, Tensor};

    #[test]
    fn wrong_equations_are_refused() -> Result<()> {
        let device = crate::cpu(1);
        let check = |equation: &str, shapes: &[&[usize]], text: &str| -> Result<()> {
            let x = shapes.iter().map(|&shape| device.ones(shape, DType::F32)).collect::<Result<Vec<Tensor>>>()?;
            let error = ops::einsum(equation, &x.iter().collect::<Vec<_>>()).expect_err(equation);
            assert_eq!(error.to_string(), format!("Error in einsum: expected {text}"));
            Ok(())
        };
        let form = "labels, commas, one '->' and at most one '...' in each term";
        for equation in ["i.j->ij", "ij->i->j", "i>j", "i-j", "...i...->i", "i..j", "ij->i,j"] {
            check(equation, &[&[2, 3]], &format!("{form}, received '{equation}'"))?;
        }
        check("i,j", &[&[2]], "2 operands for 'i,j', received 1")?;
        check("i", &[&[2], &[2]], "1 operands for 'i', received 2")?;
        check("i", &[&[2, 3]], "operands of the ranks in 'i', received [2,3] for 1 labels")?;
        check("...ij", &[&[2]], "operands of the ranks in '...ij', received [2] for 2 labels")?;
        check("...i->i", &[&[2, 3]], "an output with the '...' of its operands, received '...i->i'")?;
        check("i->ii", &[&[2]], "labels of the operands in the output, each once, received 'i->ii'")?;
        check("i->j", &[&[2]], "labels of the operands in the output, each once, received 'i->j'")?;
        check("ii", &[&[2, 3]], "dimension 2 at axis 1 of input shaped [2,3], received 3")?;
        check("ij,jk", &[&[2, 1], &[3, 2]], "dimension 1 at axis 0 of input shaped [3,2], received 3")?;
        check("...,...", &[&[2], &[3]], "dimension 2 at axis 0 of input shaped [3], received 3")
    }

    #[test]
    fn wrong_axes_are_refused() -> Result<()> {
        let x = crate::cpu(1).ones([2, 3], DType::F32)?;
        let refusal = |a: &[isize], b: &[isize]| ops::tensordot(&x, &x, (a, b)).expect_err("wrong axes").to_string();
        assert!(refusal(&[0], &[1]).contains("equal sizes along the axes"));
        assert!(refusal(&[0, 0], &[0, 0]).contains("axes that occur once"));
        assert!(refusal(&[0], &[0, 1]).contains("as many axes"));
        assert!(refusal(&[2], &[0]).contains("an axis in [-2, 2)"));
        Ok(())
    }
}
