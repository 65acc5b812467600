//! A guide: an example for each group of operations on tensors, then models, training, data and files.
//!
//! Operations are functions in [`ops`](crate::ops); the elementwise ones and those of every day are methods of
//! [`Tensor`](crate::Tensor), too. Every one returns a [`Result`](crate::Result): wrong shapes, dtypes and arguments are errors of the call
//! that made them. Nothing is computed until a value is read.
//!
//! # Creation
//!
//! ```
//! use headwater::{cpu, ops, DType, HostSlice, Result, Scalar};
//!
//! # fn main() -> Result<()> {
//! let device = cpu(1);
//! let x = device.tensor(HostSlice::F32(&[1.0, 2.0, 3.0, 4.0]), [2, 2])?;
//! assert_eq!((x.rank(), x.size(), x.dtype()), (2, 4, DType::F32));
//! assert_eq!(device.full([3], Scalar::I32(7))?.to_vec()?, [7.0; 3]);
//! assert_eq!(ops::range(&device, 0.0, 1.0, 0.25, DType::F32)?.to_vec()?, [0.0, 0.25, 0.5, 0.75]);
//! assert_eq!(ops::eye(&device, 2, 2, DType::F32)?.to_vec()?, [1.0, 0.0, 0.0, 1.0]);
//! // The same seed gives the same numbers, on every engine.
//! let [a, b] = [5, 5].map(|seed| ops::random_normal(&device, [3], 0.0, 1.0, seed));
//! assert_eq!(a?.to_vec()?, b?.to_vec()?);
//! # Ok(())
//! # }
//! ```
//!
//! # Arithmetic
//!
//! Operators work on references and on numbers; shapes broadcast as in NumPy. A chain of elementwise operations runs as one
//! kernel.
//!
//! ```
//! # use headwater::{cpu, ops, DType, HostSlice, Result};
//! # fn main() -> Result<()> {
//! # let device = cpu(1);
//! let x = device.tensor(HostSlice::F32(&[-1.0, 0.0, 2.0]), [3])?;
//! let column = device.tensor(HostSlice::F32(&[10.0, 20.0]), [2, 1])?;
//! assert_eq!((&x + &column)?.to_vec()?, [9.0, 10.0, 12.0, 19.0, 20.0, 22.0]);
//! assert_eq!((1.0 - &x.relu()?)?.to_vec()?, [1.0, 1.0, -1.0]);
//! let positive = x.greater(&x.zeros_like()?)?;
//! assert_eq!(ops::select(&positive, &x, &x.exp()?)?.to_vec()?[1..], [1.0, 2.0]);
//! assert_eq!(x.cast(DType::Bool)?.to_vec()?, [1.0, 0.0, 1.0]);
//! let wrong = &x + &device.ones([4], DType::F32)?;
//! let text = "Error in add: expected shapes that broadcast together, received [3] and [4]";
//! assert_eq!(wrong.err().map(|e| e.to_string()).as_deref(), Some(text));
//! # Ok(())
//! # }
//! ```
//!
//! # Reductions
//!
//! ```
//! # use headwater::{cpu, HostSlice, Result};
//! # fn main() -> Result<()> {
//! # let device = cpu(1);
//! let x = device.tensor(HostSlice::F32(&[1.0, 2.0, 3.0, 6.0, 5.0, 4.0]), [2, 3])?;
//! assert_eq!(x.sum(None, false)?.item()?, 21.0);
//! assert_eq!(x.mean(Some(&[-1]), false)?.to_vec()?, [2.0, 5.0]);
//! assert_eq!(x.arg_max(1)?.to_vec()?, [2.0, 0.0]);
//! // Reduced dimensions that are kept broadcast against the operand.
//! let centred = (&x - &x.max(Some(&[1]), true)?)?;
//! assert_eq!(centred.to_vec()?, [-2.0, -1.0, 0.0, 0.0, -1.0, -2.0]);
//! assert_eq!(x.softmax(-1)?.sum(None, false)?.item()?.round(), 2.0);
//! # Ok(())
//! # }
//! ```
//!
//! # Movement
//!
//! Reshaping, transposing, slicing, reversing and broadcasting are views: what uses them reads through them.
//!
//! ```
//! # use headwater::{cpu, ops, DType, Result};
//! # fn main() -> Result<()> {
//! # let device = cpu(1);
//! let x = ops::range(&device, 0.0, 6.0, 1.0, DType::F32)?.reshape([2, 3])?;
//! assert_eq!(x.transpose(None)?.to_vec()?, [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
//! assert_eq!(x.slice(&[0, 1], &[2, 2])?.to_vec()?, [1.0, 2.0, 4.0, 5.0]);
//! assert_eq!(x.reverse(Some(&[1]))?.to_vec()?, [2.0, 1.0, 0.0, 5.0, 4.0, 3.0]);
//! assert_eq!(x.concat(&x, 0)?.shape()[..], [4, 3]);
//! assert_eq!(x.pad(&[(0, 0), (1, 0)], 9.0)?.to_vec()?, [9.0, 0.0, 1.0, 2.0, 9.0, 3.0, 4.0, 5.0]);
//! let mirrored = ops::mirror_pad(&x, &[(0, 0), (0, 2)], ops::Mirror::Reflect)?;
//! assert_eq!(mirrored.to_vec()?, [0.0, 1.0, 2.0, 1.0, 0.0, 3.0, 4.0, 5.0, 4.0, 3.0]);
//! # Ok(())
//! # }
//! ```
//!
//! # Contraction
//!
//! Products and convolutions; a bias and an activation that follow run in the same kernel.
//!
//! ```
//! # use headwater::{cpu, ops, DType, HostSlice, Result};
//! # fn main() -> Result<()> {
//! # let device = cpu(1);
//! let x = device.tensor(HostSlice::F32(&[1.0, 2.0, 3.0, 4.0]), [2, 2])?;
//! let bias = device.tensor(HostSlice::F32(&[-8.0, 1.0]), [2])?;
//! assert_eq!((&x.matmul(&x)? + &bias)?.relu()?.to_vec()?, [0.0, 11.0, 7.0, 23.0]);
//! assert_eq!(ops::einsum("ij,kj->ik", &[&x, &x])?.to_vec()?, [5.0, 11.0, 11.0, 25.0]);
//! assert_eq!(ops::einsum("ii", &[&x])?.item()?, 5.0);
//! let (images, filters) = (device.ones([1, 4, 4, 1], DType::F32)?, device.ones([3, 3, 1, 2], DType::F32)?);
//! let y = images.conv2d(&filters, &ops::Conv2dOptions::default())?;
//! assert_eq!((&y.shape()[..], y.to_vec()?[0]), (&[1, 2, 2, 2][..], 9.0));
//! # Ok(())
//! # }
//! ```
//!
//! # Indexing
//!
//! ```
//! # use headwater::{cpu, ops, DType, HostSlice, Result};
//! # fn main() -> Result<()> {
//! # let device = cpu(1);
//! let table = device.tensor(HostSlice::F32(&[0.0, 1.0, 10.0, 11.0, 20.0, 21.0]), [3, 2])?;
//! let rows = device.tensor(HostSlice::I32(&[2, 0]), [2])?;
//! assert_eq!(table.gather(&rows, 0)?.to_vec()?, [20.0, 21.0, 0.0, 1.0]);
//! assert_eq!(ops::one_hot(&rows, 3, 1.0, 0.0, DType::F32)?.to_vec()?, [0.0, 0.0, 1.0, 1.0, 0.0, 0.0]);
//! assert_eq!(ops::unsorted_segment_sum(&table.gather(&rows, 0)?, &rows, 3)?.to_vec()?, [0.0, 1.0, 0.0, 0.0, 20.0, 21.0]);
//! let (values, indices) = table.transpose(None)?.topk(2)?;
//! assert_eq!((values.to_vec()?, indices.to_vec()?), (vec![20.0, 10.0, 21.0, 11.0], vec![2.0, 1.0, 2.0, 1.0]));
//! # Ok(())
//! # }
//! ```
//!
//! # Gradients
//!
//! A gradient is made of operations, so it can be differentiated again.
//!
//! ```
//! # use headwater::{cpu, custom, HostSlice, Result};
//! # fn main() -> Result<()> {
//! # let device = cpu(1);
//! let x = device.tensor(HostSlice::F32(&[1.0, 2.0]), [2])?;
//! let cube = || (&(&x * &x)? * &x)?.sum(None, false);
//! let (value, slope) = device.value_and_grads(&[&x], cube)?;
//! assert_eq!((value.item()?, slope[0].to_vec()?), (9.0, vec![3.0, 12.0]));
//! let slope_of = || device.value_and_grads(&[&x], cube)?.1[0].sum(None, false);
//! assert_eq!(device.value_and_grads(&[&x], slope_of)?.1[0].to_vec()?, [6.0, 12.0]);
//! // A gradient of one's own: rounding, as if it were the identity.
//! let rounded = || custom(&[&x], |x| x[0].round(), |_, dy| Ok(vec![dy.clone()]))?.sum(None, false);
//! assert_eq!(device.value_and_grads(&[&x], rounded)?.1[0].to_vec()?, [1.0, 1.0]);
//! # Ok(())
//! # }
//! ```
//!
//! # Models
//!
//! [`Sequential`](crate::nn::Sequential) makes chains of [`layers`](crate::nn::layers),
//! [`Functional`](crate::nn::Functional) graphs, with several inputs and outputs, shared layers and models as layers. A layer of
//! one's own is a [`Layer`](crate::nn::Layer), a network whose call is written in Rust a [`Network`](crate::nn::Network).
//!
//! ```
//! # use headwater::{cpu, DType, Result};
//! use headwater::nn::layers::{Add, Conv2D, Dense, GlobalAveragePooling2D};
//! use headwater::nn::Functional;
//!
//! # fn main() -> Result<()> {
//! # let device = cpu(1);
//! let mut net = Functional::new(&device, 1);
//! let image = net.input("image", vec![None, Some(8), Some(8), Some(3)])?;
//! let conv = || Conv2D::new(4, 3).padding("same").activation("relu");
//! let x = net.apply(conv(), &[image])?;
//! // A residual block.
//! let inner = net.apply(conv(), &[x])?;
//! let x = net.apply(Add::new(), &[x, inner])?;
//! let pooled = net.apply(GlobalAveragePooling2D::new().name("features"), &[x])?;
//! let class = net.apply(Dense::new(10).activation("softmax").name("class"), &[pooled])?;
//! let model = net.build(&[image], &[class])?;
//!
//! let images = device.ones([2, 8, 8, 3], DType::F32)?;
//! assert_eq!(model.predict(&[&images])?[0].shape()[..], [2, 10]);
//! // What a part of it computes; its layers and weights by name.
//! assert_eq!(model.up_to("features")?.predict(&[&images])?[0].shape()[..], [2, 4]);
//! model.layer("class")?.set_trainable(false);
//! assert_eq!(model.weight("class/kernel")?.value().shape()[..], [4, 10]);
//! assert!(model.summary().ends_with("Parameters: 310. Trainable: 260. Not trainable: 50.\n"));
//! # Ok(())
//! # }
//! ```
//!
//! # Training
//!
//! A [`Trainer`](crate::train::Trainer) has an optimizer, an [`Objective`](crate::train::Objective) of losses and metrics, a batch
//! size and a number of epochs. [`Fit`](crate::train::Fit) adds validation and callbacks: early stopping, checkpoints, logs,
//! learning rates, or a [`Callback`](crate::train::Callback) of one's own.
//!
//! ```
//! # use headwater::{cpu, ops, DType, Result};
//! use headwater::nn::{layers::Dense, Sequential};
//! use headwater::train::{EarlyStopping, Fit, Objective, Optimizer, Samples, Trainer};
//!
//! # fn main() -> Result<()> {
//! # let device = cpu(1);
//! let x = ops::random_normal(&device, [400, 2], 0.0, 1.0, 1)?;
//! let square = (&x * &x)?.sum(Some(&[1]), true)?;
//! let y = ops::less(&square, &device.ones([400, 1], DType::F32)?)?.cast(DType::F32)?;
//! let model = Sequential::new(&device, vec![None, Some(2)], 1)
//!     .layer(Dense::new(16).activation("tanh"))?
//!     .layer(Dense::new(1).activation("sigmoid"))?
//!     .build();
//! let objective = Objective::new("binaryCrossentropy")?.class_weights(&[(1, 1.5)]);
//! let mut trainer = Trainer { epochs: 60, ..Trainer::compiled(Optimizer::adam(0.03)?, objective) };
//! let (train, validation) = Samples::new(&[&x], &[&y])?.split(0.25)?;
//! let mut stop = EarlyStopping { monitor: "val_accuracy".into(), patience: 20, ..EarlyStopping::default() };
//! let history = trainer.fit_with(&model, &train, Fit::new().validation(&validation).callback(&mut stop))?;
//! assert_eq!(history.names(), ["loss", "accuracy", "val_loss", "val_accuracy"]);
//! assert!(trainer.evaluate(&model, &validation)?.get("accuracy") > Some(0.9));
//! # Ok(())
//! # }
//! ```
//!
//! # Longer training
//!
//! [`Trainer::find_rate`](crate::train::Trainer::find_rate) proposes a learning rate. [`Options`](crate::train::Options) of an optimizer have
//! rates that differ between weights, averages of weights, limits of gradients and their accumulation. With a
//! [`Backup`](crate::train::Backup), a program that is ended at any time goes on where it was, and its logs have each epoch once.
//!
//! ```
//! # use headwater::{cpu, ops, Result};
//! use std::sync::Arc;
//! use headwater::nn::{layers::Dense, Sequential};
//! use headwater::train::{
//!     Backup, CsvLogger, Ema, Fit, Optimizer, Options, RateSweep, Samples, TensorBoard, TerminateOnNan, Trainer,
//! };
//!
//! # fn main() -> Result<()> {
//! # let device = cpu(1);
//! let x = ops::random_normal(&device, [256, 4], 0.0, 1.0, 1)?;
//! let samples = Samples::new(&[&x], &[&x.sum(Some(&[1]), true)?])?;
//! let model = Sequential::new(&device, vec![None, Some(4)], 1)
//!     .layer(Dense::new(16).activation("relu").name("base"))?
//!     .layer(Dense::new(1).name("head"))?
//!     .build();
//! let rate = Trainer::new(Optimizer::adam(1e-3)?, "mse")?.find_rate(&model, &samples, RateSweep::default())?.suggestion;
//! // The base learns at a tenth of the head's rate; what is left in the end is an average over steps.
//! let options = Options {
//!     multiplier: Some(Arc::new(|weight| if weight.starts_with("base/") { 0.1 } else { 1.0 })),
//!     ema: Some(Ema { momentum: 0.9, overwrite_every: None }),
//!     ..Options::default()
//! };
//! let folder = std::env::temp_dir().join("headwater-guide-run");
//! let backup = Some(Backup::new(folder.join("checkpoint.safetensors")).every(20));
//! let optimizer = Optimizer::adam(rate.unwrap_or(1e-3))?.with(options);
//! let mut trainer = Trainer { epochs: 30, backup, ..Trainer::new(optimizer, "mse")? };
//! let (mut board, mut nan) = (TensorBoard::new(&folder).histograms(10), TerminateOnNan::default());
//! let mut log = CsvLogger::new(folder.join("log.csv"));
//! let fit = Fit::new().callback(&mut board).callback(&mut log).callback(&mut nan);
//! let history = trainer.fit_with(&model, &samples, fit)?;
//! assert!(nan.found.is_none() && history.loss[29] < 0.5 * history.loss[0]);
//! # drop(std::fs::remove_dir_all(folder));
//! # Ok(())
//! # }
//! ```
//!
//! Layers compute in 16 bits by a [`Policy`](crate::nn::Policy), as in Keras: weights stay float32, and in float16 the trainer scales the
//! loss. [`Mixup`](crate::train::Mixup) trains on mixtures of samples.
//!
//! ```
//! # use headwater::{cpu, ops, DType, Result};
//! use headwater::nn::{layers::Dense, Policy, Sequential};
//! use headwater::train::{Fit, Mixup, Optimizer, Samples, Trainer};
//!
//! # fn main() -> Result<()> {
//! # let device = cpu(1);
//! # let x = ops::random_normal(&device, [256, 2], 0.0, 1.0, 1)?;
//! # let side = ops::greater(&x.slice(&[0, 0], &[256, 1])?, &x.constant(0.0))?.reshape([256])?.cast(DType::I32)?;
//! # let y = ops::one_hot(&side, 2, 1.0, 0.0, DType::F32)?;
//! let model = Sequential::new(&device, vec![None, Some(2)], 1)
//!     .layer(Dense::new(8).activation("relu").policy(Policy::MixedFloat16))?
//!     .layer(Dense::new(2).activation("softmax"))?
//!     .build();
//! let mut trainer = Trainer { epochs: 15, ..Trainer::new(Optimizer::adam(0.05)?, "categoricalCrossentropy")? };
//! let samples = Samples::new(&[&x], &[&y])?;
//! trainer.fit_with(&model, &samples, Fit::new().callback(&mut Mixup::default()))?;
//! assert!(trainer.evaluate(&model, &samples)?.get("accuracy") > Some(0.9));
//! assert!(trainer.optimizer.loss_scale().is_some());
//! # Ok(())
//! # }
//! ```
//!
//! # Data and files
//!
//! A [`Dataset`](crate::data::Dataset) is a stream that may be longer than memory: of an iterator, of tensors, of
//! [csv files](crate::data::csv), of [folders of images](crate::data::images). It is trained on like samples. Models are files that
//! TensorFlow.js reads, too.
//!
//! ```
//! # use headwater::{cpu, Result};
//! use headwater::data::Dataset;
//! use headwater::nn::{layers::Dense, Model, Sequential};
//! use headwater::train::{Fit, Optimizer, Trainer};
//! use headwater::HostTensor;
//!
//! # fn main() -> Result<()> {
//! # let device = cpu(1);
//! let example = |n: u32| (HostTensor::f32(vec![1], vec![n as f32]), HostTensor::f32(vec![1], vec![n as f32 / 2.0])).into();
//! let data = Dataset::from_fn(|_| 0..64).map_parallel(2, move |n| Ok(example(n))).shuffle(64, 1).batch(8);
//! let model = Sequential::new(&device, vec![None, Some(1)], 1).layer(Dense::new(1))?.build();
//! let mut trainer = Trainer { epochs: 5, ..Trainer::new(Optimizer::adam(0.1)?, "meanSquaredError")? };
//! trainer.fit_with(&model, &data.to_device(&device).prefetch(2), Fit::new())?;
//!
//! let directory = std::env::temp_dir().join("headwater-guide");
//! model.save(&directory)?;
//! let again = Model::load(&device, &directory)?;
//! assert_eq!(trainer.evaluate(&again, &data)?.get("loss"), trainer.evaluate(&model, &data)?.get("loss"));
//! # drop(std::fs::remove_dir_all(directory));
//! # Ok(())
//! # }
//! ```
