import * as tf from 'headwater';
import { selectEngine } from './engine.js';
import { DIRECTIONS } from './game/direction.js';
import { Learner } from './learner.js';
import type { Calls, CallName, Request, WorkerMessage } from './protocol.js';

const post = (message: WorkerMessage, transfer: Transferable[] = []): void =>
  globalThis.postMessage(message, { transfer });

const MODEL_URL = new URL('assets/mobilenet_v2_uint8/model.json', import.meta.url).href;
const learner = new Learner(MODEL_URL, DIRECTIONS.length, (event) => post({ kind: 'event', event }));

type Handlers = {
  [Name in CallName]: (args: Calls[Name]['args']) => Promise<Calls[Name]['result']>;
};

const handlers: Handlers = {
  useEngine: ({ preference }) => learner.acrossEngines(() => selectEngine(preference)),
  loadFeatures: async () => {
    await learner.loadFeatures();
    return null;
  },
  addSamples: ({ classes, frames }) => learner.addSamples(classes, frames),
  clearSamples: async ({ classIndex }) => learner.clearSamples(classIndex),
  train: ({ settings, gestures }) => learner.train(settings, gestures),
  stopTraining: async () => {
    learner.stopTraining();
    return null;
  },
  predict: ({ frame }) => learner.predict(frame),
  restoreHead: () => learner.restoreHead(),
  forgetHead: async () => {
    await learner.forgetHead();
    return null;
  },
  exportHead: () => learner.exportHead(),
  memory: async () => {
    const { numTensors, numBytes } = tf.memory();
    return { numTensors, numBytes };
  },
};

async function answer({ id, name, args }: Request): Promise<void> {
  try {
    // Name and arguments belong together by the type of a request.
    const handler = handlers[name] as (args: unknown) => Promise<unknown>;
    post({ kind: 'reply', id, result: await handler(args) });
  } catch (error) {
    post({ kind: 'failure', id, message: error instanceof Error ? error.message : String(error) });
  }
}

/** Calls are carried out one after the other; only a stop must not wait for what it stops. */
let queue: Promise<void> = Promise.resolve();
globalThis.addEventListener('message', ({ data }: MessageEvent<Request>) => {
  if (data.name === 'stopTraining') void answer(data);
  else queue = queue.then(() => answer(data));
});
