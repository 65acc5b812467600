/** Callbacks that look at training: functions, a table. */

import { nodeModule } from '../../node-module.js';
import { coded } from '../../types.js';
import { Callback, type CustomCallbackArgs, type Logs, type State } from '../callbacks.js';

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

  async getState(): Promise<State> {
    return { names: this.names, size: await this.size() };
  }

  /** Rows of epochs that are trained again are taken from the file. */
  async setState({ names, size }: { names: string[] | null; size: number }): Promise<void> {
    this.names = names;
    if ((await this.size()) > size) await (await nodeModule<typeof import('node:fs/promises')>('fs/promises')).truncate(this.path, size);
  }

  private get path(): string {
    return String(this.sink).replace(/^file:\/\//, '');
  }

  /** Bytes of the file; 0 where there is none. */
  private async size(): Promise<number> {
    if (typeof this.sink === 'function') return 0;
    const { stat } = await nodeModule<typeof import('node:fs/promises')>('fs/promises');
    return stat(this.path).then(({ size }) => size, () => 0);
  }

  override async onEpochEnd(epoch: number, logs: Logs = {}): Promise<void> {
    const { separator = ',', append = false } = this.args;
    const starts = this.names === null;
    this.names ??= Object.keys(logs);
    const row = ['epoch', ...this.names].join(separator);
    const values = [epoch, ...this.names.map((name) => [logs[name] ?? ''].flat().join(' '))].join(separator);
    if (typeof this.sink === 'function') return this.sink(starts ? `${row}\n${values}\n` : `${values}\n`);
    const { appendFile, writeFile } = await nodeModule<typeof import('node:fs/promises')>('fs/promises');
    const { path } = this;
    const goesOn = !starts || (append && (await this.size()) > 0);
    if (goesOn) await appendFile(path, `${values}\n`);
    else await writeFile(path, `${row}\n${values}\n`);
  }
}
