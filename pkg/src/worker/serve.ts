/** Models of a page, in a worker. */

import * as tf from '../index.js';
import { nodeModule } from '../node-module.js';
import { coded } from '../types.js';
import { Channel, packet, type Port } from './channel.js';
import { compile, type Functions } from './compile.js';
import { HOOKS, type Hook } from './hooks.js';
import type { Answer, Event, Opened, Opening, Update } from './protocol.js';
import { isNode } from './spawn.js';
import { readState, write, writeState } from './state.js';
import { pack, unpack } from './tensors.js';

/** The worker's end. */
async function port(): Promise<Port> {
  if (!isNode) {
    const scope = globalThis as unknown as Worker;
    return {
      post: (message, transfer) => scope.postMessage(message, transfer),
      listen: (handler) => scope.addEventListener('message', ({ data }) => handler(data)),
    };
  }
  const { parentPort } = await nodeModule<typeof import('node:worker_threads')>('worker_threads');
  if (parentPort === null) throw coded('argument', 'serveModels() is for workers.');
  return { post: (message, transfer) => parentPort.postMessage(message, transfer), listen: (handler) => parentPort.on('message', handler) };
}

/** What modules export. */
async function imported(urls: string[]): Promise<Functions> {
  const functions: Functions = {};
  for (const url of urls) {
    const { default: main, ...exports } = (await import(/* @vite-ignore */ /* webpackIgnore: true */ url)) as Functions;
    Object.assign(functions, exports, typeof main === 'function' ? await main(tf) : main);
  }
  return functions;
}

/**
 * Lets the page of this worker train models here: what the script of a worker of one's own calls once, after it has registered what classes
 * the models need. `functions` has losses, metrics and makers of data sets by the names that the page uses.
 */
export async function serveModels(functions: Functions = {}): Promise<void> {
  let model: tf.LayersModel | null = null;
  let known = functions;
  let stopper: AbortController | null = null;
  const opened = (): tf.LayersModel => {
    if (model === null) throw coded('argument', 'The worker has no model.');
    return model;
  };

  const datasetOf = async ({ module, name, args = [] }: { module?: string; name: string; args?: unknown[] }): Promise<any> => {
    const make = { ...known, ...(module === undefined ? {} : await imported([module])) }[name];
    if (typeof make !== 'function') throw coded('argument', `The worker has no function '${name}' that makes a data set${module === undefined ? '' : `: ${module} does not export it`}.`);
    return make(tf, ...args);
  };

  /** Tells the page what happens, where it wants to know, and does what its callbacks did. */
  const teller = (hooks: Hook[]): tf.Callback => {
    const callback = new tf.Callback();
    const wanted = new Set<Hook>([...hooks, 'onTrainBegin', 'onEpochEnd', 'onTrainEnd']);
    for (const hook of HOOKS.filter((h) => wanted.has(h))) {
      const tell = async (...args: unknown[]): Promise<void> => {
        const transfer: ArrayBuffer[] = [];
        const event: Event = { hook, args };
        if (hook === 'onTrainBegin') event.params = callback.params;
        if (hook === 'onTrainEnd' || (hook === 'onEpochEnd' && hooks.includes(hook))) event.state = await readState(opened(), transfer);
        const { rate, weights } = (await channel.call('event', packet(event, transfer))) as Answer;
        const { optimizer, orderedWeights } = opened();
        if (rate !== undefined) optimizer?.setLearningRate(rate);
        for (const [i, value] of weights) write(orderedWeights[i] as tf.LayerVariable, value);
      };
      Object.assign(callback, { [hook]: tell });
    }
    return callback;
  };

  const train = async (hooks: Hook[], owned: unknown, fit: (args: Pick<tf.ModelFitArgs, 'callbacks' | 'signal'>) => Promise<unknown>): Promise<void> => {
    try {
      await fit({ callbacks: teller(hooks), signal: (stopper as AbortController).signal });
    } finally {
      stopper = null;
      tf.dispose(owned);
    }
  };

  const channel = new Channel(await port(), {
    async open({ topology, losses, modules, backend }: Opening) {
      known = { ...functions, ...(await imported(modules)) };
      await tf.setBackend(backend);
      model = await tf.models.modelFromJSON(topology);
      if (model.losses.length !== losses) throw coded('argument', 'Losses that addLoss() adds are functions, which cannot be sent to a worker: a layer of { modules } can add them there.');
      const answer: Opened = { backend: tf.backendInfo() };
      return packet(answer);
    },
    async update({ compiled, trainable, trainableWeights, state }: Update) {
      opened().flattenLayers().forEach((layer, i) => (layer.trainable = trainable[i] ?? true));
      opened().orderedWeights.forEach((w, i) => (w.trainable = trainableWeights[i] ?? true));
      if (compiled !== null) compile(opened(), compiled, known);
      await writeState(opened(), state);
      return packet();
    },
    async fit({ hooks, ...packed }) {
      stopper = new AbortController();
      const { x, y, args } = unpack(packed);
      await train(hooks, [x, y, args], (more) => opened().fit(x, y, { ...args, ...more }));
      return packet();
    },
    async fitDataset({ hooks, ...packed }) {
      stopper = new AbortController();
      const { dataset, args } = unpack(packed);
      const { validationData } = args;
      const remote = validationData !== undefined && !Array.isArray(validationData);
      const [data, validation] = [await datasetOf(dataset), remote ? await datasetOf(validationData) : validationData];
      await train(hooks, args, (more) => opened().fitDataset(data, { ...args, validationData: validation, ...more }));
      return packet();
    },
    async predict(packed) {
      const { x, args } = unpack(packed);
      return answered([x, args], opened().predict(x, args));
    },
    async evaluate(packed) {
      const { x, y, args } = unpack(packed);
      return answered([x, y, args], opened().evaluate(x, y, args));
    },
    stop: () => {
      stopper?.abort();
      return packet();
    },
  });
  channel.tell('ready');
}

/** Tensors as an answer; they and what they were made of are disposed. */
async function answered(inputs: unknown, results: tf.Tensor | tf.Tensor[]): Promise<{ value: unknown; transfer: ArrayBuffer[] }> {
  try {
    return await pack(results, 'result');
  } finally {
    tf.dispose([inputs, results]);
  }
}
