import { byId, capitalised, fromTemplate, messageOf, within } from './dom.js';
import { DIRECTIONS, type Direction } from './game/direction.js';
import { setStatus, showMessage } from './messages.js';
import type { Counts } from './protocol.js';
import { grabFrame, type FrameSource } from './sources.js';
import type { WorkerClient } from './worker-client.js';

/** Milliseconds between two frames while a button is held. */
const CAPTURE_EVERY = 100;
/** Frames embedded in one go when so many are waiting; otherwise one by one. */
const BATCH = 4;
/** With so many frames waiting the camera is let run ahead no further. */
const MAX_WAITING = 64;

interface Waiting {
  readonly classIndex: number;
  readonly frame: ImageBitmap;
}

interface Context {
  readonly client: WorkerClient;
  /** The source in use, or null. */
  source(): FrameSource | null;
  /** Called when counts, or the number of frames waiting, changed. */
  changed(): void;
}

/**
 * The four class cards. While a button is held, frames are taken at the camera's pace and wait
 * here; the worker embeds them at its own.
 */
export class Collector {
  counts: Counts = DIRECTIONS.map(() => 0);
  private readonly cards: Card[];
  private readonly waiting: Waiting[] = [];
  private held: number | null = null;
  private timer = 0;
  private pumping = false;
  private enabled = false;

  constructor(private readonly context: Context) {
    const host = byId('cards', HTMLDivElement);
    this.cards = DIRECTIONS.map((direction, index) => {
      const card = new Card(direction, index, {
        press: () => this.hold(index),
        release: () => this.release(index),
        single: () => void this.capture(index),
        clear: () => void this.clear(index),
      });
      host.append(card.element);
      return card;
    });
    this.listenForDigits();
  }

  /** Frames taken and not yet embedded. */
  get backlog(): number {
    return this.waiting.length;
  }

  /** Whether frames are being taken or embedded. */
  get busy(): boolean {
    return this.held !== null || this.pumping;
  }

  /** The user's names for the gestures. */
  get gestures(): string[] {
    return this.cards.map((card) => card.gesture);
  }

  set gestures(names: readonly string[]) {
    this.cards.forEach((card, index) => {
      card.gesture = names[index] ?? '';
    });
  }

  setEnabled(enabled: boolean): void {
    this.enabled = enabled;
    if (!enabled && this.held !== null) this.release(this.held);
    for (const card of this.cards) card.setEnabled(enabled);
  }

  private hold(index: number): void {
    if (!this.enabled || this.held !== null) return;
    this.held = index;
    this.cards[index]?.setHeld(true);
    setStatus(`Taking frames for “${DIRECTIONS[index]}”…`);
    void this.capture(index);
    this.timer = window.setInterval(() => void this.capture(index), CAPTURE_EVERY);
  }

  private release(index: number): void {
    if (this.held !== index) return;
    window.clearInterval(this.timer);
    this.held = null;
    this.cards[index]?.setHeld(false);
    this.announce();
    this.context.changed();
  }

  private async capture(classIndex: number): Promise<void> {
    const source = this.context.source();
    if (!this.enabled || source === null || this.waiting.length >= MAX_WAITING) return;
    try {
      const frame = await grabFrame(source);
      this.cards[classIndex]?.addThumbnail(frame);
      this.waiting.push({ classIndex, frame });
      this.showCounts();
      void this.pump();
    } catch (error) {
      showMessage('collect', 'error', `A frame could not be taken: ${messageOf(error)}`);
    }
  }

  /** Sends what waits to the worker, one call at a time. */
  private async pump(): Promise<void> {
    if (this.pumping) return;
    this.pumping = true;
    try {
      while (this.waiting.length > 0) {
        const batch = this.waiting.splice(0, this.waiting.length >= BATCH ? BATCH : 1);
        const frames = batch.map(({ frame }) => frame);
        const classes = batch.map(({ classIndex }) => classIndex);
        this.counts = await this.context.client.call('addSamples', { classes, frames }, frames);
        this.showCounts();
        this.context.changed();
      }
    } catch (error) {
      for (const { frame } of this.waiting.splice(0)) frame.close();
      showMessage('collect', 'error', `The frames could not be used: ${messageOf(error)}`);
      this.showCounts();
    } finally {
      this.pumping = false;
      if (this.held === null) this.announce();
      this.context.changed();
    }
  }

  private async clear(classIndex: number): Promise<void> {
    for (let at = this.waiting.length - 1; at >= 0; at--) {
      if (this.waiting[at]?.classIndex === classIndex) this.waiting.splice(at, 1)[0]?.frame.close();
    }
    try {
      this.counts = await this.context.client.call('clearSamples', { classIndex });
      this.cards[classIndex]?.clearThumbnails();
      setStatus(`The samples of “${DIRECTIONS[classIndex]}” are deleted.`);
    } catch (error) {
      showMessage('collect', 'error', `The samples could not be deleted: ${messageOf(error)}`);
    }
    this.showCounts();
    this.context.changed();
  }

  private showCounts(): void {
    this.cards.forEach((card, index) => {
      const waiting = this.waiting.filter(({ classIndex }) => classIndex === index).length;
      card.setCount(this.counts[index] ?? 0, waiting);
    });
  }

  private announce(): void {
    const counts = DIRECTIONS.map((direction, index) => `${direction} ${this.counts[index]}`).join(', ');
    const backlog = this.waiting.length > 0 ? ` ${this.waiting.length} more are being processed.` : '';
    setStatus(`Samples: ${counts}.${backlog}`);
  }

  /** The keys 1 to 4 work like the four buttons, wherever the focus is, unless one is typing. */
  private listenForDigits(): void {
    const indexOf = ({ key }: KeyboardEvent): number => ['1', '2', '3', '4'].indexOf(key);
    document.addEventListener('keydown', (event) => {
      if (event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement) return;
      if (event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
      if (indexOf(event) >= 0) this.hold(indexOf(event));
    });
    document.addEventListener('keyup', (event) => {
      if (indexOf(event) >= 0) this.release(indexOf(event));
    });
    window.addEventListener('blur', () => {
      if (this.held !== null) this.release(this.held);
    });
  }
}

interface CardActions {
  press(): void;
  release(): void;
  /** One frame: a click that is no press, as assistive technology makes. */
  single(): void;
  clear(): void;
}

const THUMB = 64;

/** A class's card: its hold button, count, latest thumbnails and the name of its gesture. */
class Card {
  readonly element = fromTemplate('card-template');
  private readonly button = within(this.element, '.hold', HTMLButtonElement);
  private readonly clearButton = within(this.element, '.clear', HTMLButtonElement);
  private readonly output = within(this.element, '.count', HTMLOutputElement);
  private readonly input = within(this.element, '.gesture', HTMLInputElement);
  private readonly thumbs = within(this.element, '.thumbs', HTMLCanvasElement);

  constructor(
    direction: Direction,
    index: number,
    private readonly actions: CardActions,
  ) {
    this.element.dataset['direction'] = direction;
    within(this.element, '.card-name', HTMLElement).textContent = capitalised(direction);
    this.button.id = `collect-${direction}`;
    this.button.setAttribute('aria-label', `Hold to collect frames for ${direction}, or hold key ${index + 1}`);
    this.button.setAttribute('aria-describedby', 'collect-hint');
    this.clearButton.id = `clear-${direction}`;
    this.clearButton.setAttribute('aria-label', `Delete the samples of ${direction}`);
    this.clearButton.title = 'Delete these samples';
    this.clearButton.addEventListener('click', () => this.actions.clear());
    this.output.id = `count-${direction}`;
    this.input.id = `gesture-${direction}`;
    this.input.setAttribute('aria-label', `Name of the gesture for ${direction}`);
    this.listenForHold();
  }

  get gesture(): string {
    return this.input.value.trim();
  }

  set gesture(name: string) {
    this.input.value = name;
  }

  setEnabled(enabled: boolean): void {
    this.button.disabled = !enabled;
  }

  setHeld(held: boolean): void {
    this.element.classList.toggle('held', held);
    this.button.textContent = held ? 'Collecting…' : 'Hold to collect';
  }

  setCount(count: number, waiting: number): void {
    this.output.textContent = waiting > 0 ? `${count} +${waiting}` : String(count);
    this.clearButton.disabled = count + waiting === 0;
  }

  /** Shows a frame at the left end of the strip and moves the others on. */
  addThumbnail(frame: ImageBitmap): void {
    const context = this.thumbs.getContext('2d');
    if (context === null) return;
    context.drawImage(this.thumbs, THUMB, 0);
    context.drawImage(frame, 0, 0, THUMB, THUMB);
  }

  clearThumbnails(): void {
    this.thumbs.getContext('2d')?.clearRect(0, 0, this.thumbs.width, this.thumbs.height);
  }

  private listenForHold(): void {
    const { button, actions } = this;
    let pressed = false;
    const press = (): void => {
      pressed = true;
      actions.press();
    };
    button.addEventListener('pointerdown', (event) => {
      if (event.button !== 0) return;
      button.setPointerCapture(event.pointerId);
      press();
    });
    for (const end of ['pointerup', 'pointercancel', 'lostpointercapture'] as const) {
      button.addEventListener(end, () => actions.release());
    }
    button.addEventListener('keydown', (event) => {
      if (event.key !== ' ' && event.key !== 'Enter') return;
      event.preventDefault();
      if (!event.repeat) press();
    });
    button.addEventListener('keyup', () => actions.release());
    button.addEventListener('blur', () => actions.release());
    button.addEventListener('click', () => {
      if (!pressed) actions.single();
      pressed = false;
    });
    button.addEventListener('contextmenu', (event) => event.preventDefault());
  }
}
