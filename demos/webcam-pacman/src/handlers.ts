import * as tf from 'headwater/lean';
import { selectEngine } from './engine.js';
import { DIRECTIONS } from './game/direction.js';
import { Learner } from './learner.js';
import { post } from './post.js';
import type { CallName, Calls } from './protocol.js';

const MODEL_URL = new URL('assets/mobilenet_v2_uint8/model.json', import.meta.url).href;
const learner = new Learner(MODEL_URL, DIRECTIONS.length, (event) => post({ kind: 'event', event }));

/** What the worker does at each call. */
export type Handlers = {
  [Name in CallName]: (args: Calls[Name]['args']) => Promise<Calls[Name]['result']>;
};

export const handlers: Handlers = {
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
