/** How far training is, on a page. */

import { coded } from '../../types.js';
import { Callback, type Logs } from '../callbacks.js';
import { values } from './progress.js';

export interface ProgressBarArgs {
  /** What the bar is put into: an element, or the id of one. */
  element: HTMLElement | string;
}

/**
 * Shows how far training is in an element of the page: a `<progress>` for the whole, and a `<span>` with the epoch and the losses and metrics
 * of the last. It reads no losses of batches, so it does not slow training down. Both stay when training ends, and begin anew with the next.
 */
export class ProgressBar extends Callback {
  private readonly parent: HTMLElement;
  private bar: HTMLProgressElement | undefined;
  private text: HTMLElement | undefined;
  private epoch = 0;

  constructor({ element }: ProgressBarArgs) {
    super();
    const found = typeof element === 'string' ? document.getElementById(element) : element;
    if (!found) throw coded('argument', `progressBar needs an element, but there is none with the id '${String(element)}'.`);
    this.parent = found;
  }

  override async onTrainBegin(): Promise<void> {
    const { ownerDocument } = this.parent;
    if (this.bar === undefined) {
      this.bar = ownerDocument.createElement('progress');
      this.text = ownerDocument.createElement('span');
      this.parent.append(this.bar, this.text);
    }
    this.bar.max = 1;
    this.bar.value = 0;
    this.show({});
  }

  override async onEpochBegin(epoch: number): Promise<void> {
    this.epoch = epoch;
    this.fill(0);
  }

  override async onBatchBegin(batch: number): Promise<void> {
    const { steps } = this.params as { steps?: number | null };
    if (steps) this.fill(batch / steps);
  }

  override async onEpochEnd(_epoch: number, logs: Logs = {}): Promise<void> {
    this.fill(1);
    this.show(logs);
  }

  /** `part` of the epoch is done. */
  private fill(part: number): void {
    const { epochs } = this.params as { epochs?: number };
    if (this.bar !== undefined && epochs) this.bar.value = (this.epoch + part) / epochs;
  }

  private show(logs: Logs): void {
    if (this.text !== undefined) this.text.textContent = ` Epoch ${this.epoch + 1} / ${this.params['epochs'] ?? '?'}${values(logs)}`;
  }
}
