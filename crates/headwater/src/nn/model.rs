//! Models: graphs of layers with their weights.

mod read;

use headwater_core::AllOk;
use std::sync::{Arc, Mutex, PoisonError};

use headwater_core::ops::hash_key;
use headwater_core::{Device, Error, Result, Tensor};
use serde_json::{json, Value};

use super::initializers::initialize;
use super::layer::{Call, Dims, Layer, WeightSpec};
use super::layers::create;
use super::topology::format_error;

/// A weight: its description and its current value. Clones share the value.
#[derive(Clone)]
pub struct Weight {
    /// The layer's name and the weight's: `dense/kernel`.
    pub name: String,
    /// What it is.
    pub spec: WeightSpec,
    value: Arc<Mutex<Tensor>>,
}

impl Weight {
    /// The current value.
    pub fn value(&self) -> Tensor {
        self.value.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces the value.
    ///
    /// # Errors
    /// `ErrorKind::Shape` when the shape is another.
    pub fn set(&self, value: Tensor) -> Result<()> {
        if value.shape() != &self.spec.shape {
            return Err(Error::shape(&self.name, format!("a value of shape {}", self.spec.shape), value.shape()));
        }
        *self.value.lock().unwrap_or_else(PoisonError::into_inner) = value;
        Ok(())
    }
}

/// A layer, applied to the outputs of nodes.
#[derive(Clone)]
struct Node {
    name: String,
    /// `None` for an input.
    layer: Option<Arc<dyn Layer>>,
    /// Which call of the layer this is: all share the weights of the first that was made.
    call: usize,
    shared: bool,
    /// Whether it is always called in training or in inference, whatever the model is called in.
    training: Option<bool>,
    weights: Vec<Weight>,
    inputs: Vec<Place>,
    shapes: Vec<Dims>,
}

/// An output of a node: the node and which of its outputs.
type Place = (usize, usize);

/// What a call of a model gives.
pub struct Called {
    /// The outputs.
    pub outputs: Vec<Tensor>,
    /// Which steps of each output count, as bool tensors.
    pub masks: Vec<Option<Tensor>>,
    /// Losses of layers, to be added to the outputs'.
    pub losses: Vec<Tensor>,
}

/// A graph of layers from inputs to outputs. Clones share weights.
#[derive(Clone)]
pub struct Model {
    device: Device,
    nodes: Vec<Node>,
    inputs: Vec<usize>,
    outputs: Vec<Place>,
}

impl Model {
    fn empty(device: &Device) -> Model {
        Model { device: device.clone(), nodes: Vec::new(), inputs: Vec::new(), outputs: Vec::new() }
    }

    fn add_input(&mut self, name: &str, shape: Dims) -> usize {
        self.nodes.push(Node {
            name: name.into(),
            layer: None,
            call: 0,
            shared: false,
            training: None,
            weights: Vec::new(),
            inputs: Vec::new(),
            shapes: vec![shape],
        });
        self.inputs.push(self.nodes.len() - 1);
        self.nodes.len() - 1
    }

    /// The shapes of outputs that a layer is to read.
    fn shapes_of(&self, places: &[Place]) -> Result<Vec<Dims>> {
        let shape = |&(node, output): &Place| {
            let node = &self.nodes[node];
            let missing = || format_error(format!("'{}' has no output {output}", node.name));
            node.shapes.get(output).cloned().ok_or_else(missing)
        };
        places.iter().map(shape).collect()
    }

    fn add(&mut self, name: &str, layer: Box<dyn Layer>, inputs: Vec<Place>, seed: u32) -> Result<usize> {
        let shapes = self.shapes_of(&inputs)?;
        let specs = layer.weights(&shapes)?;
        let shapes = layer.output_shape(&shapes)?;
        let weight = |(i, spec): (usize, WeightSpec)| -> Result<Weight> {
            let value = initialize(&self.device, &spec.initializer, &spec.shape, spec.dtype, hash_key(seed, i as u32))?;
            Ok(Weight { name: format!("{name}/{}", spec.name), spec, value: Arc::new(Mutex::new(value)) })
        };
        let weights = specs.into_iter().enumerate().map(weight).all_ok()?;
        let layer = Some(Arc::from(layer));
        self.nodes.push(Node {
            name: name.into(),
            layer,
            call: 0,
            shared: false,
            training: None,
            weights,
            inputs,
            shapes,
        });
        Ok(self.nodes.len() - 1)
    }

    /// Calls a layer that was added before, once more.
    fn share(&mut self, first: usize, inputs: Vec<Place>) -> Result<usize> {
        let mut node = self.nodes[first].clone();
        node.call = self.nodes.iter().filter(|other| other.name == node.name).count();
        let shapes = self.shapes_of(&inputs)?;
        if let Some(layer) = &node.layer {
            let same = |(spec, weight): (&WeightSpec, &Weight)| spec.shape == weight.spec.shape;
            if !layer.weights(&shapes)?.iter().zip(&node.weights).all(same) {
                return Err(format_error(format!("the calls of '{}' need weights of different shapes", node.name)));
            }
            node.shapes = layer.output_shape(&shapes)?;
        }
        self.nodes.push(Node { shared: true, inputs, ..node });
        Ok(self.nodes.len() - 1)
    }

    /// The model as Keras 2 JSON.
    pub fn to_keras(&self, name: &str) -> Value {
        let reference = |&(i, output): &Place| json!([self.nodes[i].name, self.nodes[i].call, output]);
        let input =
            |&(i, output): &Place, kwargs: &Value| json!([self.nodes[i].name, self.nodes[i].call, output, kwargs]);
        let layers = self.nodes.iter().filter(|node| !node.shared).map(|node| {
            let mut config = super::Map::default();
            config.set("name", node.name.as_str());
            config.set("trainable", true);
            match &node.layer {
                Some(layer) => layer.config(&mut config),
                None => {
                    config.set("batch_input_shape", node.shapes[0].clone());
                    config.set("dtype", "float32");
                }
            }
            let config = Value::from(super::Value::from(config));
            let mut calls: Vec<&Node> =
                self.nodes.iter().filter(|n| n.name == node.name && n.layer.is_some()).collect();
            calls.sort_by_key(|n| n.call);
            let inbound: Vec<Vec<Value>> = calls
                .iter()
                .map(|n| {
                    let kwargs = n.training.map_or_else(|| json!({}), |training| json!({ "training": training }));
                    n.inputs.iter().map(|place| input(place, &kwargs)).collect()
                })
                .collect();
            json!({
                "class_name": node.layer.as_ref().map_or("InputLayer", |l| l.class_name()),
                "name": node.name,
                "config": config,
                "inbound_nodes": inbound,
            })
        });
        json!({
            "keras_version": "2.15.0",
            "backend": "headwater",
            "model_config": {
                "class_name": "Functional",
                "config": {
                    "name": name,
                    "layers": layers.collect::<Vec<_>>(),
                    "input_layers": self.inputs.iter().map(|&i| reference(&(i, 0))).collect::<Vec<_>>(),
                    "output_layers": self.outputs.iter().map(reference).collect::<Vec<_>>(),
                },
            },
        })
    }

    /// The device of the weights.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// All weights, in the order of the layers, states included.
    pub(crate) fn every_weight(&self) -> Vec<Weight> {
        self.nodes.iter().filter(|n| !n.shared).flat_map(|n| n.weights.iter().cloned()).collect()
    }

    /// All weights, in the order of the layers, without the states of recurrent ones.
    pub fn weights(&self) -> Vec<Weight> {
        self.every_weight().into_iter().filter(|w| !w.spec.state).collect()
    }

    /// Sets what recurrent layers carry from call to call to zero.
    ///
    /// # Errors
    /// What making zeros gives.
    pub fn reset_states(&self) -> Result<()> {
        let states = self.nodes.iter().filter(|n| !n.shared).flat_map(|n| &n.weights).filter(|w| w.spec.state);
        states.into_iter().try_for_each(|w| w.set(self.device.zeros(&w.spec.shape, w.spec.dtype)?))
    }

    /// Sets every weight from `find`, which is given its name.
    ///
    /// # Errors
    /// `ErrorKind::Format` naming a weight that is not found; `ErrorKind::Shape` for one of another shape.
    pub fn load_weights(&self, mut find: impl FnMut(&str) -> Option<Tensor>) -> Result<()> {
        for weight in self.weights() {
            let missing = || Error::format("weights", format!("'{}' is missing", weight.name));
            weight.set(find(&weight.name).ok_or_else(missing)?)?;
        }
        Ok(())
    }

    /// The same layers and weights, with the output of layer `name` as the only output.
    ///
    /// # Errors
    /// `ErrorKind::Unknown` when there is no such layer.
    pub fn up_to(&self, name: &str) -> Result<Model> {
        let node = self.nodes.iter().position(|n| n.name == name);
        let node = node.ok_or_else(|| Error::unknown("layer in the model", name))?;
        Ok(Model { nodes: self.nodes[..=node].to_vec(), outputs: vec![(node, 0)], ..self.clone() })
    }

    /// The shapes of the inputs.
    pub fn input_shapes(&self) -> Vec<Dims> {
        self.inputs.iter().filter_map(|&i| self.nodes.get(i)).map(|node| node.shapes[0].clone()).collect()
    }

    /// The shapes of the outputs.
    pub fn output_shapes(&self) -> Vec<Dims> {
        self.outputs.iter().map(|&(node, output)| self.nodes[node].shapes[output].clone()).collect()
    }

    /// The outputs in inference.
    ///
    /// # Errors
    /// `ErrorKind::Argument` for a wrong number of inputs; what the layers give.
    pub fn predict(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
        self.call(inputs, Call::default()).map(|called| called.outputs)
    }

    /// The outputs, their masks, and the losses of layers. In training, moving averages are updated.
    ///
    /// # Errors
    /// As [`Model::predict`].
    pub fn call(&self, inputs: &[&Tensor], call: Call<'_>) -> Result<Called> {
        if inputs.len() != self.inputs.len() {
            return Err(Error::argument("model", format!("{} inputs", self.inputs.len()), inputs.len()));
        }
        let mut values: Vec<Vec<Tensor>> = vec![Vec::new(); self.nodes.len()];
        let mut masks: Vec<Vec<Option<Tensor>>> = vec![Vec::new(); self.nodes.len()];
        let mut losses = Vec::new();
        for (i, (&node, &input)) in self.inputs.iter().zip(inputs).enumerate() {
            if node < values.len() {
                values[node] = vec![input.clone()];
                masks[node] = vec![call.mask(i).cloned()];
            }
        }
        for (i, node) in self.nodes.iter().enumerate() {
            let Some(layer) = &node.layer else { continue };
            let missing = || format_error(format!("'{}' has no input", node.name));
            let read = |&(j, output): &Place| values[j].get(output).cloned().ok_or_else(missing);
            let inputs: Vec<Tensor> = node.inputs.iter().map(read).all_ok()?;
            let given: Vec<Option<Tensor>> =
                node.inputs.iter().map(|&(j, output)| masks[j].get(output).cloned().flatten()).collect();
            let weights: Vec<Tensor> = node.weights.iter().map(Weight::value).collect();
            let training = node.training.unwrap_or(call.training);
            let call = Call { seed: hash_key(call.seed, i as u32), masks: &given, training };
            let output = layer.call(&inputs, &weights, &call)?;
            for (index, update) in output.updates {
                node.weights[index].set(update)?;
            }
            losses.extend(output.losses);
            values[i] = output.tensors;
            masks[i] = layer.masks(&inputs, &given)?;
        }
        let missing = || format_error("an output has no value");
        let output = |&(node, output): &Place| values[node].get(output).cloned().ok_or_else(missing);
        let outputs = self.outputs.iter().map(output).all_ok()?;
        let masks = self.outputs.iter().map(|&(node, output)| masks[node].get(output).cloned().flatten()).collect();
        Ok(Called { outputs, masks, losses })
    }
}

/// Builds a chain of layers.
///
/// ```
/// use headwater::nn::Sequential;
/// use serde_json::json;
///
/// # fn main() -> headwater::Result<()> {
/// let device = headwater::cpu(1);
/// let model = Sequential::new(&device, vec![None, Some(4)], 1)
///     .add("Dense", json!({"units": 8, "activation": "relu"}))?
///     .add("Dense", json!({"units": 3, "activation": "softmax"}))?
///     .build();
/// let x = device.ones([2, 4], headwater::DType::F32)?;
/// assert_eq!(model.predict(&[&x])?[0].shape(), &headwater::Shape::from([2, 3]));
/// # Ok(())
/// # }
/// ```
pub struct Sequential {
    model: Model,
    seed: u32,
}

impl Sequential {
    /// A chain that begins with inputs of `shape`, weights drawn from `seed`.
    pub fn new(device: &Device, shape: Dims, seed: u32) -> Sequential {
        let mut model = Model::empty(device);
        model.add_input("input", shape);
        Sequential { model, seed }
    }

    /// Appends a layer of a Keras class; the configuration's "name" is the layer's.
    ///
    /// # Errors
    /// As [`super::create`], and `ErrorKind::Shape` when the layer does not fit.
    pub fn add(mut self, class_name: &str, config: impl Into<super::Value>) -> Result<Sequential> {
        let config = config.into();
        let n = self.model.nodes.len();
        let name = config
            .get("name")
            .and_then(super::Value::text)
            .map_or_else(|| format!("{}_{n}", class_name.to_ascii_lowercase()), String::from);
        self.model.add(&name, create(class_name, &config)?, vec![(n - 1, 0)], hash_key(self.seed, n as u32))?;
        Ok(self)
    }

    /// The model.
    pub fn build(mut self) -> Model {
        self.model.outputs = vec![(self.model.nodes.len() - 1, 0)];
        self.model
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use headwater_core::{DType, Shape};

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
        let model =
            Sequential::new(&device, vec![Some(1), Some(2), Some(1)], 1).add("SimpleRNN", config.clone())?.build();
        assert_eq!(model.weights().len(), 2);
        let x = device.ones([1, 2, 1], DType::F32)?;
        let read = || -> Result<f64> { model.predict(&[&x])?[0].item() };
        assert_eq!((read()?, read()?), (2.0, 4.0));
        model.reset_states()?;
        assert_eq!(model.predict(&[&x])?[0].item()?, 2.0);
        let unknown = Sequential::new(&device, vec![None, Some(2), Some(1)], 1).add("SimpleRNN", config);
        assert!(unknown.err().is_some_and(|e| e.to_string().contains("a known dimension 0")));
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
}
