use super::*;
use crate::nn::Sequential;
use headwater_core::{DType, Shape};
use serde_json::{json, Value};

fn round_trip(topology: Value) -> Result<Model> {
    let device = crate::cpu(1);
    let model = Model::from_keras(&device, &topology, 1)?;
    let again = Model::from_keras(&device, &model.to_keras("m"), 1)?;
    assert_eq!(model.output_shapes(), again.output_shapes());
    let names = |m: &Model| m.weights().iter().map(|w| w.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&model), names(&again));
    Ok(model)
}

#[test]
fn keras_2_and_3_topologies() -> Result<()> {
    let layer = |class: &str, config: Value, inbound: Value| json!({"class_name": class, "name": config["name"], "config": config, "inbound_nodes": inbound});
    let keras2 = json!({"model_config": {"class_name": "Functional", "config": {"layers": [
        layer("InputLayer", json!({"name": "x", "batch_input_shape": [null, 8, 8, 3]}), json!([])),
        layer("Conv2D", json!({"name": "c", "filters": 4, "kernel_size": [3, 3], "padding": "same", "activation": "relu"}), json!([[["x", 0, 0, {}]]])),
        layer("Conv2D", json!({"name": "d", "filters": 4, "kernel_size": 1}), json!([[["x", 0, 0, {}]]])),
        layer("Add", json!({"name": "a"}), json!([[["c", 0, 0, {}], ["d", 0, 0, {}]]])),
        layer("GlobalAveragePooling2D", json!({"name": "g"}), json!([[["a", 0, 0, {}]]])),
    ], "input_layers": [["x", 0, 0]], "output_layers": [["g", 0, 0]]}}});
    let model = round_trip(keras2)?;
    assert_eq!(model.output_shapes(), [vec![None, Some(4)]]);
    let x = model.device().ones([2, 8, 8, 3], DType::F32)?;
    assert_eq!(model.predict(&[&x])?[0].shape(), &Shape::from([2, 4]));
    assert_eq!(model.up_to("d")?.predict(&[&x])?[0].shape(), &Shape::from([2, 8, 8, 4]));

    let tensor = |name: &str| json!({"class_name": "__keras_tensor__", "config": {"shape": [null, 3], "dtype": "float32", "keras_history": [name, 0, 0]}});
    let keras3 = json!({"class_name": "Functional", "config": {"layers": [
        layer("InputLayer", json!({"name": "x", "batch_shape": [null, 3]}), json!([])),
        layer("Dense", json!({"name": "p", "units": 2, "dtype": {"class_name": "DTypePolicy", "config": {"name": "float32"}}}), json!([{"args": [tensor("x")], "kwargs": {}}])),
        layer("Dense", json!({"name": "q", "units": 2}), json!([{"args": [tensor("x")], "kwargs": {}}])),
        layer("Concatenate", json!({"name": "j"}), json!([{"args": [[tensor("p"), tensor("q")]], "kwargs": {}}])),
    ], "input_layers": [["x", 0, 0]], "output_layers": [["j", 0, 0]]}});
    assert_eq!(round_trip(keras3)?.output_shapes(), [vec![None, Some(4)]]);
    Ok(())
}

#[test]
fn layers_are_shared() -> Result<()> {
    let layer = |class: &str, config: Value, inbound: Value| json!({"class_name": class, "name": config["name"], "config": config, "inbound_nodes": inbound});
    // j = 2 (2 x + 2 x) + 2 x, where a later layer feeds the second call of `d`.
    let layers = |last: &str| {
        json!({"class_name": "Functional", "config": {"layers": [
            layer("InputLayer", json!({"name": "x", "batch_input_shape": [null, 1]}), json!([])),
            layer("Dense", json!({"name": "d", "units": 1, "use_bias": false, "kernel_initializer": {"class_name": "Constant", "config": {"value": 2}}}), json!([[["x", 0, 0, {}]], [["s", 0, 0, {}]]])),
            layer("Add", json!({"name": "s"}), json!([[["d", 0, 0, {}], ["d", 0, 0, {}]]])),
            layer("Add", json!({"name": "j"}), json!([[[last, 1, 0, {}], ["d", 0, 0, {}]]])),
        ], "input_layers": [["x", 0, 0]], "output_layers": [["j", 0, 0]]}})
    };
    let model = round_trip(layers("d"))?;
    assert_eq!(model.weights().len(), 1);
    let x = model.device().ones([1, 1], DType::F32)?;
    assert_eq!(model.predict(&[&x])?[0].to_vec()?, [10.0]);
    assert_eq!(model.up_to("d")?.predict(&[&x])?[0].to_vec()?, [2.0]);
    // Both calls are on the way of the gradient: d/dk (2k (k x) + k x) = 4k + 1.
    let kernel = model.weights().swap_remove(0).value();
    let (_, gradients) = model
        .device()
        .value_and_grads(&[&kernel], || headwater_core::ops::sum(&model.predict(&[&x])?[0], None, false))?;
    assert_eq!(gradients[0].to_vec()?, [9.0]);
    let error = Model::from_keras(&crate::cpu(1), &layers("s"), 1).err().expect("an undefined call");
    assert_eq!(error.to_string(), "model topology: call 1 of 's' is read and never made");
    Ok(())
}

#[cfg(feature = "layers-recurrent")]
#[test]
fn masks_and_states_pass_from_layer_to_layer() -> Result<()> {
    let layer = |class: &str, config: Value, inbound: Value| json!({"class_name": class, "name": config["name"], "config": config, "inbound_nodes": inbound});
    let ones = json!({"class_name": "Ones", "config": {}});
    // The embedding of a number is the number of times it is read: a simple recurrence that adds its inputs.
    let adds = json!({"name": "r", "units": 1, "activation": "linear", "use_bias": false, "return_state": true, "return_sequences": true, "kernel_initializer": ones, "recurrent_initializer": ones});
    let topology = json!({"class_name": "Functional", "config": {"layers": [
        layer("InputLayer", json!({"name": "x", "batch_input_shape": [null, 3]}), json!([])),
        layer("Embedding", json!({"name": "e", "input_dim": 4, "output_dim": 1, "mask_zero": true, "embeddings_initializer": ones}), json!([[["x", 0, 0, {}]]])),
        layer("SimpleRNN", adds, json!([[["e", 0, 0, {}]]])),
        layer("Add", json!({"name": "a"}), json!([[["r", 0, 1, {}], ["r", 0, 1, {}]]])),
    ], "input_layers": [["x", 0, 0]], "output_layers": [["r", 0, 0], ["a", 0, 0]]}});
    let model = round_trip(topology)?;
    assert_eq!(model.output_shapes(), [vec![None, Some(3), Some(1)], vec![None, Some(1)]]);
    let x = model.device().tensor(crate::HostSlice::F32(&[1.0, 0.0, 2.0]), [1, 3])?;
    let called = model.call(&[&x], Call::default())?;
    assert_eq!(called.outputs[0].to_vec()?, [1.0, 1.0, 2.0]);
    assert_eq!(called.outputs[1].to_vec()?, [4.0]);
    let mask = called.masks[0].as_ref().expect("a mask").to_host()?.to_f64();
    assert_eq!(mask, [1.0, 0.0, 1.0]);
    assert!(called.masks[1].is_none());
    let values = model.device().tensor(crate::HostSlice::F32(&[3.0, 9.0, 5.0]), [1, 3])?;
    let mean = super::super::losses::masked_mean(&values, called.masks[0].as_ref())?.item()?;
    assert!((mean - 4.0).abs() < 1e-6, "{mean}");
    Ok(())
}

#[cfg(feature = "layers-recurrent")]
#[test]
fn a_stateful_layer_goes_on_where_it_was() -> Result<()> {
    let device = crate::cpu(1);
    let ones = json!({"class_name": "Ones", "config": {}});
    let config = json!({"units": 1, "activation": "linear", "use_bias": false, "stateful": true, "kernel_initializer": ones, "recurrent_initializer": ones});
    let model = Sequential::new(&device, vec![Some(1), Some(2), Some(1)], 1).add("SimpleRNN", config.clone())?.build();
    assert_eq!(model.weights().len(), 2);
    let x = device.ones([1, 2, 1], DType::F32)?;
    let read = || -> Result<f64> { model.predict(&[&x])?[0].item() };
    assert_eq!((read()?, read()?), (2.0, 4.0));
    model.reset_states()?;
    assert_eq!(model.predict(&[&x])?[0].item()?, 2.0);
    let unknown = Sequential::new(&device, vec![None, Some(2), Some(1)], 1).add("SimpleRNN", config);
    assert!(unknown.err().is_some_and(|e| e.to_string().contains("a known batch size")));
    Ok(())
}

#[test]
fn an_unknown_layer_is_named() {
    let topology = json!({"class_name": "Sequential", "config": {"layers": [
        {"class_name": "Wibble", "config": {"batch_input_shape": [null, 2]}}
    ]}});
    let error = Model::from_keras(&crate::cpu(1), &topology, 1).err().expect("unknown layer");
    assert_eq!(error.to_string(), "Unknown layer: 'Wibble'");
}

/// A model of two towers that share an encoder, which is a model with a shared layer in it, and of a frozen layer.
fn towers(device: &Device) -> Result<Model> {
    use crate::nn::layers::{Add, BatchNormalization, Dense};
    use crate::nn::Functional;
    let mut inner = Functional::new(device, 3);
    let x = inner.input("pixels", vec![None, Some(4)])?;
    let dense = inner.layer(Dense::new(4).activation("tanh").name("dense"));
    let once = inner.call(dense, &[x])?;
    let twice = inner.call(dense, &[once])?;
    // Computed, but no part of the output.
    inner.apply(Dense::new(9).name("loose"), &[once])?;
    let encoder = inner.build(&[x], &[twice])?;
    let mut net = Functional::new(device, 5);
    let (a, b) = (net.input("a", vec![None, Some(4)])?, net.input("b", vec![None, Some(4)])?);
    let own = net.apply(Dense::new(4).name("dense").trainable(false), &[a])?;
    let shared = net.layer(Definition::from(&encoder).name("encoder"));
    let (left, right) = (net.call(shared, &[own])?, net.call(shared, &[b])?);
    let sum = net.apply(Add::new().name("sum"), &[left, right])?;
    let normal = net.apply(BatchNormalization::new().name("normal").trainable(false), &[sum])?;
    net.build(&[a, b], &[normal, left])
}

#[test]
fn models_are_layers_of_models() -> Result<()> {
    let device = crate::cpu(1);
    let model = towers(&device)?;
    let names = |m: &Model| m.weights().iter().map(|w| (w.name.clone(), w.trainable())).collect::<Vec<_>>();
    let own = ["dense/kernel", "dense/bias"].map(|n| (n.to_owned(), false));
    let inner = ["encoder/dense/kernel", "encoder/dense/bias"].map(|n| (n.to_owned(), true));
    assert_eq!(names(&model)[..4], [own, inner].concat());
    assert_eq!(
        model.layers().iter().map(Part::name).collect::<Vec<_>>(),
        ["a", "b", "dense", "encoder", "sum", "normal"]
    );
    let again = Model::from_keras(&device, &model.to_keras("m"), 9)?;
    assert_eq!(names(&model), names(&again));
    assert_eq!(model.to_keras("m"), again.to_keras("m"));
    again.set_weights(&model.get_weights())?;
    let x = crate::ops::random_normal(&device, [3, 4], 0.0, 1.0, 1)?;
    let y = (&x * 2.0)?;
    for (ours, theirs) in model.predict(&[&x, &y])?.iter().zip(again.predict(&[&x, &y])?) {
        assert_eq!(ours.to_vec()?, theirs.to_vec()?);
    }
    // Frozen batch normalization keeps its averages and normalizes with them.
    let before = model.layer("normal")?.get_weights()[2].to_vec()?;
    let training = Call { training: true, ..Call::default() };
    let trained = model.call(&[&x, &y], training)?.outputs[0].to_vec()?;
    assert_eq!(trained, model.predict(&[&x, &y])?[0].to_vec()?);
    assert_eq!(model.layer("normal")?.get_weights()[2].to_vec()?, before);
    // Models that contain a frozen layer freeze what is in it.
    model.layer("encoder")?.set_trainable(false);
    assert!(names(&model).iter().all(|(_, trainable)| !trainable));
    model.layer("normal")?.set_trainable(true);
    assert_ne!(model.call(&[&x, &y], training)?.outputs[0].to_vec()?, trained);
    Ok(())
}

#[test]
fn wrong_graphs_are_errors() -> Result<()> {
    use crate::nn::layers::{Add, Dense};
    use crate::nn::Functional;
    let device = crate::cpu(1);
    let message = |r: Result<Model>| r.err().map_or_else(String::new, |e| e.to_string());
    type Ends = (Vec<crate::nn::Symbol>, Vec<crate::nn::Symbol>);
    let build = |f: &dyn Fn(&mut Functional) -> Result<Ends>| {
        let mut net = Functional::new(&device, 1);
        let (inputs, outputs) = f(&mut net)?;
        net.build(&inputs, &outputs)
    };
    let none = build(&|net| Ok((vec![net.input("x", vec![None, Some(2)])?], vec![])));
    assert!(message(none).contains("at least one output"));
    let lacking = build(&|net| {
        let (a, b) = (net.input("a", vec![None, Some(2)])?, net.input("b", vec![None, Some(2)])?);
        Ok((vec![a], vec![net.apply(Add::new(), &[a, b])?]))
    });
    assert!(message(lacking).contains("none for 'b'"));
    let twice = build(&|net| {
        let a = net.input("a", vec![None, Some(2)])?;
        let b = net.apply(Dense::new(1).name("d"), &[a])?;
        Ok((vec![a], vec![net.apply(Dense::new(1).name("d"), &[b])?]))
    });
    assert!(message(twice).contains("two layers are named 'd'"));
    let misfit = build(&|net| {
        let a = net.input("a", vec![None, Some(2)])?;
        let layer = net.layer(Dense::new(3));
        let b = net.call(layer, &[a])?;
        Ok((vec![a], vec![net.call(layer, &[b])?]))
    });
    assert!(message(misfit).contains("need weights of different shapes"));
    let wrong = build(&|net| {
        let a = net.input("a", vec![None, Some(2)])?;
        Ok((vec![a], vec![net.apply(Dense::new(3).activation("wibble"), &[a])?]))
    });
    assert!(message(wrong).contains("wibble"));
    // A symbol of a larger graph.
    let mut other = Functional::new(&device, 1);
    let mut last = other.input("x", vec![None, Some(2)])?;
    for _ in 0..4 {
        last = other.apply(Dense::new(2), &[last])?;
    }
    assert!(
        message(build(&|net| Ok((vec![net.input("x", vec![None, Some(2)])?], vec![last])))).contains("another model")
    );
    Ok(())
}

#[test]
fn keras_nests_models() -> Result<()> {
    let inner = json!({"class_name": "Sequential", "config": {"name": "inner", "build_input_shape": [null, 3], "layers": [
        {"class_name": "Dense", "config": {"name": "d", "units": 2}}
    ]}});
    let outer = json!({"class_name": "Sequential", "config": {"name": "outer", "layers": [
        inner, {"class_name": "Dense", "config": {"name": "e", "units": 1, "trainable": false}}
    ]}});
    let model = round_trip(outer)?;
    assert_eq!(model.input_shapes(), [vec![None, Some(3)]]);
    let names: Vec<_> = model.weights().iter().map(|w| (w.name.clone(), w.trainable())).collect();
    let expected = [("d/kernel", true), ("d/bias", true), ("e/kernel", false), ("e/bias", false)];
    assert_eq!(names, expected.map(|(n, t)| (n.to_owned(), t)));
    assert_eq!(model.layer("inner")?.model().map(|m| m.layers().len()), Some(2));
    Ok(())
}

#[test]
fn models_within_know_what_is_known_of_their_inputs() -> Result<()> {
    use crate::nn::layers::{Conv2D, Dense, Flatten, MaxPooling2D};
    let device = crate::cpu(1);
    // Of images of any size: only where it is called is the number of features known.
    let backbone = Sequential::new(&device, vec![None, None, None, Some(1)], 1)
        .layer(Conv2D::new(2, 3).name("dense"))?
        .layer(MaxPooling2D::new())?
        .build();
    let head = Sequential::new(&device, vec![None, Some(6), Some(6), Some(1)], 2)
        .layer(&backbone)?
        .layer(Flatten::new())?
        .layer(Dense::new(3).name("dense"))?
        .build();
    assert_eq!(head.output_shapes(), [vec![None, Some(3)]]);
    // A layer that comes later has the name of one within.
    let names = |m: &Model| m.weights().iter().map(|w| w.name.clone()).collect::<Vec<_>>();
    let expected = ["model_1/dense/kernel", "model_1/dense/bias", "dense/kernel", "dense/bias"];
    assert_eq!(names(&head), expected);
    let again = Model::from_keras(&device, &head.to_keras("m"), 1)?;
    assert_eq!(names(&again), expected);
    // Keras stores chains whose shape only their first call says.
    let inner =
        json!({"class_name": "Sequential", "config": [{"class_name": "Dense", "config": {"name": "d", "units": 2}}]});
    let outer = json!({"class_name": "Sequential", "config": {"layers": [
        {"class_name": "InputLayer", "config": {"name": "x", "batch_shape": [null, 3]}}, inner
    ]}});
    assert_eq!(round_trip(outer)?.weights()[0].spec.shape, Shape::from([3, 2]));
    Ok(())
}

#[test]
fn a_call_may_always_be_one_of_inference() -> Result<()> {
    let layer = |class: &str, config: Value, inbound: Value| json!({"class_name": class, "name": config["name"], "config": config, "inbound_nodes": inbound});
    let drop = layer("Dropout", json!({"name": "drop", "rate": 0.9}), json!([[["i", 0, 0, {}]]]));
    let input = |name: &str| layer("InputLayer", json!({"name": name, "batch_input_shape": [null, 64]}), json!([]));
    let inner = json!({"name": "inner", "layers": [input("i"), drop], "input_layers": [["i", 0, 0]], "output_layers": [["drop", 0, 0]]});
    // Called in inference, and as the model is; Keras 2 counts calls of models from 1.
    let calls = json!([[["x", 0, 0, {"training": false}]], [["x", 0, 0, {}]]]);
    let model = round_trip(json!({"class_name": "Functional", "config": {"layers": [
        input("x"),
        layer("Functional", inner, calls),
        layer("Add", json!({"name": "still"}), json!([[["inner", 1, 0, {}], ["inner", 1, 0, {}]]])),
    ], "input_layers": [["x", 0, 0]], "output_layers": [["still", 0, 0], ["inner", 2, 0]]}}))?;
    let again = Model::from_keras(model.device(), &model.to_keras("m"), 1)?;
    assert_eq!(again.to_keras("m"), model.to_keras("m"));
    let x = model.device().ones([1, 64], DType::F32)?;
    for model in [model, again] {
        let outputs = model.call(&[&x], Call { training: true, ..Call::default() })?.outputs;
        assert_eq!(outputs[0].to_vec()?, [2.0; 64]);
        assert!(outputs[1].to_vec()?.contains(&0.0));
    }
    Ok(())
}
