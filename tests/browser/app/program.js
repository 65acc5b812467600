// What every way of loading the package has to compute.
import * as tf from 'headwater';

const rounded = async (tensor) => Array.from(await tensor.data(), (value) => Math.round(value * 1e4) / 1e4);

/** Chooses an engine and reports on it: a few operations, a gradient, and a model that learns a line. */
export async function program(backend) {
  await tf.setBackend(backend);
  // Forgets variables and scopes; the engine stays.
  tf.engine().reset();
  await tf.ready();
  const a = tf.tensor2d([[1, 2], [3, 4]]);
  const x = tf.range(0, 16).reshape([1, 4, 4, 1]);
  const report = {
    backend: tf.getBackend(),
    threads: tf.getThreadsCount(),
    fallbackReason: tf.backendInfo().fallbackReason,
    matMul: await rounded(tf.matMul(a, a)),
    pointwise: await rounded(a.mul(2).sub(3).relu().sqrt()),
    softmax: await rounded(tf.softmax(a)),
    conv: await rounded(tf.conv2d(x, tf.ones([3, 3, 1, 1]), 1, 'valid')),
    large: await rounded(tf.matMul(tf.ones([128, 256]), tf.ones([256, 192])).mean()),
    // Relaxed minima and maxima of x86 drop NaN; Node never runs that build.
    nan: Array.from(await tf.matMul(tf.fill([4, 4], NaN), a.tile([2, 2])).relu().data()).every(Number.isNaN),
    nanOfMaps: Array.from(await tf.stack(['tanh', 'log', 'log1p'].map((op) => tf.fill([9], NaN)[op]())).data()).every(Number.isNaN),
    logarithms: Array.from(await tf.log([0, -1, Infinity, NaN, 1, -0]).data()).join(),
    nanOfRow: Array.from(await tf.tensor1d([...Array(50).keys(), NaN, 1]).exp().max().data()).every(Number.isNaN),
    gradient: await rounded(tf.grad((v) => v.pow(3).sum())(a)),
  };

  const model = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [1] })] });
  model.compile({ optimizer: tf.train.sgd(0.1), loss: 'meanSquaredError' });
  const xs = tf.tensor2d([-1, 0, 1, 2], [4, 1]);
  await model.fit(xs, xs.mul(2).add(1), { epochs: 200, shuffle: false, verbose: 0 });
  report.line = await rounded(model.predict(tf.tensor2d([[10]])));

  // When kernels ran, by the engine's own clock; or that it has none.
  const { kernelMs, wallMs } = await tf.time(() => a.matMul(a).softmax());
  report.time = { kernelMs, wallMs };
  report.kernels = typeof kernelMs === 'number' ? (await tf.trace(() => a.matMul(a).softmax())).events : [];
  return report;
}
