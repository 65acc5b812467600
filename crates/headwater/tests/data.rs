//! Data sets: what is read when, and how they are trained on.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use headwater::data::{Dataset, Example, HostBatch};
use headwater::nn::layers::Dense;
use headwater::nn::Sequential;
use headwater::train::{predict, Fit, Optimizer, Samples, Trainer};
use headwater::{cpu, Error, HostData, HostTensor, Result};

/// Numbers from 0 without end, and how many have been made.
fn counted() -> (Dataset<usize>, Arc<AtomicUsize>) {
    let made = Arc::new(AtomicUsize::new(0));
    let count = made.clone();
    let numbers = Dataset::from_fn(move |_| {
        let count = count.clone();
        (0..).inspect(move |_| {
            count.fetch_add(1, Ordering::SeqCst);
        })
    });
    (numbers, made)
}

/// Waits until a count has stopped at `n`.
fn settles(count: &AtomicUsize, n: usize) {
    let start = Instant::now();
    while count.load(Ordering::SeqCst) < n && start.elapsed() < Duration::from_secs(20) {
        std::thread::yield_now();
    }
    std::thread::sleep(Duration::from_millis(30));
    assert_eq!(count.load(Ordering::SeqCst), n);
}

fn example(i: usize) -> Result<Example> {
    let x = i as f32;
    Ok((HostTensor::f32(vec![1], vec![x]), HostTensor::f32(vec![1], vec![2.0 * x])).into())
}

#[test]
fn no_more_is_read_than_is_held() -> Result<()> {
    let (numbers, made) = counted();
    // One that waits, and one that the thread holds until there is room.
    let mut stream = numbers.prefetch(2).iter()?;
    settles(&made, 2);
    assert_eq!(stream.next().transpose()?, Some(0));
    settles(&made, 3);
    drop(stream);
    // A parallel map reads two ahead for each thread, once it is asked.
    let (numbers, made) = counted();
    let mut stream = numbers.map_parallel(3, |n| Ok(n * n)).iter()?;
    assert_eq!(made.load(Ordering::SeqCst), 0);
    assert_eq!(stream.next().transpose()?, Some(0));
    settles(&made, 6);
    // A shuffle holds its buffer.
    let (numbers, made) = counted();
    numbers.shuffle(10, 1).iter()?.take(5).for_each(drop);
    settles(&made, 14);
    Ok(())
}

#[test]
fn data_longer_than_memory_streams() -> Result<()> {
    /// An element that knows how many of its kind there are.
    struct Large(Arc<AtomicUsize>);
    impl Drop for Large {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::SeqCst);
        }
    }
    let (alive, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (count, peak) = (alive.clone(), most.clone());
    let data = Dataset::from_fn(move |_| {
        let (count, peak) = (count.clone(), peak.clone());
        (0..10_000).map(move |_| {
            peak.fetch_max(count.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            Large(count.clone())
        })
    });
    let read = data.map_parallel(2, Ok).shuffle(16, 3).chunks(8, false).prefetch(2).iter()?.count();
    assert_eq!((read, alive.load(Ordering::SeqCst)), (1250, 0));
    // Four in the map, a buffer, three chunks on their way, one that is made, one that is read.
    assert!(most.load(Ordering::SeqCst) <= 4 + 16 + 8 * 5, "{most:?}");
    Ok(())
}

#[test]
fn errors_come_in_their_turn_and_end_the_stream() -> Result<()> {
    let failing =
        || Dataset::from_fn(|_| 0..10).map(|n| if n == 3 { Err(Error::format("number", "three")) } else { Ok(n) });
    let stages: [Dataset<i32>; 7] = [
        failing(),
        failing().map_parallel(3, Ok),
        failing().prefetch(4),
        failing().cache(),
        failing().filter(|_| true).take(9),
        failing().repeat(Some(2)),
        failing().chunks(1, false).map(|c| Ok(c[0])),
    ];
    for stage in stages {
        let items: Vec<Result<i32>> = stage.iter()?.collect();
        assert_eq!(items.len(), 4);
        assert!(items[..3].iter().all(Result::is_ok) && items[3].is_err());
    }
    assert!(failing().skip(5).to_vec().is_err());
    assert!(failing().shuffle(4, 1).to_vec().is_err());
    // A panic is an error, not an end.
    let panics = Dataset::from_fn(|_| 0..4).map(|n: i32| if n == 2 { panic!("for the test") } else { Ok(n) });
    assert!(panics.prefetch(1).to_vec().is_err());
    let panics =
        Dataset::from_fn(|_| 0..4).map_parallel(2, |n: i32| if n == 2 { panic!("for the test") } else { Ok(n) });
    assert!(panics.to_vec().is_err());
    Ok(())
}

#[test]
fn caches_are_filled_once_and_orders_differ_by_pass() -> Result<()> {
    let (numbers, made) = counted();
    let kept = numbers.take(5).cache();
    // A pass that is left fills nothing.
    kept.iter()?.take(2).for_each(drop);
    assert_eq!((kept.to_vec()?, kept.to_vec()?), ((0..5).collect(), (0..5).collect()));
    assert_eq!(made.load(Ordering::SeqCst), 2 + 5);
    let twice = Dataset::from_items((0..20).collect::<Vec<_>>()).shuffle(20, 1).repeat(Some(2)).to_vec()?;
    assert_ne!(twice[..20], twice[20..]);
    let empty = Dataset::from_items(Vec::<i32>::new()).repeat(None);
    assert_eq!((empty.to_vec()?, empty.len()), (vec![], Some(0)));
    let odd = Dataset::from_fn(|_| 0..3).filter(|_| false).repeat(None);
    assert_eq!(odd.to_vec()?, [0; 0]);
    Ok(())
}

#[test]
fn batches_keep_dtypes_and_name_what_differs() -> Result<()> {
    let bytes = |v: Vec<u8>| HostTensor { shape: vec![v.len()], data: HostData::U8(v) };
    let weighted = Example { weight: Some(2.0), ..Example::from(bytes(vec![1, 2])) };
    let batch = HostBatch::of(&[weighted, bytes(vec![3, 4]).into()])?;
    assert_eq!(batch.inputs[0], HostTensor { shape: vec![2, 2], data: HostData::U8(vec![1, 2, 3, 4]) });
    assert_eq!(batch.weights, Some(vec![2.0, 1.0]));
    let message = |examples: &[Example]| HostBatch::of(examples).err().map_or_else(String::new, |e| e.to_string());
    assert!(message(&[bytes(vec![1]).into(), bytes(vec![1, 2]).into()]).contains("shape [1], received [2]"));
    let float = HostTensor::f32(vec![1], vec![1.0]);
    assert!(message(&[bytes(vec![1]).into(), float.clone().into()]).contains("uint8"));
    assert!(message(&[float.clone().into(), (float.clone(), float.clone()).into()]).contains("0 tensors"));
    assert!(Dataset::from_tensors(vec![float.clone()], vec![HostTensor::f32(vec![2], vec![0.0; 2])]).is_err());
    assert!(Dataset::from_tensors(vec![HostTensor::f32(vec![3], vec![0.0])], vec![]).is_err());
    Ok(())
}

#[test]
fn a_data_set_trains_as_its_tensors_do() -> Result<()> {
    let device = cpu(1);
    let data = Dataset::from_fn(|_| 0..40usize).map(example);
    let x = HostTensor::f32(vec![40, 1], (0..40).map(|v| v as f32).collect()).to_device(&device)?;
    let y = (&x * 2.0)?;
    let history = |of: &dyn headwater::train::Source| -> Result<Vec<f64>> {
        let model = Sequential::new(&device, vec![None, Some(1)], 1).layer(Dense::new(1))?.build();
        let trainer = Trainer::new(Optimizer::sgd(1e-4)?, "mse")?;
        let mut trainer = Trainer { epochs: 3, batch_size: 16, ..trainer };
        Ok(trainer.fit_with(&model, of, Fit::new().shuffle(false))?.loss)
    };
    let expected = history(&Samples::new(&[&x], &[&y])?)?;
    assert_eq!(history(&data.batch(16))?, expected);
    assert_eq!(history(&data.batch(16).to_device(&device).prefetch(2))?, expected);
    // Without an end, with a number of steps.
    let model = Sequential::new(&device, vec![None, Some(1)], 1).layer(Dense::new(1))?.build();
    let mut trainer = Trainer { epochs: 2, ..Trainer::new(Optimizer::sgd(1e-4)?, "mse")? };
    let endless = data.repeat(None).batch(16);
    assert_eq!(trainer.fit_with(&model, &endless, Fit::new().steps_per_epoch(5))?.loss.len(), 2);
    assert_eq!(predict(&model, &data.batch(7), 1)?[0].shape().to_vec(), [40, 1]);
    let empty = data.filter(|_| false).batch(4);
    assert!(trainer.fit_with(&model, &empty, Fit::new()).is_err());
    // An error of the data ends the fit.
    let failing = data.map(|_| Err::<Example, _>(Error::format("image.png", "broken"))).batch(4);
    let error = trainer.fit_with(&model, &failing, Fit::new()).err().map(|e| e.to_string());
    assert_eq!(error.as_deref(), Some("image.png: broken"));
    Ok(())
}

/// The losses of a fit whose batches another thread uploads.
fn uploaded_ahead(device: &headwater::Device) -> Result<Vec<f64>> {
    let data = Dataset::from_fn(|_| 0..1024usize).map_parallel(2, |i| example(i % 16)).shuffle(64, 5).batch(8);
    let model = Sequential::new(device, vec![None, Some(1)], 1).layer(Dense::new(1))?.build();
    let mut trainer = Trainer { epochs: 2, ..Trainer::new(Optimizer::sgd(1e-3)?, "mse")? };
    let train = data.to_device(device).prefetch(4);
    Ok(trainer.fit_with(&model, &train, Fit::new())?.loss)
}

#[test]
fn a_thread_uploads_while_steps_run() -> Result<()> {
    let expected = uploaded_ahead(&cpu(2))?;
    assert!(expected[1] < 0.1 * expected[0], "{expected:?}");
    // Where there is a GPU.
    #[cfg(feature = "gpu")]
    if let Ok(device) = headwater::gpu() {
        let losses = uploaded_ahead(&device)?;
        assert!(
            losses.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-3 * b.abs() + 1e-6),
            "{losses:?} {expected:?}"
        );
    }
    Ok(())
}
