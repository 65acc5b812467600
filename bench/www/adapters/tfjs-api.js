// What TensorFlow.js and Headwater share: one API, two libraries.
import { networkOf } from '../networks/api.js';
import { KERNELS, PICTURE_SHAPE, meanMagnitude, picture, sizeOf, uniform } from '../work.js';

/**
 * @param tf the library
 * @param {() => unknown} force starts all work recorded so far. TensorFlow.js needs none; a lazy library does after every
 *   call, or it could leave out results that nobody reads.
 */
export function adapterOf(tf, force) {
  /** Resolves when `y` and what was started before it is computed: on the CPU it is. On a GPU one element is read. */
  async function finished(y) {
    if (!/^web/.test(tf.getBackend())) return;
    const element = tf.tidy(() => tf.slice(tf.reshape(y, [-1]), [0], [1]));
    await element.data();
    element.dispose();
  }

  const FUNCTIONS = {
    matmul: () => (a, b) => tf.matMul(a, b),
    conv2d: (kernel) => (x) => tf.conv2d(x, kernel, 1, 'same'),
    depthwise: (kernel) => (x) => tf.depthwiseConv2d(x, kernel, 1, 'same'),
    sum: () => (x) => tf.sum(x),
    softmax: () => (x) => tf.softmax(x),
  };
  const tensor = (shape, scale) => tf.tensor(uniform(sizeOf(shape), scale), shape);

  async function kernel(name) {
    const { family, shapes, kernelShape, kernelScale } = KERNELS[name];
    const inputs = shapes.map((shape) => tensor(shape));
    const weights = kernelShape && tensor(kernelShape, kernelScale);
    const call = family === 'elementwise' ? tf[name] : FUNCTIONS[family](weights);
    return {
      async run(count) {
        const start = performance.now();
        let y;
        for (let index = 0; index < count; index++) {
          y?.dispose();
          y = call(...inputs);
          force();
        }
        await finished(y);
        const ms = (performance.now() - start) / count;
        y.dispose();
        return ms;
      },
      async check() {
        const y = call(...inputs);
        const mean = meanMagnitude(await y.data());
        y.dispose();
        return mean;
      },
      dispose: () => [...inputs, weights].forEach((tensor) => tensor?.dispose()),
    };
  }

  async function model() {
    const graph = tf.loadGraphModel !== undefined;
    const load = graph ? tf.loadGraphModel : tf.loadLayersModel;
    const net = await load(`/.assets/bench/mobilenet-${graph ? 'graph' : 'layers'}/model.json`);
    const x = tf.tensor(picture(), PICTURE_SHAPE);
    const call = () => tf.tidy(() => (graph ? net.execute(x) : net.predict(x)));
    const values = async () => {
      const y = call();
      const result = await y.data();
      y.dispose();
      return result;
    };
    return {
      async run(count) {
        const start = performance.now();
        for (let index = 0; index < count; index++) await values();
        return (performance.now() - start) / count;
      },
      check: async () => meanMagnitude(await values()),
      dispose() {
        x.dispose();
        net.dispose();
      },
    };
  }

  const training = async (name, network) => networkOf(tf, finished, name, network);

  return { kernel, model, training };
}
