import * as tf from 'headwater';
import { adapterOf } from './tfjs-api.js';

export async function start({ backend }) {
  if (!(await tf.setBackend(backend))) throw new Error(tf.backendInfo().fallbackReason);
  await tf.ready();
  return `Headwater, ${tf.getBackend()}, threads: ${backend === 'cpu' ? tf.getThreadsCount() : '-'}`;
}

/** Headwater records calls: running what is recorded after each call leaves nothing out that a reader would have waited for. */
const force = () => tf.engine().flush();

export const { kernel, model, training } = adapterOf(tf, force);
