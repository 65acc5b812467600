// Models of every kind of layer, compiled and trained on an engine that is not to be read at once.
import * as tf from 'headwater';
import { answer } from './answer.js';

const { layers } = tf;
const rows = [6, 4];
const image = [8, 8, 3];

/** What stands between an input of a shape and the head. */
const BODIES = {
  dense: [[5], [layers.dense({ units: 4, activation: 'tanh', kernelRegularizer: 'l1l2', activityRegularizer: 'l2', kernelConstraint: 'maxNorm' })]],
  activations: [[5], [layers.prelu(), layers.leakyReLU(), layers.elu(), layers.activation({ activation: 'gelu' })]],
  noise: [[5], [layers.dropout({ rate: 0.3 }), layers.gaussianNoise({ stddev: 0.1 }), layers.gaussianDropout({ rate: 0.2 }), layers.alphaDropout({ rate: 0.2 })]],
  embedding: [[6], [layers.embedding({ inputDim: 5, outputDim: 3, maskZero: true }), layers.lstm({ units: 4 })]],
  simpleRNN: [rows, [layers.simpleRNN({ units: 4, returnSequences: true }), layers.timeDistributed({ layer: layers.dense({ units: 3 }) })]],
  lstm: [rows, [layers.masking({ maskValue: 0 }), layers.lstm({ units: 4, recurrentDropout: 0.1 })]],
  gru: [rows, [layers.bidirectional({ layer: layers.gru({ units: 4 }), mergeMode: 'concat' })]],
  convLstm2d: [[2, 5, 5, 2], [layers.convLstm2d({ filters: 2, kernelSize: 3 })]],
  conv1d: [rows, [layers.conv1d({ filters: 3, kernelSize: 2 }), layers.globalMaxPooling1d()]],
  conv2d: [image, [layers.conv2d({ filters: 4, kernelSize: 3, activation: 'relu' }), layers.batchNormalization(), layers.maxPooling2d({ poolSize: 2 })]],
  depthwise: [image, [layers.depthwiseConv2d({ kernelSize: 3 }), layers.separableConv2d({ filters: 4, kernelSize: 3 }), layers.averagePooling2d({ poolSize: 2 })]],
  transposed: [image, [layers.conv2dTranspose({ filters: 2, kernelSize: 3, strides: 2 }), layers.upSampling2d({ interpolation: 'bilinear' }), layers.globalAveragePooling2d({})]],
  normalization: [rows, [layers.layerNormalization(), layers.groupNormalization({ groups: 2 }), layers.rmsNormalization(), layers.unitNormalization()]],
  preprocessing: [image, [layers.rescaling({ scale: 0.5 }), layers.resizing({ height: 6, width: 6 }), layers.randomFlip({}), layers.randomRotation({ factor: 0.1 })]],
};

const INITIALIZERS = [
  'glorotNormal', 'glorotUniform', 'heNormal', 'heUniform', 'leCunNormal', 'leCunUniform', 'identity', 'ones', 'orthogonal',
  'randomNormal', 'randomUniform', 'truncatedNormal', 'varianceScaling', 'zeros',
];

/** The losses of two epochs. */
async function learn(shape, body) {
  const model = tf.sequential();
  model.add(tf.layers.inputLayer({ inputShape: shape }));
  for (const layer of body) model.add(layer);
  if (model.outputs[0].shape.length > 2) model.add(layers.flatten());
  model.add(layers.dense({ units: 2, activation: 'softmax' }));
  model.compile({ optimizer: tf.train.adam(0.01), loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] });
  const x = tf.randomUniform([4, ...shape], 0, 4, 'float32', 7).floor();
  const y = tf.tensor1d([0, 1, 1, 0]);
  const { history } = await model.fit(x, y, { epochs: 2, batchSize: 2, validationSplit: 0.5, verbose: 0 });
  const result = model.predict(x);
  const values = [...history.loss, ...history.val_loss, ...(await result.data())];
  model.dispose();
  tf.dispose([x, y, result]);
  return values;
}

/** What `make` gives, or its error. */
const attempt = (make) => make().catch((error) => error.message);

await answer(async () => {
  await tf.setBackend('webgpu');
  await tf.ready();
  const report = { backend: tf.getBackend(), fallbackReason: tf.backendInfo().fallbackReason, bodies: {}, initializers: {} };
  for (const [name, [shape, body]] of Object.entries(BODIES)) report.bodies[name] = await attempt(() => learn(shape, body));
  for (const kernelInitializer of INITIALIZERS) {
    report.initializers[kernelInitializer] = await attempt(() => learn([4], [layers.dense({ units: 4, kernelInitializer })]));
  }
  const query = tf.input({ shape: [5, 8] });
  const attended = layers.multiHeadAttention({ numHeads: 2, keyDim: 4 }).apply([query, query]);
  report.bodies.attention = await attempt(async () => {
    const model = tf.model({ inputs: query, outputs: layers.dense({ units: 1 }).apply(layers.globalAveragePooling1d({}).apply(attended)) });
    model.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
    const { history } = await model.fit(tf.ones([4, 5, 8]), tf.ones([4, 1]), { epochs: 2, verbose: 0 });
    return history.loss;
  });
  return report;
});
