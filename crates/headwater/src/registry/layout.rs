//! Rearrangements of blocks and borders.

use headwater_core::ops::{self, Mirror};
use headwater_core::Listed;
use headwater_core::{Result, Tensor};

use super::{one, Arity, Attrs, Declared};

type Blocks = fn(&Tensor, &[usize], &[(usize, usize)]) -> Result<Tensor>;

fn pairs(sizes: &[usize]) -> Vec<(usize, usize)> {
    sizes.chunks_exact(2).map(|pair| (pair[0], pair[1])).listed()
}

/// A third of the numbers are block sizes, the others a pair for each.
fn blocks(f: Blocks, x: &[Tensor], a: &Attrs<'_>) -> Result<Vec<Tensor>> {
    let sizes = a.sizes(0)?;
    let (block, rest) = sizes.split_at(sizes.len() / 3);
    one(f(&x[0], block, &pairs(rest)))
}

pub(super) const OPERATIONS: &[Declared] = &[
    ("batchToSpaceND", Arity::Exactly(1), |_, x, a| blocks(ops::batch_to_space, x, a)),
    ("spaceToBatchND", Arity::Exactly(1), |_, x, a| blocks(ops::space_to_batch, x, a)),
    ("depthToSpace", Arity::Exactly(1), |_, x, a| one(ops::depth_to_space(&x[0], a.size(0)?))),
    ("spaceToDepth", Arity::Exactly(1), |_, x, a| one(ops::space_to_depth(&x[0], a.size(0)?))),
    ("mirrorPad", Arity::Exactly(1), |_, x, a| {
        let mode = if a.flag(0)? { Mirror::Symmetric } else { Mirror::Reflect };
        one(ops::mirror_pad(&x[0], &pairs(&a.sizes(1)?), mode))
    }),
    ("meshgrid", Arity::AtLeast(1), |_, x, a| ops::meshgrid(&x.iter().listed(), a.flag(0)?)),
    ("eye", Arity::Exactly(0), |d, _, a| one(ops::eye(d, a.size(1)?, a.size(2)?, a.dtype(0)?))),
    ("diag", Arity::Exactly(1), |_, x, _| one(ops::diag(&x[0]))),
    ("diagonal", Arity::Exactly(1), |_, x, a| one(ops::diagonal(&x[0], a.index(0)?, (a.index(1)?, a.index(2)?)))),
];

#[cfg(test)]
mod tests {
    use headwater_core::{DType, Result};

    use crate::registry::{invoke, op_id};

    /// What a call with a tensor of ones says.
    fn refusal(op: &str, shape: &[usize], attrs: &[f64]) -> Result<String> {
        let device = crate::cpu(1);
        let x = device.ones(shape, DType::F32)?;
        Ok(invoke(&device, op_id(op)?, &[x], attrs).expect_err("a wrong call").to_string())
    }

    #[test]
    fn wrong_blocks_and_borders_are_refused() -> Result<()> {
        let check = |op: &str, shape: &[usize], attrs: &[f64], text: &str| -> Result<()> {
            assert_eq!(refusal(op, shape, attrs)?, format!("Error in {op}: {text}"));
            Ok(())
        };
        check("batchToSpaceND", &[3, 2], &[2.0, 0.0, 0.0], "expected a batch that is a multiple of 2, received [3,2]")?;
        check("batchToSpaceND", &[4], &[2.0, 0.0, 0.0], "expected a tensor of rank above 1, received [4]")?;
        check("batchToSpaceND", &[4, 1], &[2.0, 1.0, 2.0], "expected crops inside [2,2], received [(1, 2)]")?;
        check("spaceToBatchND", &[1, 2], &[0.0, 0.0, 0.0], "expected block sizes of at least 1, received [0]")?;
        check(
            "spaceToBatchND",
            &[1, 2],
            &[2.0, 1.0, 0.0],
            "expected padded dimensions that are multiples of [2], received [1,3]",
        )?;
        check("depthToSpace", &[1, 1, 1, 6], &[2.0], "expected channels that are a multiple of 4, received [1,1,1,6]")?;
        check("spaceToDepth", &[2, 2], &[2.0], "expected an image batch of rank 4, received [2,2]")?;
        check(
            "mirrorPad",
            &[3],
            &[0.0, 3.0, 0.0],
            "expected at most 2 elements before and after dimension 0 of [3], received (3, 0)",
        )?;
        check("mirrorPad", &[3, 1], &[1.0, 1.0, 1.0], "expected 2 paddings, one per dimension, received 1")?;
        check("diagonal", &[3, 3], &[0.0, 1.0, -1.0], "expected two different axes, received (1, -1)")
    }
}
