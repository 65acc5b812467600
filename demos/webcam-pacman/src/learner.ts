import * as tf from 'headwater/lean';
import type {
  Counts,
  EpochLogs,
  HeadFiles,
  HeadInfo,
  TrainResult,
  TrainSettings,
  WorkerEvent,
} from './protocol.js';

/** Where the trained head is kept in the browser. */
const HEAD_URL = 'indexeddb://webcam-pacman-head';
/** Width of the feature model's `features` layer. */
const EMBEDDING = 1280;
/** Side of the square frames, in pixels. */
export const FRAME_SIZE = 224;
/** Every so-manieth sample of a class is kept out of training to measure accuracy on. */
const HELD_OUT_EVERY = 5;

/** What survives a change of engine. */
interface Snapshot {
  readonly samples: readonly Float32Array[][];
  readonly head: HeadFiles | null;
}

/** One set of inputs and one-hot targets. */
type Examples = {
  readonly x: tf.Tensor;
  readonly y: tf.Tensor;
  readonly count: number;
};

/**
 * Transfer learning from webcam frames: a fixed MobileNetV2 turns frames into embeddings, and a
 * small dense head trained on them tells the classes apart.
 */
export class Learner {
  private backbone: tf.LayersModel | null = null;
  private features: tf.LayersModel | null = null;
  private head: tf.LayersModel | null = null;
  /** One list a class of embeddings, each [1, 1280]. */
  private samples: tf.Tensor2D[][];

  constructor(
    private readonly modelUrl: string,
    private readonly classes: number,
    private readonly emit: (event: WorkerEvent) => void,
  ) {
    this.samples = Array.from({ length: classes }, () => []);
  }

  /** Samples of each class. */
  get counts(): Counts {
    return this.samples.map((list) => list.length);
  }

  /** Fetches the feature model, once, and runs it once, so that the first frame is not the slow one. */
  async loadFeatures(): Promise<void> {
    if (this.features !== null) return;
    const backbone = await tf.loadLayersModel(this.modelUrl, {
      onProgress: (fraction) => this.emit({ name: 'modelProgress', fraction }),
    });
    const features = tf.model({
      inputs: backbone.inputs,
      outputs: backbone.getLayer('features').output as tf.SymbolicTensor,
    });
    const warm = tf.tidy(() => features.predict(tf.zeros([1, FRAME_SIZE, FRAME_SIZE, 3])) as tf.Tensor);
    await warm.data();
    warm.dispose();
    this.backbone = backbone;
    this.features = features;
  }

  /** Embeds `frames` and keeps the embeddings as samples of the class given for each. */
  async addSamples(classes: readonly number[], frames: readonly ImageBitmap[]): Promise<Counts> {
    const rows = tf.tidy(() => tf.split(this.embed(frames), frames.length) as tf.Tensor2D[]);
    rows.forEach((row, index) => this.samples[classes[index] ?? -1]?.push(row));
    // Wait for the work itself, so that the page does not send frames faster than they are embedded.
    await rows.at(-1)?.data();
    return this.counts;
  }

  /** Forgets the samples of a class. */
  clearSamples(classIndex: number): Counts {
    tf.dispose(this.samples[classIndex] ?? []);
    this.samples[classIndex] = [];
    return this.counts;
  }

  /** Trains a new head on the samples and stores it; the head before it is dropped. */
  async train(settings: TrainSettings, gestures: string[]): Promise<TrainResult> {
    const started = performance.now();
    const training = this.examples((index) => !this.isHeldOut(index));
    const heldOut = this.examples((index) => this.isHeldOut(index));
    if (training === null) throw new Error('There is nothing to train on: collect some frames first.');

    const head = this.newHead(settings);
    let last: EpochLogs | null = null;
    try {
      const batches = Math.ceil(training.count / settings.batchSize);
      let current = 0;
      this.head?.dispose();
      this.head = head;
      await head.fit(training.x, training.y, {
        epochs: settings.epochs,
        batchSize: settings.batchSize,
        shuffle: true,
        ...(heldOut === null ? {} : { validationData: [heldOut.x, heldOut.y] as [tf.Tensor, tf.Tensor] }),
        callbacks: {
          onEpochBegin: (epoch: number) => {
            current = epoch;
          },
          onBatchEnd: (batch: number) => {
            const { epochs } = settings;
            this.emit({ name: 'batch', epoch: current, epochs, batch: batch + 1, batches });
          },
          onEpochEnd: (epoch: number, logs?: tf.Logs) => {
            last = epochLogs(epoch, settings.epochs, logs);
            this.emit({ name: 'epoch', logs: last });
          },
        },
      });
    } finally {
      tf.dispose([training, heldOut ?? []]);
    }
    // Assigned in a callback, which the compiler does not follow.
    const final = last as EpochLogs | null;
    const info: HeadInfo = {
      gestures,
      counts: this.counts,
      trainedAt: new Date().toISOString(),
      heldOutAccuracy: final?.heldOutAccuracy ?? null,
    };
    head.setUserDefinedMetadata({ ...info });
    return {
      info,
      epochs: final === null ? 0 : final.epoch + 1,
      seconds: (performance.now() - started) / 1000,
      saveError: await this.store(head),
    };
  }

  /** Makes a running `train` end after its current batch. */
  stopTraining(): void {
    if (this.head !== null) this.head.stopTraining = true;
  }

  /** The probability of each class for a frame. */
  async predict(frame: ImageBitmap): Promise<number[]> {
    const { head } = this;
    if (head === null) {
      frame.close();
      throw new Error('There is no trained head yet.');
    }
    const probabilities = tf.tidy(() => head.predict(this.embed([frame])) as tf.Tensor);
    try {
      return [...(await probabilities.data())];
    } finally {
      probabilities.dispose();
    }
  }

  /** Loads the stored head, if there is one that fits. */
  async restoreHead(): Promise<HeadInfo | null> {
    if (!(HEAD_URL in (await tf.io.listModels()))) return null;
    const head = await tf.loadLayersModel(HEAD_URL);
    const info = head.getUserDefinedMetadata() as HeadInfo | undefined;
    const fits = head.inputs[0]?.shape[1] === EMBEDDING && head.outputs[0]?.shape[1] === this.classes;
    if (!fits || info === undefined) {
      head.dispose();
      return null;
    }
    this.head?.dispose();
    this.head = head;
    return info;
  }

  /** Deletes the head here and in storage. */
  async forgetHead(): Promise<void> {
    this.head?.dispose();
    this.head = null;
    if (HEAD_URL in (await tf.io.listModels())) await tf.io.removeModel(HEAD_URL);
  }

  /** The head as the contents of its files. */
  async exportHead(): Promise<HeadFiles> {
    if (this.head === null) throw new Error('There is no trained head to export.');
    return headFiles(this.head);
  }

  /** Runs `change`, which may replace the engine, and brings samples, head and features over. */
  async acrossEngines<T>(change: () => Promise<T>): Promise<T> {
    const hadFeatures = this.features !== null;
    const snapshot = await this.takeSnapshot();
    const result = await change();
    this.samples = snapshot.samples.map((list) =>
      list.map((values) => tf.tensor2d(values, [1, EMBEDDING])),
    );
    if (snapshot.head !== null) {
      this.head = await tf.loadLayersModel(tf.io.fromMemory(snapshot.head as tf.io.ModelArtifacts));
    }
    if (hadFeatures) await this.loadFeatures();
    return result;
  }

  private async takeSnapshot(): Promise<Snapshot> {
    const samples = await Promise.all(
      this.samples.map((list) => Promise.all(list.map(async (row) => Float32Array.from(await row.data())))),
    );
    const head = this.head === null ? null : await headFiles(this.head);
    tf.dispose(this.samples.flat());
    this.samples = this.samples.map(() => []);
    this.head?.dispose();
    this.backbone?.dispose();
    this.head = this.backbone = this.features = null;
    return { samples, head };
  }

  /** Frames to embeddings [n, 1280]. Call inside `tidy`. Closes the frames. */
  private embed(frames: readonly ImageBitmap[]): tf.Tensor2D {
    if (this.features === null) throw new Error('The feature model is not loaded.');
    const batch = tf.cast(tf.stack(frames.map((frame) => tf.browser.fromPixels(frame))), 'float32');
    for (const frame of frames) frame.close();
    return this.features.predict(batch) as tf.Tensor2D;
  }

  private newHead({ hiddenUnits, learningRate }: TrainSettings): tf.Sequential {
    const head = tf.sequential({
      layers: [
        tf.layers.dense({ inputShape: [EMBEDDING], units: hiddenUnits, activation: 'relu' }),
        tf.layers.dropout({ rate: 0.2 }),
        tf.layers.dense({ units: this.classes, activation: 'softmax' }),
      ],
    });
    head.compile({
      optimizer: tf.train.adam(learningRate),
      loss: 'categoricalCrossentropy',
      metrics: ['accuracy'],
    });
    return head;
  }

  private isHeldOut(indexInClass: number): boolean {
    return indexInClass % HELD_OUT_EVERY === HELD_OUT_EVERY - 1;
  }

  /** The samples whose index within their class passes `take`; null when none does. */
  private examples(take: (indexInClass: number) => boolean): Examples | null {
    const rows: tf.Tensor2D[] = [];
    const labels: number[] = [];
    this.samples.forEach((list, label) => {
      list.forEach((row, index) => {
        if (!take(index)) return;
        rows.push(row);
        labels.push(label);
      });
    });
    if (rows.length === 0) return null;
    return tf.tidy(() => ({
      x: tf.concat(rows),
      y: tf.cast(tf.oneHot(tf.tensor1d(labels, 'int32'), this.classes), 'float32'),
      count: rows.length,
    }));
  }

  private async store(head: tf.LayersModel): Promise<string | null> {
    try {
      await head.save(HEAD_URL);
      return null;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }
}

function epochLogs(epoch: number, epochs: number, logs: tf.Logs | undefined): EpochLogs {
  const read = (name: string): number | null => {
    const value = logs?.[name];
    return typeof value === 'number' ? value : null;
  };
  return {
    epoch,
    epochs,
    loss: read('loss') ?? NaN,
    accuracy: read('acc') ?? NaN,
    heldOutLoss: read('val_loss'),
    heldOutAccuracy: read('val_acc'),
  };
}

/** A model's topology, weights and metadata, as they would be written to files. */
async function headFiles(head: tf.LayersModel): Promise<HeadFiles> {
  let files: HeadFiles | null = null;
  await head.save(
    tf.io.withSaveHandler(async (artifacts) => {
      files = {
        modelTopology: artifacts.modelTopology as object,
        weightSpecs: artifacts.weightSpecs ?? [],
        weightData: tf.io.concatenateArrayBuffers([artifacts.weightData ?? []].flat()),
        userDefinedMetadata: artifacts.userDefinedMetadata ?? {},
      };
      return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
    }),
  );
  if (files === null) throw new Error('The head could not be read.');
  return files;
}
