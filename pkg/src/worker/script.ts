// The script of a worker that serves models. It listens before it imports the package, which takes its time.

import { nodeModule } from '../node-module.js';
import type { Settings } from './protocol.js';

const serve = async (settings: Settings): Promise<void> => {
  (globalThis as { headwater?: Settings }).headwater = settings;
  const { serveModels } = await import('./index.js');
  await serveModels();
};

if (typeof process !== 'undefined' && process.versions?.node !== undefined) {
  void nodeModule<typeof import('node:worker_threads')>('worker_threads').then(({ workerData }) => serve((workerData as { settings: Settings }).settings));
} else {
  addEventListener('message', ({ data }: MessageEvent<{ settings: Settings }>) => void serve(data.settings), { once: true });
}
