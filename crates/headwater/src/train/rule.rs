//! How steps move weights.

/// The parameters of rules that average gradients and their squares.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moments {
    /// The part of the gradients' average that remains in a step.
    pub beta1: f64,
    /// The part of the squares' average, or of Adamax's largest gradient, that remains.
    pub beta2: f64,
    /// What is added to the corrected deviation.
    pub epsilon: f64,
}

impl Default for Moments {
    /// 0.9, 0.999 and 1e-7, as in Keras.
    fn default() -> Moments {
        Moments { beta1: 0.9, beta2: 0.999, epsilon: 1e-7 }
    }
}

/// How a rule is told the number of the step.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Counts {
    /// It does not ask.
    Nothing,
    /// As the last number, of which a tensor may say how many were skipped.
    OnDevice,
    /// As the last number, without those that were skipped.
    OnHost,
}

/// How a step moves a weight. The parameters are those of Keras.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// Along the gradient.
    Sgd,
    /// Along a sum of gradients in which the past decays.
    Momentum {
        /// The part of the sum that remains in a step.
        momentum: f64,
        /// Whether the gradient counts twice: Nesterov's form.
        nesterov: bool,
    },
    /// Kingma & Ba 2015.
    Adam(Moments),
    /// Adam whose deviation never falls (Reddi et al. 2018).
    Amsgrad(Moments),
    /// Kingma & Ba 2015, section 7.1.
    Adamax(Moments),
    /// Adam with Nesterov's momentum (Dozat 2016).
    Nadam(Moments),
    /// Adam with a trust ratio for each weight (You et al. 2020).
    Lamb(Moments),
    /// Along signs (Chen et al. 2023).
    Lion {
        /// The average's part of the direction.
        beta1: f64,
        /// The part of the average that remains in a step.
        beta2: f64,
    },
    /// The gradient over its root mean square.
    RmsProp {
        /// The part of the averages that remains in a step.
        rho: f64,
        /// The part of the last move that is repeated.
        momentum: f64,
        /// What is added to the mean square.
        epsilon: f64,
        /// Whether the variance is taken instead of the mean square.
        centered: bool,
    },
    /// The gradient over the root of the sum of its squares (Duchi et al. 2011).
    Adagrad {
        /// What the sum begins with.
        initial: f64,
        /// What is added to it.
        epsilon: f64,
    },
    /// Zeiler 2012.
    Adadelta {
        /// The part of the averages that remains in a step.
        rho: f64,
        /// What is added to them.
        epsilon: f64,
    },
    /// McMahan et al. 2013. The learning rate is above 0.
    Ftrl {
        /// The power of the sum of squares in the learning rate, at most 0.
        power: f64,
        /// What the sum of squares begins with.
        initial: f64,
        /// The penalty of absolute values.
        l1: f64,
        /// The penalty of squares.
        l2: f64,
        /// The penalty of squares that goes with the gradient.
        shrinkage: f64,
        /// What is added to the powered sum.
        beta: f64,
    },
}

impl Rule {
    /// The registry's step, the numbers after the learning rate, and what each slot begins with.
    pub(super) fn parts(self) -> (&'static str, Vec<f64>, Vec<f64>) {
        // The last number counts steps.
        let averaging = |name, p: Moments, slots| (name, vec![p.beta1, p.beta2, p.epsilon, 0.0], vec![0.0; slots]);
        let flag = |yes: bool| f64::from(u8::from(yes));
        match self {
            Rule::Sgd => ("optimizer/sgd", vec![], vec![]),
            Rule::Momentum { momentum, nesterov } => ("optimizer/momentum", vec![momentum, flag(nesterov)], vec![0.0]),
            Rule::Adam(p) => averaging("optimizer/adam", p, 2),
            Rule::Amsgrad(p) => averaging("optimizer/amsgrad", p, 3),
            Rule::Adamax(p) => averaging("optimizer/adamax", p, 2),
            Rule::Nadam(p) => averaging("optimizer/nadam", p, 2),
            Rule::Lamb(p) => averaging("optimizer/lamb", p, 2),
            Rule::Lion { beta1, beta2 } => ("optimizer/lion", vec![beta1, beta2], vec![0.0]),
            Rule::RmsProp { rho, momentum, epsilon, centered } => {
                let slots = if centered { 3 } else { 2 };
                ("optimizer/rmsprop", vec![rho, momentum, epsilon, flag(centered)], vec![0.0; slots])
            }
            Rule::Adagrad { initial, epsilon } => ("optimizer/adagrad", vec![epsilon], vec![initial]),
            Rule::Adadelta { rho, epsilon } => ("optimizer/adadelta", vec![rho, epsilon], vec![0.0; 2]),
            Rule::Ftrl { power, initial, l1, l2, shrinkage, beta } => {
                ("optimizer/ftrl", vec![power, l1, l2, shrinkage, beta], vec![initial, 0.0])
            }
        }
    }

    /// Whether the last number counts steps.
    pub(super) fn counts(self) -> Counts {
        match self {
            Rule::Adam(_) | Rule::Amsgrad(_) | Rule::Adamax(_) | Rule::Lamb(_) => Counts::OnDevice,
            Rule::Nadam(_) => Counts::OnHost,
            _ => Counts::Nothing,
        }
    }
}
