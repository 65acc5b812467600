//! What is told of training that went wrong, and the search for a learning rate.

use headwater::nn::layers::{Activation, Dense};
use headwater::nn::{Model, Network, Policy, Sequential};
use headwater::train::{
    Batch, Callback, Control, Fit, LossScale, Optimizer, RateSweep, Run, Samples, TerminateOnNan, Trainer,
};
use headwater::{cpu, ops, DType, Device, Result, Scalar, Tensor};

fn model(device: &Device) -> Result<Model> {
    let inner = Sequential::new(device, vec![None, Some(2)], 2)
        .layer(Dense::new(3).name("hidden"))?
        .layer(Activation::new("exponential").name("growth"))?
        .build();
    Ok(Sequential::new(device, vec![None, Some(2)], 1).layer(&inner)?.layer(Dense::new(1).name("last"))?.build())
}

/// Puts a number in the place of all inputs or targets of the third step.
struct Spoil {
    input: Option<f32>,
    target: Option<f32>,
}

impl Callback for Spoil {
    fn batch(&mut self, run: &Run, batch: &mut Batch) -> Result<Control> {
        let full = |t: &Tensor, x| t.device().full(t.shape().clone(), Scalar::F32(x));
        if run.steps == 2 {
            for (list, value) in [(&mut batch.inputs, self.input), (&mut batch.targets, self.target)] {
                if let Some(value) = value {
                    list[0] = full(&list[0], value)?;
                }
            }
        }
        Ok(Control::Continue)
    }
}

fn found(spoil: Spoil, change: impl Fn(&Model) -> Result<()>, nan: TerminateOnNan) -> Result<(Option<String>, bool)> {
    let device = cpu(1);
    let model = model(&device)?;
    change(&model)?;
    let x = ops::random_normal(&device, [64, 2], 0.0, 1.0, 1)?;
    let samples = Samples::new(&[&x], &[&x.sum(Some(&[1]), true)?])?;
    let (mut spoil, mut nan) = (spoil, nan);
    let mut trainer = Trainer { epochs: 4, batch_size: 32, ..Trainer::new(Optimizer::sgd(0.01)?, "mse")? };
    trainer.fit_with(&model, &samples, Fit::new().callback(&mut spoil).callback(&mut nan))?;
    let finite = |t: Tensor| Ok(t.to_vec()?.iter().all(|x| x.is_finite()));
    let all: Result<Vec<bool>> = model.get_weights().into_iter().map(finite).collect();
    Ok((nan.found, all?.into_iter().all(|finite| finite)))
}

#[test]
fn the_first_thing_that_is_not_finite_is_named_before_weights_move() -> Result<()> {
    let same = |_: &Model| Ok(());
    let told = |cause: &str, step| (Some(format!("{cause} is not finite in epoch {}, step {step}", step / 2)), true);
    let spoil = |input, target| Spoil { input, target };
    let each = TerminateOnNan::default;
    assert_eq!(found(spoil(None, None), same, each())?, (None, true));
    assert_eq!(found(spoil(Some(f32::NAN), None), same, each())?, told("input 0", 2));
    assert_eq!(found(spoil(None, Some(f32::INFINITY)), same, each())?, told("target 0", 2));
    // Whose exponential is infinite.
    assert_eq!(found(spoil(Some(-1e30), None), same, each())?, told("the output of layer 'growth'", 2));
    // Its square is too large.
    assert_eq!(found(spoil(None, Some(1e30)), same, each())?, told("the loss", 2));
    let broken = |model: &Model| {
        let bias = model.weight("last/bias")?;
        bias.set(bias.value().device().full([1], Scalar::F32(f32::NAN))?)
    };
    let (cause, _) = found(spoil(None, None), broken, each())?;
    assert_eq!(cause, told("weight 'last/bias'", 0).0);
    // Looking at epochs only, it is known in the end of one.
    let rare = TerminateOnNan { every: 100, ..each() };
    let (cause, finite) = found(spoil(Some(f32::NAN), None), same, rare)?;
    assert_eq!((cause, finite), (Some("weight 'hidden/kernel' is not finite in epoch 1, step 3".into()), false));
    Ok(())
}

#[test]
fn steps_that_a_loss_scale_skips_do_not_end_training() -> Result<()> {
    let device = cpu(1);
    let x = ops::random_normal(&device, [64, 2], 0.0, 1.0, 1)?;
    let model = Sequential::new(&device, vec![None, Some(2)], 1).layer(Dense::new(1))?.build();
    model.set_policy(Policy::MixedFloat16);
    let optimizer = Optimizer::sgd(0.01)?.loss_scaled(LossScale::new(1e9, 2000)?);
    let mut trainer = Trainer { epochs: 2, ..Trainer::new(optimizer, "mse")? };
    let mut nan = TerminateOnNan::default();
    let samples = Samples::new(&[&x], &[&x.sum(Some(&[1]), true)?])?;
    let history = trainer.fit_with(&model, &samples, Fit::new().callback(&mut nan))?;
    assert!(nan.found.is_none() && history.loss.len() == 2);
    assert!(trainer.optimizer.loss_scale().is_some_and(|scale| scale.skipped().is_ok_and(|skipped| skipped > 0)));
    Ok(())
}

#[test]
fn a_sweep_leaves_model_and_optimizer_as_they_were() -> Result<()> {
    let device = cpu(1);
    let x = ops::random_normal(&device, [96, 2], 0.0, 1.0, 1)?;
    let model = Sequential::new(&device, vec![None, Some(2)], 1)
        .add("BatchNormalization", serde_json::json!({}))?
        .layer(Dense::new(1))?
        .build();
    let samples = Samples::new(&[&x], &[&x.sum(Some(&[1]), true)?])?;
    let mut trainer = Trainer::new(Optimizer::adam(0.01)?, "mse")?;
    trainer.fit_with(&model, &samples, Fit::new())?;
    let before: Vec<Vec<f32>> = model.get_weights().iter().map(Tensor::to_vec).collect::<Result<_>>()?;
    let curve = trainer.find_rate(&model, &samples, RateSweep { max_rate: 100.0, ..RateSweep::default() })?;
    assert_eq!(curve.rates.len(), curve.losses.len());
    assert!(curve.rates.len() <= 100 && (curve.rates[0] - 1e-7).abs() < 1e-15, "{curve:?}");
    assert!(curve.suggestion.is_some_and(|rate| (1e-4..10.0).contains(&rate)), "{curve:?}");
    let after: Vec<Vec<f32>> = model.get_weights().iter().map(Tensor::to_vec).collect::<Result<_>>()?;
    assert_eq!((after, trainer.optimizer.iterations()?, trainer.optimizer.rate()), (before, 3, 0.01));
    assert!(trainer.find_rate(&model, &samples, RateSweep { steps: 1, ..RateSweep::default() }).is_err());
    assert!(model.states().is_empty() && x.dtype() == DType::F32);
    Ok(())
}
