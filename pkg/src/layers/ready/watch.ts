/** Callbacks that look at training: functions, a table. */

import { coded } from '../../types.js';
import { Callback, type CustomCallbackArgs, type Logs } from '../callbacks.js';

/** A callback made of functions, for code that wants an instance. */
export class CustomCallback extends Callback {
  constructor(functions: CustomCallbackArgs) {
    super();
    Object.assign(this, functions);
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
    const values = [epoch, ...this.names.map((name) => logs[name] ?? '')].join(separator);
    if (typeof this.sink === 'function') return this.sink(starts ? `${row}\n${values}\n` : `${values}\n`);
    const { appendFile, stat, writeFile } = await import('node:fs/promises');
    const path = this.sink.replace(/^file:\/\//, '');
    const goesOn = !starts || (append && (await stat(path).then(({ size }) => size > 0, () => false)));
    if (goesOn) await appendFile(path, `${values}\n`);
    else await writeFile(path, `${row}\n${values}\n`);
  }
}
