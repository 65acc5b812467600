import { byId, capitalised, fromTemplate, messageOf, nextFrame, within } from './dom.js';
import { DIRECTIONS, type Direction } from './game/direction.js';
import { showMessage } from './messages.js';
import { grabFrame, type FrameSource } from './sources.js';
import type { WorkerClient } from './worker-client.js';

/** A prediction below this probability steers nothing. */
const STEERS_FROM = 0.5;
/** Weight of the newest value in the running means. */
const SMOOTHING = 0.2;

export interface Prediction {
  readonly direction: Direction;
  readonly probabilities: readonly number[];
  /** Whether the probability is high enough to steer by. */
  readonly confident: boolean;
  /** Milliseconds from taking the frame to having the prediction. */
  readonly milliseconds: number;
}

interface Context {
  readonly client: WorkerClient;
  source(): FrameSource | null;
  /** Whether a head is there and nothing more important is going on. */
  wanted(): boolean;
  /** Sees each frame before it leaves for the worker. */
  frameTaken(frame: ImageBitmap): void;
  predicted(prediction: Prediction): void;
}

/** Predicts frame after frame while it is wanted, and shows the confidence bars. */
export class Predictor {
  private readonly bars: Bar[];
  private readonly timing = byId('timing', HTMLSpanElement);
  private meanMilliseconds = 0;
  private meanInterval = 0;
  private lastAt = 0;

  constructor(private readonly context: Context) {
    const host = byId('bars', HTMLDivElement);
    this.bars = DIRECTIONS.map((direction) => {
      const bar = new Bar(direction);
      host.append(bar.element);
      return bar;
    });
  }

  /** Runs for as long as the page lives. */
  async run(): Promise<never> {
    for (;;) {
      await nextFrame();
      const source = this.context.source();
      if (source === null || document.hidden || !this.context.wanted()) {
        this.idle();
        continue;
      }
      try {
        await this.predictOnce(source);
      } catch (error) {
        showMessage('predict', 'error', `A frame could not be predicted: ${messageOf(error)}`);
        await new Promise((resolve) => setTimeout(resolve, 1000));
      }
    }
  }

  private async predictOnce(source: FrameSource): Promise<void> {
    const started = performance.now();
    const frame = await grabFrame(source);
    this.context.frameTaken(frame);
    const probabilities = await this.context.client.call('predict', { frame }, [frame]);
    const now = performance.now();
    const best = probabilities.indexOf(Math.max(...probabilities));
    const direction = DIRECTIONS[best];
    if (direction === undefined) throw new Error('the model gave no numbers');
    const confident = (probabilities[best] ?? 0) >= STEERS_FROM;

    this.bars.forEach((bar, index) => bar.show(probabilities[index] ?? 0, index === best && confident));
    this.showTiming(now - started, this.lastAt === 0 ? 0 : now - this.lastAt);
    this.lastAt = now;
    this.context.predicted({ direction, probabilities, confident, milliseconds: now - started });
  }

  private showTiming(milliseconds: number, interval: number): void {
    const mix = (mean: number, value: number): number =>
      mean === 0 ? value : mean + SMOOTHING * (value - mean);
    this.meanMilliseconds = mix(this.meanMilliseconds, milliseconds);
    if (interval > 0) this.meanInterval = mix(this.meanInterval, interval);
    const rate = this.meanInterval > 0 ? (1000 / this.meanInterval).toFixed(1) : '–';
    this.timing.textContent = `Frame time: ${this.meanMilliseconds.toFixed(0)} ms · ${rate} fps`;
  }

  private idle(): void {
    if (this.lastAt === 0) return;
    this.lastAt = this.meanInterval = this.meanMilliseconds = 0;
    this.timing.textContent = 'Frame time: –';
    for (const bar of this.bars) bar.clear();
  }
}

/** One class's confidence bar. */
class Bar {
  readonly element = fromTemplate('bar-template');
  private readonly fill = within(this.element, '.fill', HTMLSpanElement);
  private readonly value = within(this.element, '.bar-value', HTMLSpanElement);

  constructor(direction: Direction) {
    this.element.dataset['direction'] = direction;
    this.element.setAttribute('aria-label', capitalised(direction));
    within(this.element, '.bar-name', HTMLSpanElement).textContent = capitalised(direction);
  }

  show(probability: number, chosen: boolean): void {
    const percent = String(Math.round(probability * 100));
    this.fill.style.transform = `scaleX(${probability})`;
    this.value.textContent = `${percent} %`;
    this.element.setAttribute('aria-valuenow', percent);
    this.element.classList.toggle('chosen', chosen);
  }

  clear(): void {
    this.show(0, false);
    this.value.textContent = '–';
  }
}
