import * as tf from 'headwater';
import { adapterOf } from './tfjs-api.js';

export async function start({ backend }) {
  if (!(await tf.setBackend(backend))) throw new Error(tf.backendInfo().fallbackReason);
  await tf.ready();
  return `Headwater, ${tf.getBackend()}, threads: ${backend === 'cpu' ? tf.getThreadsCount() : '-'}`;
}

/** Headwater records calls: running what is recorded after each call leaves nothing out that a reader would have waited for. */
const force = () => tf.engine().flush();

/** On the CPU running is finishing. On the GPU one element is read: it comes after all work before it. */
async function finished(y) {
  if (tf.getBackend() !== 'webgpu') return;
  const element = tf.tidy(() => tf.slice(tf.reshape(y, [-1]), [0], [1]));
  await element.data();
  element.dispose();
}

export const { kernel, model, training } = adapterOf(tf, { force, finished });
