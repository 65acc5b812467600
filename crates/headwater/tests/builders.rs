//! Every builder of a layer makes a layer that computes what it says.

use headwater::nn::layers::*;
use headwater::nn::{Definition, Functional};
use headwater::{cpu, DType, Result};

/// Builders with the shape of an example, as many times as there are inputs, and that of its output.
fn builders() -> Vec<(Definition, Vec<usize>, usize, Vec<usize>)> {
    let one = |d: Definition, input: &[usize], output: &[usize]| (d, input.to_vec(), 1, output.to_vec());
    let two = |d: Definition, input: &[usize], output: &[usize]| (d, input.to_vec(), 2, output.to_vec());
    let cells: [Definition; 2] = [GRUCell::new(3).reset_after(false).into(), LSTMCell::new(2).into()];
    let image = [6, 6, 2];
    let volume = [4, 4, 4, 2];
    let steps = [5, 3];
    vec![
        one(Dense::new(4).use_bias(false).into(), &[3], &[4]),
        one(EinsumDense::new("abc,cd->abd", (5, 4)).bias_axes("d").into(), &steps, &[5, 4]),
        one(Embedding::new(9, 4).into(), &[3], &[3, 4]),
        one(Activation::new("relu").into(), &[3], &[3]),
        one(Identity::new().into(), &[3], &[3]),
        one(ActivityRegularization::new().l1(0.1).l2(0.2).into(), &[3], &[3]),
        one(ReLU::new().max_value(6.0).negative_slope(0.1).threshold(0.5).into(), &[3], &[3]),
        one(LeakyReLU::new().negative_slope(0.1).into(), &[3], &[3]),
        one(ELU::new().alpha(0.5).into(), &[3], &[3]),
        one(ThresholdedReLU::new().theta(0.5).into(), &[3], &[3]),
        one(PReLU::new().shared_axes([1, 2]).into(), &image, &image),
        one(Softmax::new().axis(-1).into(), &[3], &[3]),
        one(Conv1D::new(4, 3).padding("same").strides(2).into(), &steps, &[3, 4]),
        one(Conv2D::new(4, (3, 1)).dilation_rate(2).groups(2).into(), &image, &[2, 6, 4]),
        one(Conv3D::new(3, 2).padding("same").into(), &volume, &[4, 4, 4, 3]),
        one(Conv1DTranspose::new(4, 3).strides(2).into(), &steps, &[11, 4]),
        one(Conv2DTranspose::new(4, 3).strides([2, 2]).padding("same").into(), &image, &[12, 12, 4]),
        one(Conv3DTranspose::new(3, 2).strides(2).into(), &volume, &[8, 8, 8, 3]),
        one(DepthwiseConv1D::new(3).depth_multiplier(2).into(), &steps, &[3, 6]),
        one(DepthwiseConv2D::new(3).depthwise_initializer("Ones").into(), &image, &[4, 4, 2]),
        one(SeparableConv1D::new(4, 3).into(), &steps, &[3, 4]),
        one(SeparableConv2D::new(4, 3).pointwise_regularizer("L2").into(), &image, &[4, 4, 4]),
        one(MaxPooling1D::new().pool_size(3).strides(1).into(), &steps, &[3, 3]),
        one(MaxPooling2D::new().pool_size((2, 3)).into(), &image, &[3, 2, 2]),
        one(MaxPooling3D::new().pool_size((1, 2, 2)).into(), &volume, &[4, 2, 2, 2]),
        one(AveragePooling1D::new().into(), &steps, &[2, 3]),
        one(AveragePooling2D::new().into(), &image, &[3, 3, 2]),
        one(AveragePooling3D::new().into(), &volume, &[2, 2, 2, 2]),
        one(GlobalMaxPooling1D::new().keepdims(true).into(), &steps, &[1, 3]),
        one(GlobalMaxPooling2D::new().into(), &image, &[2]),
        one(GlobalMaxPooling3D::new().into(), &volume, &[2]),
        one(GlobalAveragePooling1D::new().into(), &steps, &[3]),
        one(GlobalAveragePooling2D::new().into(), &image, &[2]),
        one(GlobalAveragePooling3D::new().keepdims(true).into(), &volume, &[1, 1, 1, 2]),
        one(Flatten::new().into(), &image, &[72]),
        one(Reshape::new([3, -1]).into(), &image, &[3, 24]),
        one(Permute::new([2, 1]).into(), &steps, &[3, 5]),
        one(RepeatVector::new(4).into(), &[3], &[4, 3]),
        one(ZeroPadding1D::new((1, 2)).into(), &steps, &[8, 3]),
        one(ZeroPadding2D::new([[1, 0], [2, 3]]).into(), &image, &[7, 11, 2]),
        one(ZeroPadding3D::new([[1, 0], [2, 3], [0, 0]]).into(), &volume, &[5, 9, 4, 2]),
        one(Cropping1D::new(1).into(), &steps, &[3, 3]),
        one(Cropping2D::new(1).into(), &image, &[4, 4, 2]),
        one(Cropping3D::new(1).into(), &volume, &[2, 2, 2, 2]),
        one(UpSampling1D::new().size(3).into(), &steps, &[15, 3]),
        one(UpSampling2D::new().interpolation("bilinear").into(), &image, &[12, 12, 2]),
        one(UpSampling3D::new().size((1, 2, 3)).into(), &volume, &[4, 8, 12, 2]),
        two(Add::new().into(), &[3], &[3]),
        two(Subtract::new().into(), &[3], &[3]),
        two(Multiply::new().into(), &[3], &[3]),
        two(Average::new().into(), &[3], &[3]),
        two(Maximum::new().into(), &[3], &[3]),
        two(Minimum::new().into(), &[3], &[3]),
        two(Concatenate::new().axis(1).into(), &steps, &[10, 3]),
        two(Dot::new(1).normalize(true).into(), &[3], &[1]),
        one(Dropout::new(0.5).seed(3).into(), &[3], &[3]),
        one(SpatialDropout1D::new(0.5).into(), &steps, &steps),
        one(SpatialDropout2D::new(0.5).into(), &image, &image),
        one(SpatialDropout3D::new(0.5).into(), &volume, &volume),
        one(AlphaDropout::new(0.5).into(), &[3], &[3]),
        one(GaussianNoise::new(0.5).into(), &[3], &[3]),
        one(GaussianDropout::new(0.5).into(), &[3], &[3]),
        one(BatchNormalization::new().momentum(0.9).scale(false).into(), &image, &image),
        one(LayerNormalization::new().epsilon(1e-5).center(false).into(), &image, &image),
        one(GroupNormalization::new(2).into(), &image, &image),
        one(RMSNormalization::new().into(), &[3], &[3]),
        one(UnitNormalization::new().axis([1, 2]).into(), &image, &image),
        one(SpectralNormalization::new(Dense::new(4)).power_iterations(2).into(), &[3], &[4]),
        one(Masking::new().mask_value(-1.0).into(), &steps, &steps),
        one(SimpleRNN::new(4).go_backwards(true).into(), &steps, &[4]),
        one(LSTM::new(4).return_sequences(true).recurrent_dropout(0.1).into(), &steps, &[5, 4]),
        one(GRU::new(4).reset_after(true).into(), &steps, &[4]),
        one(ConvLSTM1D::new(4, 2).into(), &[3, 5, 2], &[4, 4]),
        one(ConvLSTM2D::new(4, 2).padding("same").into(), &[3, 5, 5, 2], &[5, 5, 4]),
        one(ConvLSTM3D::new(2, 2).into(), &[2, 3, 3, 3, 1], &[2, 2, 2, 2]),
        one(RNN::new(SimpleRNNCell::new(4)).into(), &steps, &[4]),
        one(RNN::new(ConvLSTM2DCell::new(4, 2)).return_sequences(true).into(), &[3, 5, 5, 2], &[3, 4, 4, 4]),
        one(RNN::new(StackedRNNCells::new(&cells)).into(), &steps, &[2]),
        one(Bidirectional::new(LSTM::new(4)).backward_layer(GRU::new(4).go_backwards(true)).into(), &steps, &[8]),
        one(TimeDistributed::new(Dense::new(4)).into(), &steps, &[5, 4]),
        two(MultiHeadAttention::new(2, 4).value_dim(3).dropout(0.1).into(), &steps, &steps),
        two(GroupedQueryAttention::new(4, 4, 2).use_causal_mask(true).into(), &steps, &steps),
        two(Attention::new().use_scale(true).score_mode("dot").into(), &steps, &steps),
        two(AdditiveAttention::new().into(), &steps, &steps),
        one(Normalization::new().mean(1.0).variance([4.0]).into(), &[3], &[3]),
        one(Discretization::new([0.0, 0.5]).output_mode("int").into(), &[3], &[3]),
        one(CategoryEncoding::new(4).output_mode("multi_hot").into(), &[3], &[4]),
        one(Rescaling::new(1.0 / 255.0).offset(-1.0).into(), &image, &image),
        one(Resizing::new(3, 4).interpolation("nearest").crop_to_aspect_ratio(true).into(), &image, &[3, 4, 2]),
        one(CenterCrop::new(3, 4).into(), &image, &[3, 4, 2]),
        one(RandomFlip::new().mode("horizontal").into(), &image, &image),
        one(RandomBrightness::new(0.2).value_range([0.0, 1.0]).into(), &image, &image),
        one(RandomContrast::new([0.1, 0.2]).into(), &image, &image),
        one(RandomCrop::new(3, 4).into(), &image, &[3, 4, 2]),
        one(RandomHeight::new(0.0).into(), &image, &image),
        one(RandomRotation::new(0.2).fill_mode("nearest").into(), &image, &image),
        one(RandomZoom::new([-0.1, 0.2]).width_factor(0.1).fill_value(1.0).into(), &image, &image),
        one(RandomTranslation::new(0.1, 0.2).seed(4).into(), &image, &image),
    ]
}

#[test]
fn every_builder_makes_its_layer() -> Result<()> {
    let device = cpu(1);
    for (i, (layer, input, inputs, output)) in builders().into_iter().enumerate() {
        let mut net = Functional::new(&device, 1);
        let shape = [None].into_iter().chain(input.iter().map(|&n| Some(n))).collect::<Vec<_>>();
        let symbols: Vec<_> = (0..inputs).map(|k| net.input(&format!("x{k}"), shape.clone())).collect::<Result<_>>()?;
        let y = net.apply(layer.name(&format!("layer{i}")), &symbols)?;
        let model = net.build(&symbols, &[y])?;
        let class = model.layer(&format!("layer{i}"))?.class_name().to_owned();
        let x = device.ones([&[2], &input[..]].concat(), DType::F32)?;
        let result = model.predict(&vec![&x; inputs])?;
        assert_eq!(result[0].shape()[..], [&[2], &output[..]].concat(), "{class}");
        assert!(result[0].to_vec()?.iter().all(|v| v.is_finite()), "{class}");
    }
    Ok(())
}

#[test]
fn options_are_those_of_the_configuration() -> Result<()> {
    let mut net = Functional::new(&cpu(1), 1);
    let x = net.input("x", vec![None, Some(8), Some(8), Some(3)])?;
    let conv = Conv2D::new(4, 3).strides((2, 1)).activation("tanh").kernel_constraint("NonNeg").trainable(false);
    // The last of several counts.
    let y = net.apply(conv.activation("elu").name("c"), &[x])?;
    let model = net.build(&[x], &[y])?;
    let config = model.layer("c")?.config();
    assert_eq!((&config["strides"], &config["activation"]), (&serde_json::json!([2, 1]), &"elu".into()));
    assert_eq!((&config["kernel_constraint"]["class_name"], &config["trainable"]), (&"NonNeg".into(), &false.into()));
    let wrong = net_error(Dense::new(3).kernel_initializer("Wibble").into());
    assert!(wrong.contains("wibble") || wrong.contains("Wibble"), "{wrong}");
    assert!(net_error(RNN::new(&model).into()).contains("RNN"));
    Ok(())
}

/// What is said of a layer that cannot be made.
fn net_error(layer: Definition) -> String {
    let mut net = Functional::new(&cpu(1), 1);
    let made = net.input("x", vec![None, Some(5), Some(3)]).and_then(|x| net.apply(layer, &[x]));
    made.err().map_or_else(String::new, |e| e.to_string())
}
