/** When training lets others have their turn. */

import { coded } from '../types.js';
import { nextFrame, now } from '../util.js';
import type { CallbackList } from './callbacks.js';

/** After which work: by itself, after every batch or epoch, never, or after so many milliseconds. */
export type YieldEvery = 'auto' | 'batch' | 'epoch' | 'never' | number;

/** Milliseconds of work after which a page has its turn, where nothing else is asked for. */
const AUTO_MS = 16;
/** Milliseconds that work and one batch more may take: a browser calls tasks from 50 on long. */
const AUTO_MOST_MS = 32;

export class Pause {
  private readonly now: () => number;
  private readonly frame: () => Promise<unknown>;
  /** When the last turn was. */
  private last: number;
  /** When it was last asked whether one is due. */
  private asked: number;

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
    this.last = this.asked = this.now();
  }

  /** Whether a turn is due after a batch. */
  due(): boolean {
    const { every } = this;
    if (typeof every === 'string' && every !== 'auto') return every === 'batch';
    const time = this.now();
    const batch = time - this.asked;
    this.asked = time;
    const worked = time - this.last;
    // The next batch will take about as long as this one.
    if (every === 'auto' ? worked <= AUTO_MS && worked + batch <= AUTO_MOST_MS : worked < every) return false;
    this.last = time;
    return true;
  }

  /** Lets others have their turn. */
  async rest(): Promise<void> {
    await this.frame();
    // Milliseconds that are asked for are from one turn to the next; work that is not to hold up a page begins after it.
    if (this.every === 'auto') this.last = this.asked = this.now();
  }

  /** Lets others have their turn if it is due after a batch. */
  async afterBatch(): Promise<void> {
    if (this.due()) await this.rest();
  }

  async afterEpoch(): Promise<void> {
    if (this.every === 'epoch') await this.rest();
  }
}
