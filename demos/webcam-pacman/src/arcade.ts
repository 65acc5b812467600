import { byId } from './dom.js';
import type { Direction } from './game/direction.js';
import { Game, TICK, type GameEvent } from './game/game.js';
import { listenForSteering } from './game/input.js';
import { Renderer } from './game/render.js';

/** After a pause longer than this the game goes on where it was, instead of catching up. */
const MAX_CATCH_UP = 0.25;
const BEST_KEY = 'webcam-pacman-best';

/** Whether the game has not begun, runs, waits, or is over. */
export type ArcadeState = 'idle' | 'running' | 'paused' | 'over';

/** The play panel: runs the game at 60 steps a second and shows it. */
export class Arcade {
  state: ArcadeState = 'idle';
  game = new Game({ seed: Date.now() });
  private readonly canvas = byId('game', HTMLCanvasElement);
  private readonly renderer = new Renderer(this.canvas, {
    reducedMotion: matchMedia('(prefers-reduced-motion: reduce)').matches,
  });
  private readonly overlay = byId('overlay', HTMLDivElement);
  private readonly overlayTitle = byId('overlay-title', HTMLParagraphElement);
  private readonly overlayButton = byId('overlay-button', HTMLButtonElement);
  private readonly overlayHint = byId('overlay-hint', HTMLParagraphElement);
  private readonly pauseButton = byId('pause-button', HTMLButtonElement);
  private readonly restartButton = byId('restart-button', HTMLButtonElement);
  private readonly speed = byId('speed', HTMLSelectElement);
  private readonly announcer = byId('game-announcer', HTMLParagraphElement);
  private readonly hud = {
    score: byId('hud-score', HTMLElement),
    best: byId('hud-best', HTMLElement),
    level: byId('hud-level', HTMLElement),
    lives: byId('hud-lives', HTMLElement),
  };
  private best = readBest();
  private lastFrame = 0;
  private owed = 0;

  constructor() {
    this.overlayButton.addEventListener('click', () => this.play());
    this.pauseButton.addEventListener('click', () => (this.state === 'running' ? this.pause() : this.play()));
    this.restartButton.addEventListener('click', () => {
      this.newGame();
      this.play();
    });
    this.speed.addEventListener('change', () => {
      if (this.state === 'idle') this.newGame();
      else this.announce('The new speed holds from the next game on.');
    });
    document.addEventListener('visibilitychange', () => {
      if (document.hidden && this.state === 'running') this.pause();
    });
    listenForSteering(this.canvas, () => this.state === 'running', (direction) => this.steer(direction));
    new ResizeObserver(() => this.resize()).observe(this.canvas);
    this.newGame();
    this.resize();
    requestAnimationFrame((now) => this.frame(now));
  }

  /** Asks the player to turn; without effect while the game does not run. */
  steer(direction: Direction): boolean {
    if (this.state !== 'running') return false;
    this.game.request(direction);
    return true;
  }

  /** What the overlay offers before the first game. */
  setHint(text: string): void {
    this.overlayHint.textContent = text;
  }

  private play(): void {
    if (this.state === 'over') this.newGame();
    this.state = 'running';
    this.overlay.hidden = true;
    this.pauseButton.disabled = false;
    this.pauseButton.textContent = 'Pause';
    this.restartButton.disabled = false;
    this.canvas.focus({ preventScroll: true });
  }

  private pause(): void {
    this.state = 'paused';
    this.pauseButton.textContent = 'Resume';
    this.showOverlay('Paused', 'Resume');
  }

  private newGame(): void {
    this.game = new Game({ seed: Date.now(), speed: Number(this.speed.value) });
    this.owed = 0;
    this.showFigures();
  }

  private showOverlay(title: string, button: string): void {
    this.overlayTitle.textContent = title;
    this.overlayButton.textContent = button;
    this.overlay.hidden = false;
  }

  private resize(): void {
    this.renderer.resize(this.canvas.clientWidth, window.devicePixelRatio);
  }

  private frame(now: number): void {
    const seconds = Math.min(MAX_CATCH_UP, (now - this.lastFrame) / 1000);
    this.lastFrame = now;
    if (this.state === 'running') {
      this.owed += seconds;
      while (this.owed >= TICK) {
        this.game.step();
        this.owed -= TICK;
      }
      this.game.takeEvents().forEach((event) => this.react(event));
      this.showFigures();
    }
    this.renderer.draw(this.game, this.state === 'running' ? seconds : 0, this.state !== 'idle');
    requestAnimationFrame((next) => this.frame(next));
  }

  private react(event: GameEvent): void {
    switch (event.kind) {
      case 'power':
        return this.announce('Power pellet: chase the ghosts.');
      case 'ghost':
        return this.announce(`Ghost eaten, ${event.points} points.`);
      case 'fruit':
        return this.announce(`Fruit eaten, ${event.points} points.`);
      case 'extraLife':
        return this.announce('Extra life.');
      case 'died':
        return this.announce(`Caught. ${event.livesLeft} lives left.`);
      case 'cleared':
        return this.announce(`Level ${event.level} cleared.`);
      case 'over':
        this.state = 'over';
        this.pauseButton.disabled = true;
        this.announce(`Game over with ${event.score} points.`);
        this.showOverlay(`Game over · ${event.score} points`, 'Play again');
        this.overlayButton.focus({ preventScroll: true });
    }
  }

  private announce(text: string): void {
    this.announcer.textContent = text;
  }

  private showFigures(): void {
    const { score, level, lives } = this.game;
    if (score > this.best) {
      this.best = score;
      writeBest(score);
    }
    setText(this.hud.score, String(score));
    setText(this.hud.best, String(this.best));
    setText(this.hud.level, String(level));
    setText(this.hud.lives, String(lives));
  }
}

function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** Storage may be refused; then the best score lasts as long as the page. */
function readBest(): number {
  try {
    return Number(localStorage.getItem(BEST_KEY)) || 0;
  } catch {
    return 0;
  }
}

function writeBest(score: number): void {
  try {
    localStorage.setItem(BEST_KEY, String(score));
  } catch {
    // Nothing is lost but the record.
  }
}
