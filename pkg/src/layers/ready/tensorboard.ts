/** Training as TensorBoard shows it. */

import { download } from '../../io/handlers.js';
import { type EventSink, SummaryFileWriter } from '../../summary/writer.js';
import { coded } from '../../types.js';
import { Callback, type Logs } from '../callbacks.js';

export interface TensorBoardArgs {
  /** Whether losses and metrics are written after each batch too, which then waits for them; 'epoch' by default. */
  updateFreq?: 'batch' | 'epoch';
  /** Epochs between two histograms of each weight; 0, the default, writes none. */
  histogramFreq?: number;
}

const DOWNLOADS = 'downloads://';
/** The names of what `logs` have beside losses and metrics. */
const PLACES = ['batch', 'size'];

/**
 * Writes losses, metrics and the learning rate, and histograms of weights, for TensorBoard: those of training to the folder `train`, those
 * of validation to `val`. `logdir` is a folder in Node; elsewhere `downloads://NAME`, which offers the files when training has ended, or a
 * function that takes their bytes as they come, to be sent or stored.
 */
export class TensorBoard extends Callback {
  private readonly writers = new Map<string, SummaryFileWriter>();
  private batches = 0;
  private readonly histogramFreq: number;
  private readonly files = new Map<string, Uint8Array<ArrayBuffer>[]>();

  constructor(
    private readonly logdir: string | EventSink = './logs',
    { updateFreq = 'epoch', histogramFreq = 0 }: TensorBoardArgs = {},
  ) {
    super();
    if (updateFreq !== 'batch' && updateFreq !== 'epoch') throw coded('argument', `Expected updateFreq to be 'batch' or 'epoch', but got ${String(updateFreq)}`);
    if (!(Number.isInteger(histogramFreq) && histogramFreq >= 0)) throw coded('argument', `Expected histogramFreq to be an integer >= 0, but got ${histogramFreq}`);
    this.histogramFreq = histogramFreq;
    // Losses of batches are read where some callback asks for them.
    if (updateFreq === 'batch') this.onBatchEnd = async (_, logs = {}) => this.write(logs, 'batch', (this.batches += 1));
  }

  getState(): number {
    return this.batches;
  }

  setState(batches: number): void {
    this.batches = batches;
  }

  override async onEpochEnd(epoch: number, logs: Logs = {}): Promise<void> {
    this.write(logs, 'epoch', epoch + 1);
    const { model } = this;
    if (model?.optimizer) this.writer('train').scalar('epoch_learning_rate', model.optimizer.learningRate, epoch + 1);
    if (model === null || this.histogramFreq === 0 || epoch % this.histogramFreq !== 0) return;
    for (const weight of model.weights) this.writer('train').histogram(weight.name, (await weight.read().data()) as Float32Array, epoch + 1);
  }

  override async onTrainEnd(): Promise<void> {
    await Promise.all([...this.writers.values()].map((writer) => writer.flush()));
    // All from the first training on, each time: a file that is offered again is whole.
    for (const [file, parts] of this.files) await download(new Blob(parts), 'application/octet-stream', `${(this.logdir as string).slice(DOWNLOADS.length)}-${file.replace('/', '-')}`);
  }

  private write(logs: Logs, prefix: string, step: number): void {
    for (const [name, value] of Object.entries(logs)) {
      if (PLACES.includes(name)) continue;
      const validation = name.startsWith('val_');
      const tag = `${prefix}_${validation ? name.slice(4) : name}`;
      const writer = this.writer(validation ? 'val' : 'train');
      // A metric may have a value for each class.
      if (Array.isArray(value)) value.flat(Infinity).forEach((v, i) => writer.scalar(`${tag}_${i}`, v, step));
      else writer.scalar(tag, value, step);
    }
  }

  /** Runs that have nothing to show get no file. */
  private writer(run: string): SummaryFileWriter {
    let writer = this.writers.get(run);
    if (writer === undefined) {
      const { logdir } = this;
      if (typeof logdir === 'function') writer = new SummaryFileWriter(run, '.v2', logdir);
      else if (logdir.startsWith(DOWNLOADS)) writer = new SummaryFileWriter(run, '.v2', (file, bytes) => void this.files.set(file, [...(this.files.get(file) ?? []), bytes]));
      else writer = new SummaryFileWriter(`${logdir.replace(/\/$/, '')}/${run}`, '.v2');
      this.writers.set(run, writer);
    }
    return writer;
  }
}
