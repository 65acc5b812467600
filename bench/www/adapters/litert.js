import * as litert from '@litertjs/core';
import { KERNELS, PICTURE_SHAPE, meanMagnitude, picture, sizeOf, uniform } from '../work.js';

let options;

export async function start({ backend, threads }) {
  options = { accelerator: backend, ...(backend === 'wasm' && { cpuOptions: { numThreads: threads } }) };
  await litert.loadLiteRt('/bench/node_modules/@litertjs/core/wasm/', { threads: threads > 1 });
  return `LiteRT.js, ${backend}`;
}

const load = (name) => litert.loadAndCompile(`/.assets/bench/${name}.tflite`, options);
const onGpu = () => options.accelerator === 'webgpu';

/** The result on the CPU, which it reaches after all work before it. Frees what it is given. */
async function read(results) {
  const y = onGpu() ? await results[0].moveTo('wasm') : results[0];
  const values = y.toTypedArray().slice();
  y.delete();
  return values;
}

export async function kernel(name) {
  const { family, shapes } = KERNELS[name];
  const chained = family === 'elementwise';
  const once = await load(chained ? `${name}-x1` : name);
  const chain = chained ? await load(`${name}-x5`) : null;
  const declared = once.getInputDetails().map(({ shape }) => [...shape]);
  let inputs = shapes.map((shape, index) => new litert.Tensor(uniform(sizeOf(shape)), declared[index]));
  if (onGpu()) inputs = await Promise.all(inputs.map((input) => input.moveTo('webgpu')));

  async function time(net, count) {
    const start = performance.now();
    let results;
    for (let index = 0; index < count; index++) {
      results?.forEach((result) => result.delete());
      results = await net.run(inputs);
    }
    if (onGpu()) (await results[0].moveTo('wasm')).delete();
    else results.forEach((result) => result.delete());
    return (performance.now() - start) / count;
  }
  return {
    /** Element-wise work is dwarfed by copies in and out: four of a chain of five, by difference. */
    run: async (count) => (chain === null ? time(once, count) : ((await time(chain, count)) - (await time(once, count))) / 4),
    check: async () => meanMagnitude(await read(await once.run(inputs))),
    dispose: () => [...inputs, once, chain].forEach((object) => object?.delete()),
  };
}

export async function model() {
  const net = await load('mobilenet');
  const input = new litert.Tensor(picture(), PICTURE_SHAPE);
  const values = async () => read(await net.run([input]));
  return {
    async run(count) {
      const start = performance.now();
      for (let index = 0; index < count; index++) await values();
      return (performance.now() - start) / count;
    },
    check: async () => meanMagnitude(await values()),
    dispose() {
      input.delete();
      net.delete();
    },
  };
}
