import type { Direction } from './game/direction.js';
import type { ArcadeState } from './arcade.js';
import type { Counts, EngineReport, EpochLogs, HeadInfo } from './protocol.js';
import { centreSquare, type FrameSource } from './sources.js';

/** Cells a side of the scene signature. */
const CELLS = 4;
/** Predictions kept. */
const LOG_LENGTH = 1000;

export interface LoggedPrediction {
  readonly direction: Direction;
  readonly probabilities: readonly number[];
  readonly milliseconds: number;
  /** Signature of the very frame that was predicted. */
  readonly signature: readonly number[];
  /** Whether the game was running and took the direction. */
  readonly steered: boolean;
  /** The direction the game's player wants after the prediction. */
  readonly wanted: Direction;
}

/** What a test may ask of the page. */
export interface PageState {
  readonly ready: boolean;
  readonly engine: EngineReport | null;
  readonly source: 'camera' | 'clip' | null;
  readonly counts: Counts;
  readonly backlog: number;
  readonly training: boolean;
  readonly history: readonly EpochLogs[];
  readonly head: HeadInfo | null;
  readonly arcade: ArcadeState;
  readonly score: number;
  readonly lives: number;
  readonly wanted: Direction;
}

interface Probes {
  state(): PageState;
  source(): FrameSource | null;
  /** The prediction for a picture. */
  predict(frame: ImageBitmap): Promise<number[]>;
  memory(): Promise<{ numTensors: number; numBytes: number }>;
}

/**
 * What the end-to-end test reads, as `window.__headwater`. It watches; it drives nothing: the test
 * presses the page's own buttons.
 */
export class Hooks {
  /** The main thread's tasks over 50 ms since the last reset: how many, and the longest in ms. */
  readonly longTasks = { max: 0, count: 0 };
  readonly predictions: LoggedPrediction[] = [];
  private readonly canvas = new OffscreenCanvas(CELLS, CELLS);
  private signatureOfFrame: number[] = [];
  /** Off until a test wants it: reading pixels back costs the main thread time. */
  tracing = false;

  constructor(private readonly probes: Probes) {
    try {
      new PerformanceObserver((list) => {
        for (const { duration } of list.getEntries()) {
          this.longTasks.count++;
          this.longTasks.max = Math.max(this.longTasks.max, duration);
        }
      }).observe({ type: 'longtask' });
    } catch {
      // Not every browser reports long tasks.
    }
  }

  get state(): PageState {
    return this.probes.state();
  }

  resetLongTasks(): void {
    Object.assign(this.longTasks, { max: 0, count: 0 });
  }

  /**
   * Mean colour (red, green, blue in 0..255) of each of 4 x 4 cells of the picture shown now; empty
   * without a source.
   */
  sceneSignature(): number[] {
    const source = this.probes.source();
    if (source === null) return [];
    const { x, y, side } = centreSquare(source);
    return this.signatureOf(source.element, x, y, side);
  }

  /** Class probabilities for a fixed drawing: the same head must always give the same. */
  async probe(): Promise<number[]> {
    const side = 224;
    const pixels = new ImageData(side, side);
    for (let at = 0; at < side * side; at++) {
      const [x, y] = [at % side, Math.floor(at / side)];
      pixels.data.set([x, y, (x * y) % 256, 255], at * 4);
    }
    return this.probes.predict(await createImageBitmap(pixels));
  }

  memory(): Promise<{ numTensors: number; numBytes: number }> {
    return this.probes.memory();
  }

  /** Called with each frame on its way to be predicted. */
  frameTaken(frame: ImageBitmap): void {
    if (this.tracing) this.signatureOfFrame = this.signatureOf(frame, 0, 0, frame.width);
  }

  /** Called with what was predicted for the frame last taken. */
  predicted(prediction: Omit<LoggedPrediction, 'signature'>): void {
    this.predictions.push({ ...prediction, signature: this.signatureOfFrame });
    if (this.predictions.length > LOG_LENGTH) this.predictions.shift();
  }

  private signatureOf(picture: CanvasImageSource, x: number, y: number, side: number): number[] {
    const context = this.canvas.getContext('2d', { willReadFrequently: true });
    if (context === null) return [];
    context.imageSmoothingQuality = 'high';
    context.drawImage(picture, x, y, side, side, 0, 0, CELLS, CELLS);
    const { data } = context.getImageData(0, 0, CELLS, CELLS);
    return [...data].filter((_value, index) => index % 4 !== 3);
  }
}
