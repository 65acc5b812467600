/** How far training is, in a terminal. */

import { now } from '../../util.js';
import { Callback, type Logs } from '../callbacks.js';

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

const terminal = (): NodeJS.WriteStream | undefined => (typeof process === 'undefined' ? undefined : process.stdout);

/** How many batches are done, and since when. */
function state(done: number, steps: number | null | undefined, began: number, width = 20): string {
  const filled = steps ? Math.min(Math.floor((done / steps) * width), width) : 0;
  const bar = steps ? ` [${'='.repeat(filled)}${'.'.repeat(width - filled)}]` : '';
  return `${done}/${steps ?? '?'}${bar} ${((now() - began) / 1000).toFixed(1)}s`;
}

const shown = (value: number): string => (Math.abs(value) >= 1e-3 || value === 0 ? value.toFixed(4) : value.toExponential(2));

/** Losses and metrics, each after a dash. */
export const values = (logs: Logs): string =>
  // A metric may have a value for each class.
  Object.entries(logs).map(([name, value]) => ` - ${name}: ${[value].flat().map(shown).join(' ')}`).join('');

/**
 * Shows how far training is: in a terminal a bar that fills with the batches, elsewhere one line an epoch. It reads no losses of
 * batches, so it does not slow training down.
 */
export class ProgbarLogger extends Callback {
  private began = 0;
  private shown = -Infinity;
  private begun = 0;

  constructor(protected readonly args: ProgbarLoggerArgs = {}) {
    super();
  }

  protected write(text: string): void {
    if (this.args.write !== undefined) this.args.write(text);
    else if (terminal() !== undefined) terminal()?.write(text);
    else console.log(text.trimEnd());
  }

  protected get interactive(): boolean {
    return this.args.interactive ?? terminal()?.isTTY === true;
  }

  private state(done: number): string {
    return state(done, this.params['steps'] as number | null | undefined, this.began, this.args.width);
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
    this.write(`${this.interactive ? '\r' : ''}${this.state(this.begun)}${values(logs)}\n`);
  }
}

/** What `verbose` of `fit` shows in Node: 1, a bar; 2, a line after each epoch; without it, and in pages, nothing. */
export class VerboseLogger extends ProgbarLogger {
  private get level(): number {
    return terminal() === undefined ? 0 : Number(this.params['verbose'] ?? 0);
  }

  protected override get interactive(): boolean {
    return this.level === 1 && super.interactive;
  }

  /** The second level has the number of the epoch in its line. */
  protected override write(text: string): void {
    if (this.level === 2) text = text.replace(/^(Epoch .*)\n$/, '$1 - ');
    if (this.level > 0) super.write(text);
  }
}

/** What `verbose` of `evaluate` and `predict` shows in Node: how many of the steps are done. The last call says so. */
export function verboseSteps(verbose: number | boolean | undefined, steps: number | null): ((done: number, last: boolean) => void) | undefined {
  const level = Number(verbose ?? 0);
  const out = terminal();
  if (level <= 0 || out === undefined) return undefined;
  const live = level === 1 && out.isTTY;
  const began = now();
  let shown = -Infinity;
  return (done, last) => {
    if (!last && (!live || now() - shown < 100)) return;
    shown = now();
    out.write(`${live ? '\r' : ''}${state(done, steps, began)}${last ? '\n' : ''}`);
  };
}
