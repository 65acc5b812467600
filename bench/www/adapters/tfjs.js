import * as tf from '@tensorflow/tfjs';
import { getThreadsCount, setThreadsCount, setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import '@tensorflow/tfjs-backend-webgpu';
import { adapterOf } from './tfjs-api.js';

export async function start({ backend, threads }) {
  if (backend === 'wasm') {
    setWasmPaths('/bench/node_modules/@tensorflow/tfjs-backend-wasm/dist/');
    setThreadsCount(threads);
    if (threads === 1) tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
  }
  await tf.setBackend(backend);
  await tf.ready();
  const parallel = backend === 'wasm' && (await tf.env().getAsync('WASM_HAS_MULTITHREAD_SUPPORT'));
  return `TensorFlow.js ${tf.version.tfjs}, ${tf.getBackend()}, threads: ${parallel ? getThreadsCount() : 1}`;
}

export const { kernel, model, training } = adapterOf(tf, () => {});
