/** What the page and the worker say to each other. Types only. */

/** The engine asked for; `auto` leaves the choice to the worker. */
export type EnginePreference = 'auto' | 'cpu' | 'webgpu';

/** The engine that runs, and why it is not another one. */
export interface EngineReport {
  readonly preference: EnginePreference;
  readonly active: 'cpu' | 'webgpu';
  /** Threads of the CPU engine; null on the GPU. */
  readonly threads: number | null;
  /** Name of the GPU; null on the CPU. */
  readonly adapter: string | null;
  /** Why the engine asked for, or more threads, could not be had; null when all is as asked. */
  readonly fallback: string | null;
}

export interface TrainSettings {
  readonly learningRate: number;
  readonly epochs: number;
  readonly batchSize: number;
  readonly hiddenUnits: number;
}

/** What is stored with a trained head. */
export interface HeadInfo {
  /** The user's name for each class's gesture, in class order; empty where none was given. */
  readonly gestures: readonly string[];
  /** Samples of each class it was trained on. */
  readonly counts: readonly number[];
  /** ISO date and time of training. */
  readonly trainedAt: string;
  /** Accuracy on the samples kept out of training; null when there were too few. */
  readonly heldOutAccuracy: number | null;
}

export interface EpochLogs {
  readonly epoch: number;
  readonly epochs: number;
  readonly loss: number;
  readonly accuracy: number;
  readonly heldOutLoss: number | null;
  readonly heldOutAccuracy: number | null;
}

export interface TrainResult {
  readonly info: HeadInfo;
  /** Epochs finished; fewer than asked for when training was stopped. */
  readonly epochs: number;
  readonly seconds: number;
  /** Why the head could not be stored, or null when it was. */
  readonly saveError: string | null;
}

/** A saved head: the parts of a model file pair. */
export interface HeadFiles {
  readonly modelTopology: object;
  readonly weightSpecs: object[];
  readonly weightData: ArrayBuffer;
  readonly userDefinedMetadata: object;
}

/** Sample counts, one a class. */
export type Counts = readonly number[];

/** The calls the page makes and what the worker answers. */
export interface Calls {
  /** Selects an engine; samples and head move over. */
  useEngine: { args: { preference: EnginePreference }; result: EngineReport };
  /** Fetches the feature model if it is not there yet. */
  loadFeatures: { args: object; result: null };
  /** Embeds frames and keeps the embeddings as samples of the classes named one by one. */
  addSamples: { args: { classes: number[]; frames: ImageBitmap[] }; result: Counts };
  clearSamples: { args: { classIndex: number }; result: Counts };
  train: { args: { settings: TrainSettings; gestures: string[] }; result: TrainResult };
  /** Ends training after the current batch; what was learnt stays. */
  stopTraining: { args: object; result: null };
  /** Probability of each class. */
  predict: { args: { frame: ImageBitmap }; result: number[] };
  /** Loads the stored head; null when there is none. */
  restoreHead: { args: object; result: HeadInfo | null };
  /** Deletes the head here and in storage. */
  forgetHead: { args: object; result: null };
  exportHead: { args: object; result: HeadFiles };
  /** Tensors and bytes alive in the worker. */
  memory: { args: object; result: { numTensors: number; numBytes: number } };
}

export type CallName = keyof Calls;

/** A call on its way to the worker. */
export type Request = {
  [Name in CallName]: { id: number; name: Name; args: Calls[Name]['args'] };
}[CallName];

/** What comes back: one reply a call, and events in between. */
export type WorkerMessage =
  | { kind: 'reply'; id: number; result: unknown }
  | { kind: 'failure'; id: number; message: string }
  | { kind: 'event'; event: WorkerEvent };

export type WorkerEvent =
  | { name: 'modelProgress'; fraction: number }
  | { name: 'batch'; epoch: number; batch: number; batches: number; epochs: number }
  | { name: 'epoch'; logs: EpochLogs };
