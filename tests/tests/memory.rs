//! Long runs do not grow.

use headwater::ops::AttentionOptions;
use headwater::{cpu, gpu, ops, Device, Result, Tensor};

/// A step of gradient descent on a small network; the new weights and the loss.
fn step(device: &Device, x: &Tensor, y: &Tensor, w: &[Tensor; 2]) -> Result<([Tensor; 2], Tensor)> {
    let (loss, gradients) = device.value_and_grads(&[&w[0], &w[1]], || {
        let hidden = ops::tanh(&ops::matmul(x, &w[0], false, false)?)?;
        let error = ops::sub(&ops::matmul(&hidden, &w[1], false, false)?, y)?;
        ops::mean(&ops::square(&error)?, None, false)
    })?;
    let rate = device.scalar(headwater::Scalar::F32(0.05));
    let moved = |i: usize| ops::sub(&w[i], &ops::mul(&gradients[i], &rate)?);
    Ok(([moved(0)?, moved(1)?], loss))
}

fn stays_flat(device: &Device) -> Result<()> {
    let x = ops::random_normal(device, [32, 8], 0.0, 1.0, 1)?;
    let y = ops::sum(&x, Some(&[1]), true)?;
    let mut w = [ops::random_normal(device, [8, 16], 0.0, 0.5, 2)?, ops::random_normal(device, [16, 1], 0.0, 0.5, 3)?];
    let (mut first, mut last) = (None, f64::MAX);
    let mut settled = None;
    for i in 0..1100 {
        let (next, loss) = step(device, &x, &y, &w)?;
        w = next;
        device.flush()?;
        if i % 50 == 0 {
            last = loss.item()?;
            first.get_or_insert(last);
        }
        drop(loss);
        if i == 100 {
            settled = Some((device.engine().memory(), device.stats().plans));
        }
    }
    assert_eq!(Some((device.engine().memory(), device.stats().plans)), settled, "{}", device.engine().name());
    assert!(first.is_some_and(|first| last < first / 4.0), "{}: {first:?} to {last}", device.engine().name());
    Ok(())
}

#[test]
fn a_thousand_training_steps_leave_memory_flat() -> Result<()> {
    stays_flat(&cpu(2))?;
    stays_flat(&gpu()?)
}

/// What the engine has ever held at once, for attention of a length and its gradients.
fn attention_memory(length: usize, causal: bool) -> Result<usize> {
    let device = cpu(2);
    let draw = |seed| ops::random_normal(&device, [2, length, 8], 0.0, 1.0, seed);
    let (q, k, v) = (draw(1)?, draw(2)?, draw(3)?);
    let options = AttentionOptions { causal, ..AttentionOptions::default() };
    let (y, gradients) =
        device.value_and_grads(&[&q, &k, &v], || ops::scaled_dot_product_attention(&q, &k, &v, None, &options))?;
    device.flush()?;
    drop((y, gradients));
    // What was freed is kept for reuse.
    let memory = device.engine().memory();
    Ok(memory.live + memory.pooled)
}

#[test]
fn attention_of_four_times_the_length_takes_at_most_four_times_the_memory() -> Result<()> {
    for causal in [false, true] {
        let (short, long) = (attention_memory(1024, causal)?, attention_memory(4096, causal)?);
        assert!(long <= 4 * short, "causal {causal}: {short} bytes at 1024, {long} at 4096");
        // One matrix of scores would take more.
        assert!(long < 2 * 4096 * 4096 * 4, "{long} bytes");
    }
    Ok(())
}
