// float16 on WebGPU: in 16 bits of memory where shaders know f16, in 32 elsewhere.
import * as tf from 'headwater';
import { answer } from './answer.js';

await answer(async () => {
  const adapter = await navigator.gpu.requestAdapter({ powerPreference: 'high-performance' });
  await tf.setBackend('webgpu');
  const n = 1 << 14;
  const before = tf.memory().engineBytes;
  const many = tf.tidy(() => tf.randomUniform([n], -1, 1, 'float32', 1).cast('float16'));
  await many.data();
  const bytes = (tf.memory().engineBytes - before) / n;
  const odd = tf.tensor1d([1, -2, 65504, 2 ** -24, Infinity], 'float16');
  const ones = tf.ones([8, 4096], 'float16');
  tf.mixedPrecision.setGlobalPolicy('mixed_float16');
  const model = tf.sequential({ layers: [tf.layers.dense({ units: 16, activation: 'relu', inputShape: [4] }), tf.layers.dense({ units: 1 })] });
  tf.mixedPrecision.setGlobalPolicy('float32');
  model.compile({ optimizer: tf.train.adam(0.02), loss: 'meanSquaredError' });
  const inputs = tf.randomNormal([64, 4], 0, 1, 'float32', 1);
  const { history } = await model.fit(inputs, inputs.sum(1, true), { epochs: 25, batchSize: 16, verbose: 0 });
  return {
    expected: adapter.features.has('shader-f16') ? 2 : 4,
    bytes,
    odd: [...(await odd.data())],
    parts: [...(await tf.concat([odd.slice(1, 2), odd.slice(0, 1)]).mul(2).data())].map(String),
    sums: [...(await ones.matMul(ones, false, true).data())],
    losses: history.loss,
  };
});
