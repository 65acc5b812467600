// A network of the size that learns MNIST trains in the page or, with `where=worker`, beside it, while a clock turns.
import * as tf from 'headwater';
import { inWorker } from 'headwater/worker';
import { answer } from './answer.js';

/** Steps of a loop that takes 20 ms of work on the machine that this was written on. */
const LOOP = 3e6;
const query = new URLSearchParams(location.search);
const state = document.querySelector('#state');

const tasks = [];
new PerformanceObserver((list) => tasks.push(...list.getEntries().map(({ startTime, duration }) => ({ startTime, duration })))).observe({ type: 'longtask' });

let frames = 0;
requestAnimationFrame(function turn(time) {
  frames += 1;
  document.querySelector('#clock').style.setProperty('--turn', (time / 2000) % 1);
  requestAnimationFrame(turn);
});

function network() {
  const model = tf.sequential({
    layers: [
      tf.layers.conv2d({ inputShape: [28, 28, 1], kernelSize: 3, filters: 16, activation: 'relu' }),
      tf.layers.maxPooling2d({ poolSize: 2 }),
      tf.layers.conv2d({ kernelSize: 3, filters: 32, activation: 'relu' }),
      tf.layers.maxPooling2d({ poolSize: 2 }),
      tf.layers.flatten(),
      tf.layers.dense({ units: 64, activation: 'relu' }),
      tf.layers.dense({ units: 10, activation: 'softmax' }),
    ],
  });
  model.compile({ optimizer: 'adam', loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
  return model;
}

/** Work of a fixed length, several times, each in a task of its own: what it takes tells how fast the machine is. */
async function loop() {
  const start = performance.now();
  for (let i = 0; i < 5; i++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    let sum = 0;
    for (let n = 1; n < LOOP; n++) sum += Math.sqrt(n) % 3;
    state.textContent = `${sum}`;
  }
  performance.measure('loop', { start, end: performance.now() });
}

await answer(async (backend) => {
  await tf.setBackend(backend);
  const worker = query.get('where') === 'worker';
  const samples = Number(query.get('samples') ?? 640);
  tf.setSeed(1);
  const model = network();
  const x = tf.randomUniform([samples, 28, 28, 1], 0, 1, 'float32', 1);
  const y = tf.oneHot(tf.range(0, samples, 1, 'int32').mod(tf.scalar(10, 'int32')).toInt(), 10).toFloat();
  await Promise.all([x.data(), y.data()]);
  const remote = worker ? await inWorker(model) : null;
  await loop();
  // What came before is not counted.
  await new Promise((resolve) => setTimeout(resolve, 200));
  tasks.length = 0;
  const onEpochEnd = (epoch, logs) => {
    state.textContent = `epoch ${epoch + 1}, ${worker ? 'in a worker' : 'in the page'} on ${backend}: ${Object.entries(logs).map(([name, value]) => `${name} ${value.toFixed(4)}`).join(', ')}`;
  };
  const start = performance.now();
  const before = frames;
  const { history } = await (remote ?? model).fit(x, y, { epochs: Number(query.get('epochs') ?? 3), batchSize: Number(query.get('batch') ?? 32), validationSplit: 0.2, callbacks: { onEpochEnd } });
  const took = performance.now() - start;
  const drawn = frames - before;
  performance.measure('training', { start, end: start + took });
  // The observer is told a little later.
  await new Promise((resolve) => setTimeout(resolve, 200));
  const report = {
    backend: (remote?.backend ?? tf.backendInfo()).name, threads: (remote?.backend ?? tf.backendInfo()).threads, tasks: tasks.map((t) => ({ at: t.startTime - start, duration: t.duration })),
    took, frames: drawn, history,
    weights: (await Promise.all(model.getWeights().map((w) => w.data()))).map((w) => w.reduce((sum, v, i) => sum + v * ((i % 7) + 1), 0)),
  };
  remote?.terminate();
  return report;
});
