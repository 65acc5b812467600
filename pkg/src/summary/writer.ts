/** Files of scalars and histograms that TensorBoard shows. */

import { concatenateArrayBuffers } from '../io/index.js';
import { nodeModule } from '../node-module.js';
import { Tensor } from '../tensor.js';
import { coded } from '../types.js';
import { histogramEvent, record, scalarEvent, versionEvent } from './events.js';

/** Takes bytes that are to come after those of the same file so far. Files lie in folders, one for each run. */
export type EventSink = (file: string, bytes: Uint8Array<ArrayBuffer>) => void | Promise<void>;

let files = 0;

/** Appends to files on disk, in Node. */
async function append(file: string, bytes: Uint8Array): Promise<void> {
  const [fs, path] = await Promise.all([nodeModule<typeof import('node:fs/promises')>('fs/promises'), nodeModule<typeof import('node:path')>('path')]);
  await fs.mkdir(path.dirname(file), { recursive: true });
  await fs.appendFile(file, bytes);
}

/** Writes one file of events. Made by `tf.node.summaryFileWriter`. */
export class SummaryFileWriter {
  /** With its folder. */
  private readonly file: string;
  private waiting: Uint8Array[] = [];
  private written: Promise<void> = Promise.resolve();
  /** What became of writing, where that is nothing good. */
  private failure: unknown;

  constructor(folder: string, suffix: string, private readonly sink: EventSink = append) {
    const [host, process] = [globalThis.location?.hostname || 'localhost', globalThis.process?.pid ?? 0];
    // TensorBoard knows files by the word in their names, and takes those of one folder for one run.
    this.file = `${folder.replace(/\/$/, '')}/events.out.tfevents.${Math.floor(Date.now() / 1000)}.${host}.${process}.${files++}${suffix}`;
    this.add(versionEvent(Date.now() / 1000));
  }

  /** A number, or a tensor of one, at a step. */
  scalar(name: string, value: Tensor | number, step: number, description?: string): void {
    const number = value instanceof Tensor ? value.dataSync()[0] : value;
    if (typeof number !== 'number' || (value instanceof Tensor && value.size !== 1)) throw coded('argument', `scalar '${name}' needs a number or a tensor of one element.`);
    this.add(scalarEvent(Date.now() / 1000, name, number, checked(step), description));
  }

  /** How the values of a tensor are distributed at a step, in equal parts of their range. Values that are not finite are left out. */
  histogram(name: string, data: Tensor | ArrayLike<number>, step: number, buckets = 30, description?: string): void {
    if (!(Number.isInteger(buckets) && buckets > 0)) throw coded('argument', `histogram '${name}' needs a positive integer of buckets, but got ${buckets}.`);
    const values = data instanceof Tensor ? (data.dataSync() as Float32Array) : data;
    this.add(histogramEvent(Date.now() / 1000, name, Array.from(values), checked(step), buckets, description));
  }

  /** Resolves when all is written. Events are written as they come; nothing needs this to be called. */
  flush(): Promise<void> {
    return this.written;
  }

  /** Has an event written after those before it, with what comes meanwhile. */
  private add(event: Uint8Array): void {
    if (this.failure !== undefined) throw this.failure;
    this.waiting.push(record(event));
    if (this.waiting.length > 1) return;
    this.written = this.written.then(() => {
      const parts = this.waiting;
      this.waiting = [];
      return this.sink(this.file, new Uint8Array(concatenateArrayBuffers(parts.map((part) => part.buffer as ArrayBuffer))));
    });
    this.written.catch((error: unknown) => (this.failure = error));
  }
}

function checked(step: number): number {
  if (!(Number.isSafeInteger(step) && step >= 0)) throw coded('argument', `The step of a summary must be an integer of at least 0, but got ${step}.`);
  return step;
}
