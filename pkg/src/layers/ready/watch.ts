/** Callbacks that look at training: as it goes wrong, as a table, as a line in a terminal. */

import { coded } from '../../types.js';
import { now } from '../../util.js';
import { Callback, type CustomCallbackArgs, type Logs } from '../callbacks.js';

/** A callback made of functions, for code that wants an instance. */
export class CustomCallback extends Callback {
  constructor(functions: CustomCallbackArgs) {
    super();
    Object.assign(this, functions);
  }
}

/** Ends training when the loss is no finite number. It reads the loss of every batch, unless it is to look at epochs only. */
export class TerminateOnNaN extends Callback {
  constructor({ each = 'batch' }: { each?: 'batch' | 'epoch' } = {}) {
    super();
    const check = async (at: number, logs: Logs = {}): Promise<void> => {
      if (logs['loss'] === undefined || Number.isFinite(logs['loss']) || this.model === null) return;
      console.warn(`${each === 'batch' ? 'Batch' : 'Epoch'} ${at}: Invalid loss, terminating training`);
      this.model.stopTraining = true;
    };
    Object.assign(this, each === 'batch' ? { onBatchEnd: check } : { onEpochEnd: check });
  }
}

/** Where text goes: the path of a file in Node, or a function. */
export type TextSink = string | ((text: string) => void | Promise<void>);

export interface CSVLoggerArgs {
  separator?: string;
  /** Whether a file that is there already goes on. */
  append?: boolean;
}

/** Writes the logs of epochs as rows of a table, the first of which names them. */
export class CSVLogger extends Callback {
  private names: string[] | null = null;

  constructor(
    private readonly sink: TextSink,
    private readonly args: CSVLoggerArgs = {},
  ) {
    super();
    if (typeof sink !== 'string' && typeof sink !== 'function') throw coded('argument', 'CSVLogger needs the path of a file, or a function that takes text.');
  }

  /** Without `append`, a file begins anew with the training. */
  override async onTrainBegin(): Promise<void> {
    if (!this.args.append) this.names = null;
  }

  override async onEpochEnd(epoch: number, logs: Logs = {}): Promise<void> {
    const { separator = ',', append = false } = this.args;
    const starts = this.names === null;
    this.names ??= Object.keys(logs);
    const row = ['epoch', ...this.names].join(separator);
    const values = [epoch, ...this.names.map((name) => [logs[name] ?? ''].flat().join(' '))].join(separator);
    if (typeof this.sink === 'function') return this.sink(starts ? `${row}\n${values}\n` : `${values}\n`);
    const { appendFile, stat, writeFile } = await import('node:fs/promises');
    const path = this.sink.replace(/^file:\/\//, '');
    const goesOn = !starts || (append && (await stat(path).then(({ size }) => size > 0, () => false)));
    if (goesOn) await appendFile(path, `${values}\n`);
    else await writeFile(path, `${row}\n${values}\n`);
  }
}

export interface ProgbarLoggerArgs {
  /** Takes what is shown; the terminal by default. */
  write?: (text: string) => void;
  /** Whether a line can be written over; by default, whether the terminal says so. */
  interactive?: boolean;
  /** Characters of the bar; 20 by default. */
  width?: number;
  /** Milliseconds between two states of the bar; 100 by default. */
  every?: number;
}

/**
 * Shows how far training is: in a terminal a bar that fills with the batches, elsewhere one line an epoch. It reads no losses of
 * batches, so it does not slow training down.
 */
export class ProgbarLogger extends Callback {
  private began = 0;
  private shown = -Infinity;
  private begun = 0;

  constructor(private readonly args: ProgbarLoggerArgs = {}) {
    super();
  }

  private get terminal(): NodeJS.WriteStream | undefined {
    return typeof process === 'undefined' ? undefined : process.stdout;
  }

  private write(text: string): void {
    if (this.args.write !== undefined) this.args.write(text);
    else if (this.terminal !== undefined) this.terminal.write(text);
    else console.log(text.trimEnd());
  }

  private get interactive(): boolean {
    return this.args.interactive ?? this.terminal?.isTTY === true;
  }

  /** How many batches are done, and in what time. */
  private state(done: number): string {
    const { steps } = this.params as { steps?: number | null };
    const { width = 20 } = this.args;
    const filled = steps ? Math.min(Math.floor((done / steps) * width), width) : 0;
    const bar = steps ? ` [${'='.repeat(filled)}${'.'.repeat(width - filled)}]` : '';
    return `${done}/${steps ?? '?'}${bar} ${((now() - this.began) / 1000).toFixed(1)}s`;
  }

  override async onEpochBegin(epoch: number): Promise<void> {
    this.began = now();
    this.begun = 0;
    this.shown = -Infinity;
    this.write(`Epoch ${epoch + 1} / ${this.params['epochs'] ?? '?'}\n`);
  }

  /** A batch begins when the one before it is done. */
  override async onBatchBegin(batch: number): Promise<void> {
    this.begun = batch + 1;
    const { every = 100 } = this.args;
    if (!this.interactive || now() - this.shown < every) return;
    this.shown = now();
    this.write(`\r${this.state(batch)}`);
  }

  override async onEpochEnd(_epoch: number, logs: Logs = {}): Promise<void> {
    const shown = (value: number): string => (Math.abs(value) >= 1e-3 || value === 0 ? value.toFixed(4) : value.toExponential(2));
    // A metric may have a value for each class.
    const values = Object.entries(logs).map(([name, value]) => ` - ${name}: ${[value].flat().map(shown).join(' ')}`);
    this.write(`${this.interactive ? '\r' : ''}${this.state(this.begun)}${values.join('')}\n`);
  }
}
