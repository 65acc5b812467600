//! Cumulative operations, sorting, and rotations.

use headwater_core::ops;

use super::{one, two, Arity, Declared};

pub(super) const OPERATIONS: &[Declared] = &[
    ("topk", Arity::Exactly(1), |_, x, a| two(ops::topk(&x[0], a.size(0)?))),
    // axis, exclusive, reverse
    ("cumsum", Arity::Exactly(1), |_, x, a| one(ops::cumsum(&x[0], a.index(0)?, a.flag(1)?, a.flag(2)?))),
    ("cumprod", Arity::Exactly(1), |_, x, a| one(ops::cumprod(&x[0], a.index(0)?, a.flag(1)?, a.flag(2)?))),
    ("logCumsumExp", Arity::Exactly(1), |_, x, a| one(ops::log_cumsum_exp(&x[0], a.index(0)?, a.flag(1)?, a.flag(2)?))),
    // axis, descending
    ("sort", Arity::Exactly(1), |_, x, a| one(ops::sort(&x[0], a.index(0)?, a.flag(1)?))),
    ("argsort", Arity::Exactly(1), |_, x, a| one(ops::argsort(&x[0], a.index(0)?, a.flag(1)?))),
    // axis, reverse
    ("cummax", Arity::Exactly(1), |_, x, a| one(ops::cummax(&x[0], a.index(0)?, a.flag(1)?))),
    ("cummin", Arity::Exactly(1), |_, x, a| one(ops::cummin(&x[0], a.index(0)?, a.flag(1)?))),
    // shifts, then as many axes
    ("roll", Arity::Exactly(1), |_, x, a| {
        let list = a.axes(0)?.unwrap_or_default();
        let (shifts, axes) = list.split_at(list.len() / 2);
        one(ops::roll(&x[0], shifts, axes))
    }),
    ("kron", Arity::Exactly(2), |_, x, _| one(ops::kron(&x[0], &x[1]))),
];
