/** What pages and their workers send each other. */

import type * as tf from '../index.js';
import type { Compiled } from './compile.js';
import type { Hook } from './hooks.js';
import type { State } from './state.js';
import type { PackedTensor } from './tensors.js';

/** The first thing that the package's own script of a worker gets: what it says before it imports the package. */
export interface Settings {
  wasmPath?: string;
  threads?: number;
}

/** Call `open`: what a model is made of. */
export interface Opening {
  topology: string;
  /** How many losses functions of the page add. */
  losses: number;
  modules: string[];
  backend: string;
}

export interface Opened {
  backend: tf.BackendInfo;
}

/** Call `update`: the page's model as it is. */
export interface Update {
  compiled: Compiled | null;
  /** Of the model, and of each layer. */
  trainable: boolean[];
  trainableWeights: boolean[];
  state: State;
}

/** Call `event`, of the worker: something that the page's callbacks may want to know. */
export interface Event {
  hook: Hook;
  args: unknown[];
  /** What callbacks are told before training begins. */
  params?: Record<string, unknown>;
  state?: State;
}

/** What callbacks have changed. */
export interface Answer {
  rate?: number;
  weights: [place: number, value: PackedTensor][];
}
