/** When training lets others have their turn. */

import { wasm } from '../runtime.js';
import { coded } from '../types.js';
import { nextFrame, now } from '../util.js';
import type { CallbackList } from './callbacks.js';

/** After which work: by itself, after every batch or epoch, never, or after so many milliseconds. */
export type YieldEvery = 'auto' | 'batch' | 'epoch' | 'never' | number;

/** Milliseconds of work after which a page has its turn, where nothing else is asked for. */
const AUTO_MS = 16;

export class Pause {
  private readonly now: () => number;
  private readonly frame: () => Promise<unknown>;
  /** When the last turn was. */
  private last: number;
  /** Whether there was a turn within a batch. */
  private turned = false;

  /** `nowFunc` and `nextFrameFunc` of a callback replace the clock and what is waited for. */
  constructor(
    private readonly every: YieldEvery = 'auto',
    callbacks?: CallbackList,
  ) {
    if (every === 'never' && callbacks?.find('onYield') !== undefined) {
      throw coded('argument', 'yieldEvery is `never` but you provided an `onYield` callback. Either change `yieldEvery` or remove the callback');
    }
    this.now = callbacks?.find('nowFunc') ?? now;
    this.frame = callbacks?.find('nextFrameFunc') ?? nextFrame;
    this.last = this.now();
  }

  private get worked(): number {
    return this.now() - this.last;
  }

  private async turn(): Promise<void> {
    await this.frame();
    this.last = this.now();
  }

  /** Runs what was recorded, with turns for others between kernels where it takes long. */
  async flush(): Promise<void> {
    if (this.every !== 'auto') return wasm().flush();
    while (!wasm().flushPart(Math.max(1, AUTO_MS - this.worked))) {
      await this.turn();
      this.turned = true;
    }
  }

  /** Whether a turn is due after a batch, or was within it. */
  due(): boolean {
    const { every } = this;
    if (every === 'auto') return this.turned || this.worked > AUTO_MS;
    if (typeof every === 'string') return every === 'batch';
    // From one turn to the next, as TensorFlow.js counts.
    const time = this.now();
    if (time - this.last < every) return false;
    this.last = time;
    return true;
  }

  /** Lets others have their turn, once one is due. */
  async rest(): Promise<void> {
    if (this.every !== 'auto') return void (await this.frame());
    this.turned = false;
    if (this.worked > AUTO_MS) await this.turn();
  }

  async afterEpoch(): Promise<void> {
    if (this.every === 'epoch') await this.rest();
  }
}
