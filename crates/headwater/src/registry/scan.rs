//! Cumulative operations and sorting.

use headwater_core::ops;

use super::{one, Arity, Declared};

pub(super) const OPERATIONS: &[Declared] = &[
    // axis, exclusive, reverse
    ("cumsum", Arity::Exactly(1), |_, x, a| one(ops::cumsum(&x[0], a.index(0)?, a.flag(1)?, a.flag(2)?))),
    ("cumprod", Arity::Exactly(1), |_, x, a| one(ops::cumprod(&x[0], a.index(0)?, a.flag(1)?, a.flag(2)?))),
    ("logCumsumExp", Arity::Exactly(1), |_, x, a| one(ops::log_cumsum_exp(&x[0], a.index(0)?, a.flag(1)?, a.flag(2)?))),
    // axis, reverse
    ("cummax", Arity::Exactly(1), |_, x, a| one(ops::cummax(&x[0], a.index(0)?, a.flag(1)?))),
    ("cummin", Arity::Exactly(1), |_, x, a| one(ops::cummin(&x[0], a.index(0)?, a.flag(1)?))),
];
