//! Optimizer steps: from a weight, its gradient and the optimizer's slots to their next values. Each is a short sum of
//! tensor expressions, which fuses to one kernel per weight. What changes from step to step is a run-time scalar, so
//! that the plan is found again.

use headwater_core::calc::{Calc, Term};
use headwater_core::Listed;
use headwater_core::{ops, Result, Tensor};

use crate::registry::{Arity, Attrs};

#[cfg(feature = "optimizers-more")]
pub(crate) mod more;
pub(crate) mod options;

type Step = for<'a> fn(&[Term<'a>], &Attrs<'_>) -> Vec<Term<'a>>;

/// Number `i`, which `w`'s computation fails without.
#[inline(never)]
fn number(w: Term<'_>, a: &Attrs<'_>, i: usize) -> f64 {
    a.number(i).unwrap_or_else(|error| {
        w.fail(error);
        0.0
    })
}

/// Number `i` as a run-time scalar next to `w`.
fn rate<'a>(w: Term<'a>, a: &Attrs<'_>, i: usize) -> Term<'a> {
    w.scalar(number(w, a, i))
}

/// `old * decay + new * (1 - decay)`, with the decay number `i`.
#[inline(never)]
fn average<'a>(old: Term<'a>, new: Term<'a>, a: &Attrs<'_>, i: usize) -> Term<'a> {
    let decay = number(old, a, i);
    old * decay + new * (1.0 - decay)
}

/// The weight moved against `direction` by the learning rate, number 0.
#[inline(never)]
fn moved<'a>(w: Term<'a>, direction: Term<'a>, a: &Attrs<'_>) -> Term<'a> {
    w - direction * rate(w, a, 0)
}

/// The averages of gradients and of their squares, with the decays 1 and 2.
#[inline(never)]
fn moments<'a>(g: Term<'a>, m: Term<'a>, v: Term<'a>, a: &Attrs<'_>) -> [Term<'a>; 2] {
    [average(m, g, a, 1), average(v, g.map(ops::square), a, 2)]
}

/// An average without its bias to the zeros it began with: its decay is number `i`, the step from 1 number 4, of which so many
/// were `skipped` as the tensor says.
#[inline(never)]
fn corrected<'a>(average: Term<'a>, a: &Attrs<'_>, i: usize, skipped: Option<Term<'a>>) -> Term<'a> {
    let decay = number(average, a, i);
    let Some(skipped) = skipped else {
        let step = a.size(4).unwrap_or_else(|error| {
            average.fail(error);
            1
        });
        return average * average.scalar(1.0 / (1.0 - decay.powi(step as i32)));
    };
    let steps = rate(average, a, 4) - skipped;
    average / -(steps * decay.ln()).map(ops::expm1)
}

/// The corrected mean over the corrected deviation, which epsilon, number 3, is added to.
#[inline(never)]
fn normalized<'a>(m: Term<'a>, v: Term<'a>, a: &Attrs<'_>, skipped: Option<&Term<'a>>) -> Term<'a> {
    let skipped = skipped.copied();
    corrected(m, a, 1, skipped) / (corrected(v, a, 2, skipped).sqrt() + number(v, a, 3))
}

/// learning rate: `w - lr * g`.
fn sgd<'a>(x: &[Term<'a>], a: &Attrs<'_>) -> Vec<Term<'a>> {
    vec![moved(x[0], x[1], a)]
}

/// learning rate, momentum, nesterov: `v = momentum * v + rate * g`, as Keras has it: a rate that changes leaves what is on its way.
fn momentum<'a>(x: &[Term<'a>], a: &Attrs<'_>) -> Vec<Term<'a>> {
    let [w, g, v] = [x[0], x[1], x[2]];
    let factor = number(w, a, 1);
    let g = g * rate(w, a, 0);
    let v = v * factor + g;
    let step = if number(w, a, 2) != 0.0 { v * factor + g } else { v };
    vec![w - step, v]
}

/// learning rate, beta1, beta2, epsilon, step number from 1 (Kingma & Ba 2015).
fn adam<'a>(x: &[Term<'a>], a: &Attrs<'_>) -> Vec<Term<'a>> {
    let [m, v] = moments(x[1], x[2], x[3], a);
    vec![moved(x[0], normalized(m, v, a, x.get(4)), a), m, v]
}

/// learning rate, beta1, beta2, epsilon, step number from 1 (Kingma & Ba 2015, section 7.1).
fn adamax<'a>(x: &[Term<'a>], a: &Attrs<'_>) -> Vec<Term<'a>> {
    let [w, g, m, u] = [x[0], x[1], x[2], x[3]];
    let m = average(m, g, a, 1);
    let u = (u * number(w, a, 2)).with(g.map(ops::abs), ops::maximum);
    let w = moved(w, corrected(m, a, 1, x.get(4).copied()) / (u + number(w, a, 3)), a);
    vec![w, m, u]
}

/// learning rate, decay, momentum, epsilon, centered; slots: mean of squares, momentum, and mean if centered.
fn rmsprop<'a>(x: &[Term<'a>], a: &Attrs<'_>) -> Vec<Term<'a>> {
    let [w, g, squares, moment] = [x[0], x[1], x[2], x[3]];
    let squares = average(squares, g.map(ops::square), a, 1);
    let (mut variance, mut centre) = (squares, None);
    if let Some(&of) = x.get(4).filter(|_| number(w, a, 4) != 0.0) {
        let of = average(of, g, a, 1);
        variance = squares - of.map(ops::square);
        centre = Some(of);
    }
    let scaled = (g * rate(w, a, 0)) / (variance + number(w, a, 3)).sqrt();
    let moment = moment * number(w, a, 2) + scaled;
    let mut next = vec![w - moment, squares, moment];
    next.extend(centre);
    next
}

/// learning rate, epsilon; slot: sum of squares (Duchi et al. 2011).
fn adagrad<'a>(x: &[Term<'a>], a: &Attrs<'_>) -> Vec<Term<'a>> {
    let [w, g, sum] = [x[0], x[1], x[2]];
    let sum = sum + g.map(ops::square);
    vec![moved(w, g / (sum + number(w, a, 1)).sqrt(), a), sum]
}

/// learning rate, rho, epsilon; slots: means of squared gradients and of squared updates (Zeiler 2012).
fn adadelta<'a>(x: &[Term<'a>], a: &Attrs<'_>) -> Vec<Term<'a>> {
    let [w, g, squares, updates] = [x[0], x[1], x[2], x[3]];
    let epsilon = number(w, a, 2);
    let squares = average(squares, g.map(ops::square), a, 1);
    let update = ((updates + epsilon).sqrt() / (squares + epsilon).sqrt()) * g;
    let updates = average(updates, update.map(ops::square), a, 1);
    vec![moved(w, update, a), squares, updates]
}

/// A step in float32, slots included, whatever the weight's dtype: only the weight is rounded.
#[inline(never)]
fn wide(step: Step, x: &[Tensor], a: &Attrs<'_>) -> Result<Vec<Tensor>> {
    let calc = Calc::default();
    let operands: Vec<Term<'_>> = x.iter().map(|x| calc.of(x).number()).listed();
    let mut next = step(&operands, a);
    next[0] = next[0].cast(x[0].dtype());
    calc.results(&next)
}

/// The steps as operations of the registry: `(weight, gradient, slots..) -> (weight, slots..)`. Those that are told their number
/// may take, last, how many steps before it were skipped.
pub(crate) const OPERATIONS: &[(&str, Arity, crate::registry::Operation)] = &[
    ("optimizer/sgd", Arity::Exactly(2), |_, x, a| wide(sgd, x, a)),
    ("optimizer/momentum", Arity::Exactly(3), |_, x, a| wide(momentum, x, a)),
    ("optimizer/adam", Arity::AtLeast(4), |_, x, a| wide(adam, x, a)),
    ("optimizer/adamax", Arity::AtLeast(4), |_, x, a| wide(adamax, x, a)),
    ("optimizer/rmsprop", Arity::AtLeast(4), |_, x, a| wide(rmsprop, x, a)),
    ("optimizer/adagrad", Arity::Exactly(3), |_, x, a| wide(adagrad, x, a)),
    ("optimizer/adadelta", Arity::Exactly(4), |_, x, a| wide(adadelta, x, a)),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::{invoke, op_id};
    use headwater_core::{DType, Scalar};

    #[test]
    fn a_narrow_weight_stays_one() -> Result<()> {
        let d = crate::cpu(1);
        let weight = d.scalar_of(DType::F16, 1.0);
        let state = [weight.clone(), d.scalar_of(DType::F16, 0.5), weight.zeros_like()?, weight.zeros_like()?];
        let next = invoke(&d, op_id("optimizer/adam")?, &state, &[0.1, 0.9, 0.999, 1e-7, 1.0])?;
        let dtypes: Vec<DType> = next.iter().map(Tensor::dtype).collect();
        assert_eq!(dtypes, [DType::F16, DType::F32, DType::F32]);
        // The float16 nearest to 0.9.
        assert_eq!(next[0].item()?, 0.899_902_343_75);
        Ok(())
    }

    /// A step of which some before it were skipped is that of a smaller number.
    #[test]
    fn skipped_steps_do_not_count() -> Result<()> {
        let d = crate::cpu(1);
        for (name, slots) in [("optimizer/adam", 2), ("optimizer/adamax", 2)] {
            let mut inputs: Vec<Tensor> = [1.0, 0.5].map(|x| d.scalar(Scalar::F32(x))).into();
            inputs.extend((0..slots).map(|i| d.scalar(Scalar::F32(0.01 + i as f32))));
            for t in [1.0, 3.0, 900.0] {
                let run = |inputs: &[Tensor], t: f64| {
                    invoke(&d, op_id(name)?, inputs, &[0.1, 0.9, 0.999, 1e-7, t])?[0].item()
                };
                let plain = run(&inputs, t)?;
                inputs.push(d.scalar(Scalar::F32(4.0)));
                let skipped = run(&inputs, t + 4.0)?;
                inputs.pop();
                assert!((plain - skipped).abs() < 1e-6, "{name} {t}: {plain} {skipped}");
            }
        }
        Ok(())
    }

    /// Two steps from w = 1 with gradient 0.5 against values worked out by hand from the papers' formulas.
    #[test]
    fn steps_follow_their_formulas() -> Result<()> {
        let d = crate::cpu(1);
        let run = |name: &str, slots: usize, attrs: &dyn Fn(f64) -> Vec<f64>| -> Result<f64> {
            let id = op_id(name)?;
            let g = d.scalar(Scalar::F32(0.5));
            let mut state = vec![d.scalar(Scalar::F32(1.0))];
            state.extend((0..slots).map(|_| d.scalar(Scalar::F32(0.0))));
            for t in 1..=2 {
                let mut inputs = state.clone();
                inputs.insert(1, g.clone());
                state = invoke(&d, id, &inputs, &attrs(f64::from(t)))?;
            }
            state[0].item()
        };
        let check = |got: Result<f64>, want: f64| -> Result<()> {
            let got = got?;
            assert!((got - want).abs() < 1e-6, "{got} {want}");
            Ok(())
        };
        check(run("optimizer/sgd", 0, &|_| vec![0.1]), 0.9)?;
        // v: 0.5, 0.95
        check(run("optimizer/momentum", 1, &|_| vec![0.1, 0.9, 0.0]), 1.0 - 0.05 - 0.095)?;
        check(run("optimizer/momentum", 1, &|_| vec![0.1, 0.9, 1.0]), 1.0 - 0.1 * (0.95 + 1.355))?;
        // A constant gradient moves Adam by the rate.
        check(run("optimizer/adam", 2, &|t| vec![0.1, 0.9, 0.999, 1e-7, t]), 0.8)?;
        check(run("optimizer/adamax", 2, &|t| vec![0.1, 0.9, 0.999, 1e-7, t]), 0.8)?;
        let first = 0.05 / (0.025f64 + 1e-7).sqrt();
        let second = 0.05 / (0.0475f64 + 1e-7).sqrt();
        check(run("optimizer/rmsprop", 2, &|_| vec![0.1, 0.9, 0.0, 1e-7, 0.0]), 1.0 - first - second)?;
        check(run("optimizer/adagrad", 1, &|_| vec![0.1, 1e-7]), 1.0 - 0.1 - 0.05 / 0.5f64.sqrt())?;
        Ok(())
    }
}
