/** Training that goes on after an interruption. */

import { decodeWeights, encodeWeights, concatenateArrayBuffers, getLoadHandlers, getSaveHandlers, type IOHandler, type ModelArtifacts } from '../../io/index.js';
import type { Optimizer } from '../../optimizers.js';
import { currentSeed, setSeed } from '../../random.js';
import { dispose, keep, type Tensor, tidy } from '../../tensor.js';
import { coded } from '../../types.js';
import { Callback, type CustomCallbackArgs, type Moment, type State } from '../callbacks.js';
import type { LayersModel } from '../model.js';
import type { Batch, Run } from '../training.js';
import { packed, unpacked } from './state.js';

export interface BackupAndRestoreArgs {
  /** Saves after every epoch, or after every so many batches; 'epoch' by default. */
  saveFreq?: 'epoch' | number;
  /** Whether the checkpoint is deleted when training has come to its end; true by default. */
  deleteCheckpoint?: boolean;
  verbose?: number;
}

/** What is stored besides weights. */
interface Checkpoint {
  version: 1;
  /** Of all bytes of tensors. */
  checksum: number;
  /** The classes of the layers, and what each carries. */
  layers: { className: string; trainable: boolean; state: State }[];
  /** What an optimizer keeps as a whole, and of each of the model's weights. */
  optimizer: { className: string; rate: number | null; own: { [name: string]: Tensor }; slots: { [name: string]: Tensor }[] };
  callbacks: State[];
  /** Where training is. `seed` is that of the epoch's beginning, `next` that of what follows. */
  position: { epoch: number; batch: number; seen: number; sums: Tensor[]; steps: number | null; seed: number; next: number; stopped: boolean };
  source: State;
}

/** The name of a checkpoint among a model's metadata. */
const KEY = 'headwaterTraining';

/**
 * Saves all that training needs to go on, and goes on where it was when a checkpoint is there as `fit` or `fitDataset`
 * begins: a program that is ended at any time and started again comes to the same weights, on the CPU engine bit for bit.
 *
 * ```js
 * const backup = tf.callbacks.backupAndRestore('indexeddb://run', { saveFreq: 100 });
 * await model.fit(x, y, { epochs: 10, callbacks: [backup, tf.callbacks.earlyStopping()] });
 * ```
 *
 * The second program builds the same model and calls `fit` with the same data and callbacks. A checkpoint holds weights, what
 * the optimizer keeps and its rate, what layers carry (states, seeds, `trainable`), the seed that all draws without a seed
 * come from, the epoch, the batch and its sums of losses and metrics, the history, the states of callbacks that have
 * `getState` and `setState`, and what data sets are shuffled by; the batches of a data set that were done are read again and
 * left out. Data sets of `func`, and generators that give other elements when they are called again, do not go on where they
 * were; nor does what is drawn from `Math.random`.
 *
 * A training that its `signal` ends is saved at that step, and goes on from there when it is called again. Where a storage can,
 * it replaces a checkpoint at once: files in Node and IndexedDB do. A checkpoint is a model too, which `loadLayersModel` loads.
 */
export class BackupAndRestore extends Callback {
  private readonly where: string;
  private readonly from: IOHandler | undefined;
  private readonly to: IOHandler | undefined;
  private readonly every: number;
  private batches = 0;
  private run: Run | null = null;
  /** Whether the state at the signal's end is saved: what follows belongs to no batch. */
  private suspended = false;

  constructor(
    to: string | IOHandler,
    private readonly args: BackupAndRestoreArgs = {},
  ) {
    super();
    const { saveFreq = 'epoch', deleteCheckpoint = true } = args;
    if (saveFreq !== 'epoch' && !(Number.isInteger(saveFreq) && saveFreq > 0)) {
      throw coded('argument', `BackupAndRestore: saveFreq is 'epoch' or a positive integer, but got ${String(saveFreq)}.`);
    }
    this.every = saveFreq === 'epoch' ? Infinity : saveFreq;
    this.where = typeof to === 'string' ? to : 'the handler';
    [this.from, this.to] = typeof to === 'string' ? [getLoadHandlers(to)[0], getSaveHandlers(to)[0]] : [to, to];
    if (!this.to?.save || !this.from?.load) throw coded('argument', `BackupAndRestore needs a URL or a handler that models are saved to and loaded from, but got ${String(to)}.`);
    if (deleteCheckpoint && !this.to.remove) throw coded('argument', `BackupAndRestore: ${this.where} has no remove(), which deleteCheckpoint needs.`);
  }

  async onCheckpoint(run: Run, at: Moment): Promise<void> {
    if (at === 'begin') {
      Object.assign(this, { run, batches: 0, suspended: false });
      return this.restore(run);
    }
    const aborted = run.signal?.aborted === true;
    if (at === 'batch') this.batches += 1;
    const due = at === 'epoch' ? this.every === Infinity : this.batches % this.every === 0;
    // An epoch that has been stopped within is saved at its end.
    if (!(due || aborted) || this.suspended || run.batch === 0 || (at === 'batch' && run.model.stopTraining)) return;
    this.suspended = aborted;
    await this.to?.save?.(await artifactsOf(run, at));
    if (this.args.verbose) console.log(`BackupAndRestore: saved epoch ${run.epoch}, batch ${run.batch - 1} to ${this.where}.`);
  }

  override async onTrainEnd(): Promise<void> {
    if (this.args.deleteCheckpoint !== false && !this.run?.signal?.aborted) await this.to?.remove?.();
    this.run = null;
  }

  private async restore(run: Run): Promise<void> {
    const artifacts = await this.from?.load?.().catch((error) => {
      if (error?.code === 'missing') return null;
      throw error;
    });
    // A handler of one's own may give nothing where there is nothing.
    if (artifacts == null) return;
    try {
      await restoreFrom(artifacts, run);
    } catch (error) {
      if (error instanceof Error) error.message = `BackupAndRestore: training cannot go on from ${this.where}: ${error.message}`;
      throw error;
    }
    if (this.args.verbose) console.log(`BackupAndRestore: going on at epoch ${run.epoch}, batch ${run.batch} from ${this.where}.`);
  }
}

type Keeper = CustomCallbackArgs & Required<Pick<CustomCallbackArgs, 'getState' | 'setState'>>;
const keepers = (run: Run): Keeper[] => run.callbacks.list.filter((c): c is Keeper => c.getState !== undefined && c.setState !== undefined);

/** A sum by which bytes that were cut off or mixed up are found (FNV-1a, of words). */
function checksumOf(bytes: ArrayBuffer): number {
  const whole = bytes.byteLength & ~3;
  let sum = 0x811c9dc5;
  for (const part of [new Uint32Array(bytes, 0, whole / 4), new Uint8Array(bytes, whole)]) {
    for (let i = 0; i < part.length; i++) sum = Math.imul(sum ^ (part[i] as number), 0x01000193);
  }
  return sum >>> 0;
}

/** A model that anyone can load, with what training needs among its metadata. */
async function artifactsOf(run: Run, at: Moment): Promise<ModelArtifacts> {
  const { model, data } = run;
  const within = at === 'batch';
  const seed = currentSeed();
  const position: Checkpoint['position'] = {
    epoch: within ? run.epoch : run.epoch + 1,
    batch: within ? run.batch : 0,
    seen: within ? run.seen : 0,
    sums: within ? run.sums : [],
    steps: data.steps,
    seed: within ? run.seed : seed,
    next: seed,
    stopped: model.stopTraining,
  };
  const optimizer = await optimizerState(model, model.checkCompiled());
  const layers = model.flattenLayers().map((layer) => ({ className: layer.getClassName(), trainable: layer.trainable, state: layer.getState() }));
  const tensors: Tensor[] = [];
  const pack = (state: unknown, owner = 'training'): any => packed(state as State, tensors, owner);
  const state = {
    version: 1,
    position: pack(position),
    optimizer: pack(optimizer),
    layers: layers.map((layer) => pack(layer, `a ${layer.className} layer`)),
    callbacks: await Promise.all(keepers(run).map(async (callback) => pack(await callback.getState(), `the callback ${callback.constructor.name}`))),
    source: pack(data.source?.getState()),
  };
  const names = new Set<string>();
  const weights = model.orderedWeights.map(({ name, variable }, i) => {
    // Models within a model may have layers of the same name.
    const unique = names.has(name) ? `${name}/${i}` : name;
    names.add(unique);
    return { name: unique, tensor: variable };
  });
  const [ofModel, others] = await Promise.all([
    encodeWeights(weights, 'model'),
    encodeWeights(tensors.map((tensor, i) => ({ name: `training/${i}`, tensor })), 'optimizer'),
  ]);
  dispose(optimizer.own);
  const weightData = concatenateArrayBuffers([ofModel.data, others.data]);
  return {
    modelTopology: model.toJSON(null, false) as object,
    format: 'layers-model',
    generatedBy: 'headwater 0.1.0',
    convertedBy: null,
    weightSpecs: [...ofModel.specs, ...others.specs],
    weightData,
    userDefinedMetadata: { ...model.getUserDefinedMetadata(), [KEY]: { ...state, checksum: checksumOf(weightData) } },
  };
}

/** What an optimizer keeps. Its own tensors, those of no variable, are made for the call. */
async function optimizerState(model: LayersModel, optimizer: Optimizer): Promise<Checkpoint['optimizer']> {
  const kept = await optimizer.getWeights();
  const of = (variable: string): { [name: string]: Tensor } => {
    const own = kept.filter(({ name }) => name.slice(0, Math.max(0, name.lastIndexOf('/'))) === variable);
    return Object.fromEntries(own.map(({ name, tensor }) => [name.slice(name.lastIndexOf('/') + 1), tensor]));
  };
  const { learningRate: rate } = optimizer.getConfig();
  return { className: optimizer.getClassName(), rate: typeof rate === 'number' ? rate : null, own: of(''), slots: model.orderedWeights.map(({ variable }) => of(variable.name)) };
}

/** An error where what is stored is not what is there. */
function expect(what: string, found: unknown, expected: unknown): void {
  if (found !== expected) throw coded('format', `it is of another training: ${what} was ${String(found)}, but here it is ${String(expected)}.`);
}

async function restoreFrom(artifacts: ModelArtifacts, run: Run): Promise<void> {
  const json = (artifacts.userDefinedMetadata as { [KEY]?: Checkpoint } | undefined)?.[KEY];
  const { weightData = new ArrayBuffer(0), weightSpecs = [] } = artifacts;
  if (json === undefined) throw coded('format', 'a model is stored there, but no training.');
  expect('the version of the format', json.version, 1);
  const bytes = concatenateArrayBuffers(weightData);
  if (checksumOf(bytes) !== json.checksum) throw coded('format', 'what is stored there is damaged: the checksum of its tensors differs.');
  const tensors = Object.values(decodeWeights(bytes, weightSpecs));
  try {
    const count = weightSpecs.filter(({ group }) => group === 'model').length;
    await restoreState(unpacked(json, tensors.slice(count)), tensors.slice(0, count), run);
  } finally {
    dispose(tensors);
  }
}

async function restoreState({ layers, optimizer, callbacks, position, source }: Checkpoint, weights: Tensor[], run: Run): Promise<void> {
  const { model, data } = run;
  const [ownOptimizer, ownLayers, ownWeights, ownCallbacks] = [model.checkCompiled(), model.flattenLayers(), model.orderedWeights, keepers(run)];
  // Nothing is changed before all is known to fit.
  expect('the number of layers', layers.length, ownLayers.length);
  layers.forEach(({ className }, i) => expect(`layer ${i}`, className, ownLayers[i]?.getClassName()));
  expect('the number of weights', weights.length, ownWeights.length);
  weights.forEach((w, i) => expect(`weight ${i}, ${ownWeights[i]?.name},`, `${w.dtype} [${w.shape}]`, `${ownWeights[i]?.dtype} [${ownWeights[i]?.shape}]`));
  expect('the optimizer', optimizer.className, ownOptimizer.getClassName());
  expect('the number of callbacks with a state', callbacks.length, ownCallbacks.length);
  expect('the number of batches of an epoch', position.steps, data.steps);
  expect('the data', source === undefined ? 'tensors' : 'a data set', data.source === undefined ? 'tensors' : 'a data set');

  const { epoch, batch, seen, seed, next, stopped } = position;
  // Told first, so that what this changes is as it was.
  if (batch > 0) await run.callbacks.each('onEpochBegin', epoch);
  data.source?.setState(source);
  tidy(() => {
    ownWeights.forEach((w, i) => w.write(weights[i] as Tensor));
    ownLayers.forEach((layer, i) => {
      const { trainable, state } = layers[i] as Checkpoint['layers'][0];
      layer.trainable = trainable;
      layer.setState(state);
    });
  });
  const named = (own: { [name: string]: Tensor }, prefix: string) => Object.entries(own).map(([name, tensor]) => ({ name: prefix + name, tensor }));
  await ownOptimizer.setWeights([...named(optimizer.own, ''), ...optimizer.slots.flatMap((own, i) => named(own, `${ownWeights[i]?.variable.name}/`))]);
  if (optimizer.rate !== null) ownOptimizer.setLearningRate(optimizer.rate);
  for (const [i, callback] of ownCallbacks.entries()) await callback.setState(callbacks[i]);
  model.stopTraining = stopped;
  Object.assign(run, { epoch, batch, seen, sums: position.sums.map((sum) => keep(sum.clone())) });
  setSeed(seed);
  if (batch > 0) run.left = (batches) => after(batches, batch, () => setSeed(next));
}

/** The batches after the first `done`, which are read and left out. Calls `reached` before the first that follows. */
async function* after(batches: Iterable<Batch> | AsyncIterable<Batch>, done: number, reached: () => void): AsyncGenerator<Batch, void> {
  let passed = 0;
  for await (const batch of batches) {
    if (passed >= done) yield batch;
    else if (++passed === done) reached();
  }
  if (passed < done) throw coded('argument', `BackupAndRestore: ${done} batches of the epoch were done, but the data has only ${passed}.`);
}
