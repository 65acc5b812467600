//! Every layer: its configuration, shapes, gradients and values.

use headwater::nn::{initialize, Call, Dims, Layer, Map};
use headwater::{cpu, ops, DType, Device, HostSlice, Result, Shape, Tensor};
use serde_json::{json, Value};

fn create(class: &str, config: &Value) -> Result<Box<dyn Layer>> {
    headwater::nn::create(class, &config.clone().into())
}

fn configuration(layer: &dyn Layer) -> Map {
    let mut config = Map::default();
    layer.config(&mut config);
    config
}

type Case = (&'static str, Value, Vec<Vec<usize>>);

/// Layers in their variants, with the shapes of their inputs.
fn cases() -> Vec<Case> {
    let image = || vec![vec![2, 6, 5, 4]];
    let rows = || vec![vec![3, 4]];
    let three = || vec![vec![2, 3], vec![2, 3], vec![2, 3]];
    vec![
        ("Dense", json!({"units": 5, "activation": "tanh"}), rows()),
        ("Dense", json!({"units": 2, "use_bias": false}), vec![vec![2, 3, 4]]),
        ("Conv2D", json!({"filters": 3, "kernel_size": 3, "activation": "sigmoid"}), image()),
        (
            "Conv2D",
            json!({"filters": 4, "kernel_size": [3, 2], "strides": [2, 1], "padding": "same", "groups": 2}),
            image(),
        ),
        ("Conv2D", json!({"filters": 2, "kernel_size": 2, "dilation_rate": 2, "use_bias": false}), image()),
        ("Conv2D", json!({"filters": 3, "kernel_size": 2, "data_format": "channels_first"}), vec![vec![2, 4, 6, 5]]),
        ("DepthwiseConv2D", json!({"kernel_size": 3, "depth_multiplier": 2, "padding": "same"}), image()),
        ("SeparableConv2D", json!({"filters": 3, "kernel_size": 3, "depth_multiplier": 2}), image()),
        ("Conv2DTranspose", json!({"filters": 3, "kernel_size": 3, "strides": 2, "padding": "same"}), image()),
        ("Conv2DTranspose", json!({"filters": 2, "kernel_size": [2, 3], "strides": [3, 1]}), image()),
        ("MaxPooling2D", json!({}), image()),
        ("MaxPooling2D", json!({"pool_size": 3, "strides": 2, "padding": "same"}), image()),
        ("AveragePooling2D", json!({"pool_size": [3, 2], "strides": 2, "padding": "same"}), image()),
        ("AveragePooling2D", json!({"data_format": "channels_first"}), image()),
        ("GlobalAveragePooling2D", json!({}), image()),
        ("GlobalMaxPooling2D", json!({"keepdims": true, "data_format": "channels_first"}), image()),
        ("Flatten", json!({}), image()),
        ("Reshape", json!({"target_shape": [4, -1, 2]}), image()),
        ("Permute", json!({"dims": [3, 1, 2]}), image()),
        ("RepeatVector", json!({"n": 3}), rows()),
        ("ZeroPadding2D", json!({"padding": [[1, 0], [2, 3]]}), image()),
        ("Cropping2D", json!({"cropping": [1, 2]}), image()),
        ("UpSampling2D", json!({"size": [2, 3]}), image()),
        ("UpSampling2D", json!({"interpolation": "bilinear"}), image()),
        ("Add", json!({}), three()),
        ("Subtract", json!({}), vec![vec![2, 3], vec![2, 1]]),
        ("Multiply", json!({}), three()),
        ("Average", json!({}), three()),
        ("Maximum", json!({}), three()),
        ("Minimum", json!({}), three()),
        ("Concatenate", json!({"axis": 1}), vec![vec![2, 3, 2], vec![2, 1, 2]]),
        ("Dropout", json!({"rate": 0.4}), image()),
        ("SpatialDropout1D", json!({"rate": 0.4}), vec![vec![2, 3, 4]]),
        ("SpatialDropout2D", json!({"rate": 0.4, "data_format": "channels_first"}), image()),
        ("GaussianNoise", json!({"stddev": 0.5}), rows()),
        ("GaussianDropout", json!({"rate": 0.3}), rows()),
        ("Activation", json!({"activation": {"class_name": "function", "config": "gelu"}}), rows()),
        ("ReLU", json!({"max_value": 1.0, "negative_slope": 0.1, "threshold": 0.2}), rows()),
        ("LeakyReLU", json!({"negative_slope": 0.2}), rows()),
        ("ELU", json!({"alpha": 0.7}), rows()),
        ("ThresholdedReLU", json!({"theta": 0.3}), rows()),
        ("Softmax", json!({}), rows()),
        ("PReLU", json!({"shared_axes": [1, 2], "alpha_initializer": "ones"}), image()),
        ("BatchNormalization", json!({}), image()),
        ("BatchNormalization", json!({"scale": false, "axis": [1]}), image()),
        ("BatchNormalization", json!({"center": false}), rows()),
        ("BatchNormalization", json!({"center": false, "scale": false}), rows()),
        ("LayerNormalization", json!({}), image()),
        ("LayerNormalization", json!({"scale": false, "axis": 1}), image()),
        ("Rescaling", json!({"scale": [2.0, 0.5, 1.0, 3.0], "offset": -1}), image()),
        ("RandomRotation", json!({"factor": 0.2}), image()),
        ("RandomZoom", json!({"height_factor": 0.3, "width_factor": [0.1, 0.2], "fill_mode": "wrap"}), image()),
        ("RandomTranslation", json!({"height_factor": 0.3, "width_factor": 0.2, "fill_mode": "constant"}), image()),
        ("RandomTranslation", json!({"height_factor": 0.3, "width_factor": 0.2, "interpolation": "nearest"}), image()),
        ("RandomFlip", json!({"mode": "vertical"}), image()),
        ("RandomContrast", json!({"factor": 0.5, "value_range": [-100, 100]}), image()),
        ("RandomBrightness", json!({"factor": 0.5, "value_range": [-100, 100]}), image()),
        ("RandomCrop", json!({"height": 3, "width": 2}), image()),
        ("Attention", json!({"dropout": 0.3}), vec![vec![2, 3, 4], vec![2, 2, 4]]),
        (
            "MultiHeadAttention",
            json!({"num_heads": 2, "key_dim": 2, "dropout": 0.3}),
            vec![vec![2, 3, 4], vec![2, 2, 4]],
        ),
        ("AlphaDropout", json!({"rate": 0.3}), rows()),
        ("LSTM", json!({"units": 2, "dropout": 0.4, "recurrent_dropout": 0.3}), vec![vec![2, 3, 4]]),
        (
            "GRU",
            json!({"units": 2, "dropout": 0.4, "recurrent_dropout": 0.3, "implementation": 1}),
            vec![vec![2, 3, 4]],
        ),
        ("SimpleRNN", json!({"units": 2, "dropout": 0.4, "seed": 7}), vec![vec![2, 3, 4]]),
        (
            "ConvLSTM2D",
            json!({"filters": 2, "kernel_size": 2, "dropout": 0.4, "recurrent_dropout": 0.3}),
            vec![vec![2, 2, 3, 3, 1]],
        ),
        (
            "Bidirectional",
            json!({"layer": {"class_name": "LSTM", "config": {"units": 2, "dropout": 0.4}}}),
            vec![vec![2, 3, 4]],
        ),
        (
            "RNN",
            json!({"cell": [
                {"class_name": "GRUCell", "config": {"units": 2, "dropout": 0.4, "recurrent_dropout": 0.4}},
                {"class_name": "LSTMCell", "config": {"units": 3, "dropout": 0.4, "recurrent_dropout": 0.4}}
            ]}),
            vec![vec![2, 3, 4]],
        ),
    ]
}

fn draw(device: &Device, shape: &[usize], seed: u32) -> Result<Tensor> {
    ops::random_normal(device, shape.to_vec(), 0.0, 1.0, seed)?.to_vec().and_then(|v| upload(device, shape, &v))
}

fn upload(device: &Device, shape: &[usize], values: &[f32]) -> Result<Tensor> {
    device.tensor(HostSlice::F32(values), shape.to_vec())
}

fn dims(shapes: &[Vec<usize>]) -> Vec<Dims> {
    // The batch is unknown, as it is when a model is built.
    shapes.iter().map(|s| s.iter().enumerate().map(|(d, &n)| (d > 0).then_some(n)).collect()).collect()
}

#[test]
fn configurations_survive_a_round_trip() -> Result<()> {
    for (class, config, shapes) in cases() {
        let layer = create(class, &config)?;
        let again = headwater::nn::create(class, &configuration(&*layer).into())?;
        assert_eq!((layer.class_name(), configuration(&*layer)), (class, configuration(&*again)));
        assert_eq!(layer.weights(&dims(&shapes))?, again.weights(&dims(&shapes))?, "{class} {config}");
        assert_eq!(layer.output_shape(&dims(&shapes))?, again.output_shape(&dims(&shapes))?, "{class} {config}");
    }
    Ok(())
}

#[test]
fn shapes_are_foretold_and_gradients_are_differences() -> Result<()> {
    let device = cpu(1);
    let call = Call { training: true, seed: 5, ..Call::default() };
    for (class, config, shapes) in cases() {
        let what = format!("{class} {config}");
        let layer = create(class, &config)?;
        let mut values: Vec<Tensor> =
            shapes.iter().zip(1..).map(|(s, seed)| draw(&device, s, seed)).collect::<Result<_>>()?;
        let inputs = values.len();
        let specs = layer.weights(&dims(&shapes))?;
        for (spec, seed) in specs.iter().zip(20..) {
            values.push(initialize(&device, &spec.initializer, &spec.shape, spec.dtype, seed)?);
        }
        let run = |values: &[Tensor]| {
            let mut output = layer.call(&values[..inputs], &values[inputs..], &call)?;
            Ok(output.tensors.swap_remove(0))
        };
        let output = run(&values)?;
        let foretold: Dims = output.shape().iter().map(|&n| Some(n)).collect();
        let full: Vec<Dims> = shapes.iter().map(|s| s.iter().map(|&n| Some(n)).collect()).collect();
        assert_eq!(layer.output_shape(&full)?[0], foretold, "{what}");
        assert_eq!(layer.output_shape(&dims(&shapes))?[0][1..], foretold[1..], "{what}");

        let weighting = draw(&device, output.shape(), 99)?;
        let loss = |values: &[Tensor]| ops::sum(&ops::mul(&run(values)?, &weighting)?, None, false);
        let trained = |i: usize| i < inputs || specs[i - inputs].trainable;
        let along: Vec<Tensor> =
            values.iter().zip(50..).map(|(v, s)| draw(&device, v.shape(), s)).collect::<Result<_>>()?;
        let picked: Vec<usize> = (0..values.len()).filter(|&i| trained(i)).collect();
        let xs: Vec<&Tensor> = picked.iter().map(|&i| &values[i]).collect();
        let (_, gradients) = device.value_and_grads(&xs, || loss(&values))?;
        for (&i, gradient) in picked.iter().zip(&gradients) {
            let moved = |by: f64| {
                let mut values = values.clone();
                values[i] = ops::add(&values[i], &ops::mul(&along[i], &along[i].constant(by))?)?;
                loss(&values)?.item()
            };
            let step = 2e-3;
            let difference = (moved(step)? - moved(-step)?) / (2.0 * step);
            let products = ops::mul(gradient, &along[i])?.to_vec()?;
            let slope: f64 = products.iter().map(|&p| f64::from(p)).sum();
            let size: f64 = products.iter().map(|&p| f64::from(p * p)).sum::<f64>().sqrt();
            assert!((difference - slope).abs() < 0.02 * size + 2e-3, "{what}, value {i}: {difference} {slope} {size}");
        }
    }
    Ok(())
}

/// The output of a layer whose weights are these.
fn output(class: &str, config: Value, x: (&[usize], &[f32]), weights: &[(&[usize], &[f32])]) -> Result<Vec<f32>> {
    let device = cpu(1);
    let weights: Vec<Tensor> = weights.iter().map(|(s, v)| upload(&device, s, v)).collect::<Result<_>>()?;
    let layer = create(class, &config)?;
    let specs = layer.weights(&dims(&[x.0.to_vec()]))?;
    let declared: Vec<&Shape> = specs.iter().map(|s| &s.shape).collect();
    assert_eq!(declared, weights.iter().map(Tensor::shape).collect::<Vec<_>>(), "{class}");
    layer.call(&[upload(&device, x.0, x.1)?], &weights, &Call::default())?.tensors[0].to_vec()
}

fn close(got: Result<Vec<f32>>, want: &[f32]) -> Result<()> {
    let got = got?;
    assert_eq!(got.len(), want.len(), "{got:?} {want:?}");
    assert!(got.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-5), "{got:?} {want:?}");
    Ok(())
}

#[test]
fn values_are_those_worked_out_by_hand() -> Result<()> {
    let image: &[f32] = &[1., 2., 3., 4., 5., 6., 7., 8., 9.];
    let square = (&[1, 3, 3, 1][..], image);
    let kernel = (&[2, 2, 1, 1][..], &[1., 2., 3., 4.][..]);
    let bias = (&[1][..], &[0.5][..]);

    let dense = json!({"units": 2, "activation": "relu"});
    let weights: [(&[usize], &[f32]); 2] = [(&[2, 2], &[1., -1., 2., -2.]), (&[2], &[0.25, 0.25])];
    close(output("Dense", dense, (&[1, 2], &[1., 2.]), &weights), &[5.25, 0.])?;

    let conv = |more: Value| {
        let mut config = json!({"filters": 1, "kernel_size": 2});
        if let (Some(config), Some(more)) = (config.as_object_mut(), more.as_object()) {
            config.extend(more.clone());
        }
        config
    };
    close(output("Conv2D", conv(json!({})), square, &[kernel, bias]), &[37.5, 47.5, 67.5, 77.5])?;
    // The odd row and column of padding are below and to the right.
    let same = conv(json!({"padding": "same", "strides": 2, "use_bias": false}));
    close(output("Conv2D", same, square, &[kernel]), &[37., 21., 23., 9.])?;
    let dilated = conv(json!({"dilation_rate": 2, "use_bias": false}));
    close(output("Conv2D", dilated, square, &[kernel]), &[1. + 6. + 21. + 36.])?;
    let first = conv(json!({"data_format": "channels_first", "use_bias": false}));
    close(output("Conv2D", first, (&[1, 1, 3, 3], image), &[kernel]), &[37., 47., 67., 77.])?;

    let pixel: (&[usize], &[f32]) = (&[1, 1, 1, 2], &[10., 100.]);
    let deep = json!({"kernel_size": 1, "depth_multiplier": 2, "use_bias": false});
    close(output("DepthwiseConv2D", deep, pixel, &[(&[1, 1, 2, 2], &[1., 2., 3., 4.])]), &[10., 20., 300., 400.])?;
    let separable = json!({"filters": 1, "kernel_size": 1, "use_bias": false});
    let parts: [(&[usize], &[f32]); 2] = [(&[1, 1, 2, 1], &[1., 2.]), (&[1, 1, 2, 1], &[3., 4.])];
    close(output("SeparableConv2D", separable, pixel, &parts), &[830.])?;
    // Each input element spreads the kernel over its own 2 x 2 square.
    let transpose = conv(json!({"strides": 2, "use_bias": false}));
    let spread = [1., 2., 2., 4., 3., 4., 6., 8.];
    close(output("Conv2DTranspose", transpose, (&[1, 1, 2, 1], &[1., 2.]), &[kernel]), &spread)?;

    close(output("MaxPooling2D", json!({"strides": 1}), square, &[]), &[5., 6., 8., 9.])?;
    // Padding does not count in averages.
    close(output("AveragePooling2D", json!({"padding": "same"}), square, &[]), &[3., 4.5, 7.5, 9.])?;
    close(output("GlobalAveragePooling2D", json!({}), square, &[]), &[5.])?;
    close(
        output("ZeroPadding2D", json!({"padding": [[1, 0], [0, 1]]}), (&[1, 1, 2, 1], &[1., 2.]), &[]),
        &[0., 0., 0., 1., 2., 0.],
    )?;
    close(output("Cropping2D", json!({"cropping": [[1, 0], [0, 2]]}), square, &[]), &[4., 7.])?;
    let wide = json!({"size": [1, 2], "interpolation": "bilinear"});
    close(output("UpSampling2D", wide, (&[1, 1, 2, 1], &[0., 4.]), &[]), &[0., 1., 3., 4.])?;

    // (x - mean) / sqrt(variance + epsilon) * gamma + beta
    let four: [(&[usize], &[f32]); 4] = [(&[1], &[2.]), (&[1], &[1.]), (&[1], &[3.]), (&[1], &[4.0])];
    close(output("BatchNormalization", json!({"epsilon": 0.0}), (&[2, 1], &[5., 1.]), &four), &[3., -1.])?;
    close(output("BatchNormalization", json!({"epsilon": 0.0, "scale": false}), (&[1, 1], &[5.]), &four[1..]), &[2.])?;
    let gain: [(&[usize], &[f32]); 2] = [(&[2], &[1., 2.]), (&[2], &[0., 1.])];
    close(output("LayerNormalization", json!({"epsilon": 0.0}), (&[1, 2], &[1., 3.]), &gain), &[-1., 3.])?;

    let line: (&[usize], &[f32]) = (&[1, 4], &[-2., -0.5, 0.5, 2.]);
    let capped = json!({"max_value": 1.0, "negative_slope": [0.1]});
    close(output("ReLU", capped, line, &[]), &[-0.2, -0.05, 0.5, 1.])?;
    let negative = |x: f32| x.exp() - 1.0;
    close(output("ELU", json!({}), line, &[]), &[negative(-2.), negative(-0.5), 0.5, 2.])?;
    close(output("PReLU", json!({}), line, &[(&[4], &[0.5, 1., 1., 1.])]), &[-1., -0.5, 0.5, 2.])?;
    close(output("ThresholdedReLU", json!({}), line, &[]), &[0., 0., 0., 2.])?;
    close(output("Rescaling", json!({"scale": [1, 2, 3, 4], "offset": 1}), line, &[]), &[-1., 0., 2.5, 9.])?;
    let table: (&[usize], &[f32]) = (&[3, 2], &[0., 1., 2., 3., 4., 5.]);
    close(
        output("Embedding", json!({"input_dim": 3, "output_dim": 2}), (&[1, 2], &[2., 0.]), &[table]),
        &[4., 5., 0., 1.],
    )
}

#[test]
fn batch_normalization_moves_its_averages() -> Result<()> {
    let device = cpu(1);
    let layer = create("BatchNormalization", &json!({"momentum": 0.9, "center": false, "scale": false}))?;
    let weights = [upload(&device, &[1], &[1.0])?, upload(&device, &[1], &[2.0])?];
    let x = upload(&device, &[2, 1], &[2.0, 6.0])?;
    let output =
        layer.call(std::slice::from_ref(&x), &weights, &Call { training: true, seed: 0, ..Call::default() })?;
    let updates: Vec<(usize, f64)> =
        output.updates.iter().map(|(i, t)| Ok((*i, f64::from(t.to_vec()?[0])))).collect::<Result<_>>()?;
    assert_eq!(updates.iter().map(|u| u.0).collect::<Vec<_>>(), [0, 1]);
    assert!((updates[0].1 - 1.3).abs() < 1e-6 && (updates[1].1 - 2.2).abs() < 1e-6, "{updates:?}");
    assert!(layer.call(&[x], &weights, &Call::default())?.updates.is_empty());
    Ok(())
}

#[test]
fn noise_is_for_training_alone() -> Result<()> {
    let device = cpu(1);
    let x = device.ones([4, 8, 8, 16], DType::F32)?;
    let training = Call { training: true, seed: 3, ..Call::default() };
    for (class, key) in
        [("Dropout", "rate"), ("SpatialDropout2D", "rate"), ("GaussianNoise", "stddev"), ("GaussianDropout", "rate")]
    {
        let layer = create(class, &json!({key: 0.5}))?;
        let call = |call: &Call| layer.call(std::slice::from_ref(&x), &[], call)?.tensors[0].to_vec();
        assert_eq!(call(&Call::default())?, x.to_vec()?, "{class}");
        let noisy = call(&training)?;
        assert_eq!(noisy, call(&training)?, "{class}: the seed decides");
        assert_ne!(noisy, call(&Call { seed: 4, ..training })?, "{class}");
        let mean = noisy.iter().sum::<f32>() / noisy.len() as f32;
        assert!((mean - 1.0).abs() < if class == "SpatialDropout2D" { 0.3 } else { 0.05 }, "{class}: {mean}");
    }
    // Whole channels go together.
    for (format, channel) in [("channels_last", [0, 0, 0, 1]), ("channels_first", [0, 1, 0, 0])] {
        let layer = create("SpatialDropout2D", &json!({"rate": 0.5, "data_format": format}))?;
        let y = layer.call(std::slice::from_ref(&x), &[], &training)?.tensors.swap_remove(0);
        let others: Vec<isize> = (1..4).filter(|&d| channel[d as usize] == 0).collect();
        let (low, high) = (ops::min(&y, Some(&others), false)?, ops::max(&y, Some(&others), false)?);
        assert_eq!(low.to_vec()?, high.to_vec()?, "{format}");
    }
    Ok(())
}

#[test]
fn what_a_recurrent_layer_drops_is_the_same_at_every_step() -> Result<()> {
    let device = cpu(1);
    let x = device.ones([1, 3, 8], DType::F32)?;
    let config = json!({"units": 8, "dropout": 0.5, "use_bias": false, "activation": null, "return_sequences": true});
    let layer = create("SimpleRNN", &config)?;
    let weights = [
        initialize(&device, &headwater::nn::Value::class("Identity"), &Shape::from([8, 8]), DType::F32, 1)?,
        device.zeros([8, 8], DType::F32)?,
    ];
    let training = Call { training: true, seed: 3, ..Call::default() };
    let y = layer.call(std::slice::from_ref(&x), &weights, &training)?.tensors[0].to_vec()?;
    assert!(y.iter().all(|&v| v == 0.0 || v == 2.0) && y.contains(&0.0) && y.contains(&2.0), "{y:?}");
    assert_eq!((&y[..8], &y[..8]), (&y[8..16], &y[16..]));
    Ok(())
}

#[test]
fn images_vary_in_training_alone() -> Result<()> {
    let device = cpu(1);
    let x = draw(&device, &[6, 4, 5, 2], 1)?;
    let range = json!([-10, 10]);
    for (class, config) in [
        ("RandomFlip", json!({})),
        ("RandomRotation", json!({"factor": 0.3})),
        ("RandomZoom", json!({"height_factor": 0.3})),
        ("RandomTranslation", json!({"height_factor": 0.3, "width_factor": 0.3})),
        ("RandomContrast", json!({"factor": 0.5, "value_range": range})),
        ("RandomBrightness", json!({"factor": 0.5, "value_range": range})),
        ("RandomCrop", json!({"height": 3, "width": 3})),
        ("RandomWidth", json!({"factor": [0.3, 0.9]})),
        ("RandomHeight", json!({"factor": [0.3, 0.9]})),
    ] {
        let call = |config: &Value, seed: u32, training: bool| {
            let call = Call { training, seed, ..Call::default() };
            create(class, config)?.call(std::slice::from_ref(&x), &[], &call)?.tensors[0].to_vec()
        };
        let varied = call(&config, 1, true)?;
        assert_eq!(varied, call(&config, 1, true)?, "{class}: the seed decides");
        let others = |config: &Value| -> Result<bool> {
            let all: Vec<Vec<f32>> = (1..9).map(|seed| call(config, seed, true)).collect::<Result<_>>()?;
            Ok(all.iter().any(|other| *other != varied))
        };
        assert!(others(&config)?, "{class}");
        assert_eq!(call(&config, 1, false)?, call(&config, 2, false)?, "{class}");
        let mut seeded = config.clone();
        seeded["seed"] = json!(5);
        assert!(others(&seeded)?, "{class}: its own seed");
        if class != "RandomCrop" {
            assert_eq!(call(&config, 1, false)?, x.to_vec()?, "{class}");
        }
    }
    Ok(())
}

#[test]
fn images_are_stretched_along_one_axis() -> Result<()> {
    let device = cpu(1);
    let x = draw(&device, &[2, 4, 5, 3], 1)?;
    for (class, shape) in [("RandomHeight", [2, 6, 5, 3]), ("RandomWidth", [2, 4, 8, 3])] {
        let layer = create(class, &json!({"factor": [0.5, 0.5]}))?;
        let call = Call { training: true, seed: 1, ..Call::default() };
        assert_eq!(
            layer.call(std::slice::from_ref(&x), &[], &call)?.tensors[0].shape(),
            &Shape::from(shape),
            "{class}"
        );
    }
    Ok(())
}

#[test]
fn elu_has_a_gradient_at_large_inputs() -> Result<()> {
    let device = cpu(1);
    let x = upload(&device, &[1, 3], &[200.0, 1.0, -1.0])?;
    let layer = create("ELU", &json!({"alpha": 0.5}))?;
    let (_, gradients) = device.value_and_grads(&[&x], || {
        ops::sum(&layer.call(std::slice::from_ref(&x), &[], &Call::default())?.tensors[0], None, false)
    })?;
    close(gradients[0].to_vec(), &[1.0, 1.0, 0.5 * (-1f32).exp()])
}

#[test]
fn a_null_of_reshape_is_what_is_left() -> Result<()> {
    let layer = create("Reshape", &json!({"target_shape": [3, null]}))?;
    assert_eq!(layer.output_shape(&[vec![None, Some(6)]])?, [vec![None, Some(3), Some(2)]]);
    Ok(())
}

#[test]
fn initializers_and_regularizers_are_written_by_class() -> Result<()> {
    let config = json!({"units": 1, "kernel_initializer": "glorot_uniform", "kernel_regularizer": "l1_l2", "bias_regularizer": "l1l2"});
    let specs = create("Dense", &config)?.weights(&[vec![None, Some(2)]])?;
    assert_eq!(specs[0].initializer, headwater::nn::Value::class("GlorotUniform"));
    let both = headwater::nn::l1_l2(0.01, 0.01);
    assert_eq!([&specs[0].regularizer, &specs[1].regularizer], [&Some(both.clone()), &Some(both)]);
    Ok(())
}

#[test]
fn mistakes_are_named() {
    let error = |class: &str, config: Value| create(class, &config).err().map(|e| e.to_string()).unwrap_or_default();
    assert_eq!(error("Dense", json!({"units": 1, "activation": "wibble"})), "Unknown activation: 'wibble'");
    assert_eq!(error("Dense", json!({})), "Error in Dense: expected a positive integer as 'units', received null");
    for (class, config) in [
        ("Conv2D", json!({"filters": 1, "kernel_size": 0})),
        ("Conv2D", json!({"filters": 1, "kernel_size": 2, "strides": 0})),
        ("MaxPooling2D", json!({"pool_size": [2, 0]})),
        ("BatchNormalization", json!({"axis": [1, 2]})),
        ("Reshape", json!({})),
        ("Reshape", json!({"target_shape": [2, "3"]})),
        ("Dense", json!({"units": 0})),
        ("Permute", json!({})),
        ("Permute", json!({"dims": [1, 3]})),
        ("Permute", json!({"dims": [0, 1]})),
    ] {
        assert!(error(class, config.clone()).starts_with(&format!("Error in {class}: expected ")), "{class} {config}");
    }
    for (class, config) in [
        ("LSTM", json!({})),
        ("GRU", json!({"units": 2, "recurrent_activation": "wibble"})),
        ("RNN", json!({"cell": {"class_name": "Dense", "config": {"units": 2}}})),
        ("StackedRNNCells", json!({"cells": []})),
        ("Bidirectional", json!({"layer": {"class_name": "LSTM", "config": {"units": 2}}, "merge_mode": "wibble"})),
        ("TimeDistributed", json!({})),
        ("Dot", json!({"axes": [0, 1]})),
        ("MultiHeadAttention", json!({"num_heads": 0, "key_dim": 2})),
        ("GroupNormalization", json!({"groups": 0})),
        ("Resizing", json!({"height": 2, "width": 2, "interpolation": "wibble"})),
        ("RandomZoom", json!({"height_factor": 3})),
        ("CategoryEncoding", json!({"num_tokens": 2, "output_mode": "int"})),
        ("Conv1D", json!({"filters": 1, "kernel_size": 2, "padding": "causal", "data_format": "channels_first"})),
    ] {
        assert!(!error(class, config.clone()).is_empty(), "{class} {config}");
    }
    let layer = create("Concatenate", &json!({"axis": -1})).expect("a layer");
    let apart = [vec![None, Some(3), Some(5)], vec![Some(2), Some(4), Some(5)]];
    let message = layer.output_shape(&apart).expect_err("other rows").to_string();
    assert_eq!(
        message,
        "Error in Concatenate: expected inputs of one shape but for axis -1, received [null,3,5] [2,4,5]"
    );
    let layer = create("Conv2D", &json!({"filters": 1, "kernel_size": 3})).expect("a layer");
    let message = layer.output_shape(&[vec![None, Some(2), Some(2), Some(1)]]).expect_err("too small").to_string();
    assert_eq!(message, "Error in Conv2D: expected an image that holds the window [3, 3], received [null,2,2,1]");
}
