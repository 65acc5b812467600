/** A model in a worker, seen from the page. */

import * as tf from '../index.js';
import type { Fed } from '../layers/model.js';
import { coded } from '../types.js';
import { Channel, packet, type Packet } from './channel.js';
import { type Functions, readCompiled } from './compile.js';
import { hooksOf, type Listener } from './hooks.js';
import type { Answer, Event, Opened, Opening, Update } from './protocol.js';
import { type AnyWorker, open } from './spawn.js';
import { readState, writeState } from './state.js';
import { pack, packTensor, unpack } from './tensors.js';

export interface InWorkerOptions {
  /** The engine, as `tf.setBackend` takes it; that of the page by default. `RemoteModel.backend` tells which it became. */
  backend?: string;
  /** Threads of the CPU engine there; as many as the page was to have by default. */
  threads?: number;
  /**
   * Modules that the worker imports: their classes are registered there with `tf.serialization.registerClass`, and functions that they export serve as
   * losses, metrics and data sets by their names. If a module's default export is a function, it is called with the worker's `tf`, and what it returns counts as exports.
   */
  modules?: (string | URL)[];
  /** Names of losses and metrics that are functions, where their own names differ or will be lost by minification. */
  functions?: Functions;
  /** A worker of the program's own, whose script calls `serveModels`. */
  worker?: AnyWorker;
}

/** A data set that is made in the worker, of an exported function that gets `tf` and the arguments. */
export interface RemoteDataset {
  /** The module of the function; without it, the function is one of `InWorkerOptions.modules` or of `serveModels`. */
  module?: string | URL;
  name: string;
  args?: unknown[];
}

export interface RemoteFitDatasetArgs extends Omit<tf.ModelFitDatasetArgs, 'validationData'> {
  validationData?: RemoteDataset | [Fed, Fed];
}

/** Where modules are named from. */
const absolute = (url: string | URL): string => new URL(url, globalThis.document?.baseURI ?? globalThis.location?.href).href;

const source = ({ module, ...rest }: RemoteDataset): object => ({ ...rest, ...(module === undefined ? {} : { module: absolute(module) }) });

/** Whether a data set is of this side. */
function mustBeRemote(given: unknown, what: string): void {
  if (typeof (given as { iterator?: unknown } | null)?.iterator === 'function' || typeof (given as Partial<RemoteDataset> | null)?.name !== 'string') {
    throw coded('argument', `${what} cannot be sent to a worker. Give { module, name, args }: the URL of a module and the name of a function that it exports, which makes the data set there.`);
  }
}

/** The model of a page, trained and asked in a worker. */
export class RemoteModel {
  /** What was last known to be the same on both sides. */
  private same: unknown[] = [];
  /** Called with what training tells. */
  private listen: ((event: Event) => Promise<Packet>) | null = null;
  private readonly channel: Channel;
  /** What runs in the worker. */
  backend!: tf.BackendInfo;

  private constructor(
    /** The page's. */
    readonly model: tf.LayersModel,
    private readonly functions: Functions,
    private readonly worker: Awaited<ReturnType<typeof open>>,
  ) {
    const event = (value: Event): Promise<Packet> => {
      if (this.listen === null) throw coded('argument', 'Nothing is being trained.');
      return this.listen(value);
    };
    this.channel = new Channel(worker.port, { event }, worker.busy);
    worker.failed((error) => this.channel.close(error));
  }

  /** Starts a worker with a copy of the model. */
  static async open(model: tf.LayersModel, options: InWorkerOptions = {}): Promise<RemoteModel> {
    const { modules = [], functions = {}, backend = tf.getBackend(), threads } = options;
    const opening: Opening = { topology: model.toJSON() as string, losses: model.losses.length, modules: modules.map(absolute), backend };
    // Before the worker starts, so that what cannot be sent costs none.
    readCompiled(model, functions);
    const remote = new RemoteModel(model, functions, await open(options.worker, threads));
    try {
      const opened = (await remote.channel.call('open', packet(opening))) as Opened;
      remote.backend = opened.backend;
      await remote.update();
      return remote;
    } catch (error) {
      remote.terminate();
      throw error;
    }
  }

  /** What tells whether the page's model has changed. */
  private marks(): unknown[] {
    const { model } = this;
    return [model.compileArgs, model.optimizer?.iterations, ...model.orderedWeights.map((w) => w.variable.dataId)];
  }

  private get changed(): boolean {
    const marks = this.marks();
    return marks.length !== this.same.length || marks.some((mark, i) => mark !== this.same[i]);
  }

  /** Gives the worker the page's model as it is. */
  private async update(): Promise<void> {
    const { model } = this;
    const transfer: ArrayBuffer[] = [];
    const marks = this.marks();
    const update: Update = {
      compiled: readCompiled(model, this.functions),
      trainable: model.flattenLayers().map((layer) => layer.trainable),
      trainableWeights: model.orderedWeights.map((w) => w.trainable),
      state: await readState(model, transfer),
    };
    await this.channel.call('update', packet(update, transfer));
    this.same = marks;
  }

  /**
   * `model.fit` in the worker, with the same arguments: callbacks are called here, `model.stopTraining` and an AbortSignal end it, and the model of the page
   * ends with the weights, the optimizer and the history that training in the page would have given it. The model also has the weights
   * of the worker whenever the end of an epoch is told to a callback; weights and learning rates that callbacks change are changed there.
   */
  fit(x: Fed, y: Fed, args: tf.ModelFitArgs = {}): Promise<tf.History> {
    return this.train('fit', args, async (rest) => pack({ x, y, args: rest }, 'fit'));
  }

  /** `model.fitDataset` in the worker, on a data set that is made there. As `fit` otherwise. */
  async fitDataset(dataset: RemoteDataset, args: RemoteFitDatasetArgs): Promise<tf.History> {
    const validation = args?.validationData;
    mustBeRemote(dataset, 'A data set');
    if (validation !== undefined && !Array.isArray(validation)) mustBeRemote(validation, 'A data set');
    return this.train('fitDataset', args as tf.ModelFitArgs, async (rest) => {
      const validationData = validation === undefined || Array.isArray(validation) ? validation : source(validation);
      return pack({ dataset: source(dataset), args: { ...rest, validationData } }, 'fitDataset');
    });
  }

  private async train(method: 'fit' | 'fitDataset', args: tf.ModelFitArgs, data: (rest: object) => Promise<Packet>): Promise<tf.History> {
    const { model } = this;
    if (model.isTraining) throw coded('argument', 'Cannot start training because another fit() call is ongoing.');
    const { callbacks, signal, ...rest } = args ?? {};
    const history = new tf.History();
    const listeners = [history, ...(callbacks === undefined ? [] : [callbacks].flat())] as Listener[];
    const hooks = hooksOf(listeners);
    let failure: { error: unknown } | null = null;
    let running = false;
    let stopped = false;
    const stop = (): void => {
      stopped = true;
      if (running) this.channel.tell('stop');
    };
    this.listen = async (event) => {
      try {
        return await this.hear(event, listeners);
      } catch (error) {
        failure ??= { error };
        throw error;
      }
    };
    const release = watchStop(model, stop);
    signal?.addEventListener('abort', stop);
    if (signal?.aborted) stop();
    model.isTraining = true;
    model.history = history;
    try {
      await this.update();
      const { value, transfer } = await data(rest);
      const trained = this.channel.call(method, packet({ ...(value as object), hooks }, transfer));
      running = true;
      if (stopped) stop();
      await trained;
    } catch (error) {
      throw failure === null ? error : (failure as { error: unknown }).error;
    } finally {
      signal?.removeEventListener('abort', stop);
      release();
      this.listen = null;
      model.isTraining = false;
    }
    return history;
  }

  /** Calls the page's callbacks, and tells what they changed. */
  private async hear({ hook, args, params, state }: Event, listeners: Listener[]): Promise<Packet> {
    const { model } = this;
    if (params !== undefined) {
      for (const listener of listeners) {
        if (!(listener instanceof tf.Callback)) continue;
        listener.setModel(model);
        listener.setParams(params);
      }
    }
    if (state !== undefined) {
      await writeState(model, state);
      this.same = this.marks();
    }
    const weights = model.orderedWeights.map(({ variable }) => variable.dataId);
    const rateBefore = model.optimizer?.getConfig().learningRate;
    for (const listener of listeners) await (listener[hook] as ((...args: unknown[]) => unknown) | undefined)?.apply(listener, args);
    const answer: Answer = { weights: [] };
    const transfer: ArrayBuffer[] = [];
    const rate = model.optimizer?.getConfig().learningRate;
    if (rate !== rateBefore) {
      if (typeof rate !== 'number') throw coded('argument', 'While a worker trains, a learning rate can be set to a number.');
      answer.rate = rate;
    }
    for (const [i, { variable }] of model.orderedWeights.entries()) {
      if (variable.dataId !== weights[i]) answer.weights.push([i, await packTensor(variable, transfer)]);
    }
    return packet(answer, transfer);
  }

  private async ask(method: string, value: unknown): Promise<any> {
    if (!this.model.isTraining && this.changed) await this.update();
    return this.channel.call(method, await pack(value, method));
  }

  /** `model.predict` in the worker. */
  async predict(x: Fed, args: { batchSize?: number } = {}): Promise<tf.Tensor | tf.Tensor[]> {
    return unpack(await this.ask('predict', { x, args }));
  }

  /** `model.evaluate` in the worker. */
  async evaluate(x: Fed, y: Fed, args: tf.ModelEvaluateArgs = {}): Promise<tf.Tensor | tf.Tensor[]> {
    return unpack(await this.ask('evaluate', { x, y, args }));
  }

  /** Ends the worker; what it is doing fails. The page's model stays as it is. */
  terminate(): void {
    this.channel.close(coded('terminated', 'The worker was terminated.'));
    this.worker.terminate();
  }

  [Symbol.dispose](): void {
    this.terminate();
  }
}

/** Calls `stop` when the model is told to stop; returns what makes `stopTraining` an ordinary property again. */
function watchStop(model: tf.LayersModel, stop: () => void): () => void {
  let value = false;
  const property = { configurable: true, enumerable: true };
  Object.defineProperty(model, 'stopTraining', {
    ...property,
    get: () => value,
    set: (wanted: boolean) => {
      value = wanted;
      if (wanted) stop();
    },
  });
  return () => void Object.defineProperty(model, 'stopTraining', { ...property, writable: true, value });
}
