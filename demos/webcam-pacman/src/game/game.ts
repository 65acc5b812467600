import { OPPOSITE, type Direction } from './direction.js';
import {
  GHOST_NAMES,
  eatGhost,
  frighten,
  newGhost,
  resetGhost,
  stepGhost,
  turnRound,
  type Ghost,
  type Mode,
} from './ghosts.js';
import {
  FRUIT_TILE,
  PELLET,
  PLAYER_START,
  POWER_PELLET,
  freshPellets,
  isCorridor,
  neighbour,
  tileIndex,
} from './maze.js';
import { distance, place, reverse, walk, type Mover } from './mover.js';
import { seededRandom, type Random } from './rng.js';

/** Length of one step of the game in seconds. */
export const TICK = 1 / 60;

/**
 * `ready`: the pause before a life; `playing`; `dying` and `cleared`: the pauses after a death and
 * after the last pellet; `over`: no lives left.
 */
export type Phase = 'ready' | 'playing' | 'dying' | 'cleared' | 'over';

/** What happened in the game, for the page to announce. */
export type GameEvent =
  | { kind: 'power' }
  | { kind: 'ghost'; points: number }
  | { kind: 'fruit'; points: number }
  | { kind: 'extraLife' }
  | { kind: 'died'; livesLeft: number }
  | { kind: 'cleared'; level: number }
  | { kind: 'over'; score: number };

/** Points shown for a moment where they were won. */
export interface Popup {
  readonly x: number;
  readonly y: number;
  readonly text: string;
  seconds: number;
}

/** The player: `wanted` is the direction last asked for, taken as soon as the maze allows. */
export interface Player extends Mover {
  wanted: Direction;
  /** Whether it moved in the last step; a wall stops it. */
  moving: boolean;
}

export interface GameOptions {
  /** The same seed and the same requests replay the same game. */
  readonly seed?: number;
  /** The player's speed on level 1 in tiles a second. */
  readonly speed?: number;
}

const PHASE_SECONDS = { ready: 1.8, dying: 1.4, cleared: 1.8 } as const;
const START_LIVES = 3;
const EXTRA_LIFE_AT = 10_000;
const POINTS = { pellet: 10, power: 50, ghost: 200 } as const;
const POPUP_SECONDS = 1;
const CATCH_DISTANCE = 0.6;

/** Seconds of scatter, chase, scatter, ... in a life; the last chase lasts. */
const MODE_SECONDS: readonly number[] = [7, 20, 7, 20, 5, 20, 5];

/** Fruit appears when so many pellets are eaten, and stays for a while. */
const FRUIT_AFTER: readonly number[] = [50, 110];
const FRUIT_SECONDS = 9;

/**
 * The rules of the game, and nothing else: no DOM, no clock. Call {@link step} 60 times a second
 * and read the public fields to draw.
 */
export class Game {
  phase: Phase = 'ready';
  level = 1;
  score = 0;
  lives = START_LIVES;
  pellets = freshPellets();
  pelletsLeft = 0;
  /** Seconds the ghosts stay frightened. */
  frightSeconds = 0;
  /** Seconds the fruit stays; 0 when there is none. */
  fruitSeconds = 0;
  /** Seconds in the current phase. */
  phaseSeconds = 0;
  popups: Popup[] = [];
  readonly player: Player = { ...PLAYER_START, dir: 'left', progress: 0, wanted: 'left', moving: false };
  readonly ghosts: readonly Ghost[] = GHOST_NAMES.map(newGhost);

  private readonly random: Random;
  private readonly baseSpeed: number;
  private modeIndex = 0;
  private modeSeconds = 0;
  private ghostsEatenInRow = 0;
  private pelletsEaten = 0;
  private extraLifeGiven = false;
  private pending: GameEvent[] = [];

  constructor({ seed = 1, speed = 5 }: GameOptions = {}) {
    this.random = seededRandom(seed);
    this.baseSpeed = speed;
    this.fillMaze();
  }

  /** Whether ghosts hunt or retire now. */
  get mode(): Mode {
    return this.modeIndex % 2 === 0 ? 'scatter' : 'chase';
  }

  /** The player's speed in tiles a second: a twelfth more each level, up to one and a half times. */
  get speed(): number {
    return this.baseSpeed * Math.min(1.5, 1 + (this.level - 1) / 12);
  }

  /** How long a power pellet lasts on this level, in seconds. */
  get frightDuration(): number {
    return Math.max(2.5, 8 - this.level);
  }

  /** Points of this level's fruit. */
  get fruitPoints(): number {
    return Math.min(5000, 100 * 2 ** (this.level - 1));
  }

  /** Asks the player to turn; kept until the maze allows it or another request comes. */
  request(direction: Direction): void {
    this.player.wanted = direction;
  }

  /** The events since the last call. */
  takeEvents(): GameEvent[] {
    const events = this.pending;
    this.pending = [];
    return events;
  }

  /** Moves the game on by one {@link TICK}. */
  step(): void {
    this.phaseSeconds += TICK;
    switch (this.phase) {
      case 'ready':
        if (this.phaseSeconds >= PHASE_SECONDS.ready) this.enter('playing');
        break;
      case 'playing':
        this.play();
        break;
      case 'dying':
        if (this.phaseSeconds >= PHASE_SECONDS.dying) this.afterDeath();
        break;
      case 'cleared':
        if (this.phaseSeconds >= PHASE_SECONDS.cleared) this.nextLevel();
        break;
      case 'over':
        break;
    }
  }

  private enter(phase: Phase): void {
    this.phase = phase;
    this.phaseSeconds = 0;
  }

  private play(): void {
    this.stepTimers();
    this.stepPlayer();
    if (this.phase !== 'playing') return;
    this.meetGhosts();
    const [chaser] = this.ghosts;
    if (this.phase !== 'playing' || chaser === undefined) return;
    const view = { mode: this.mode, player: this.player, chaser, random: this.random };
    for (const ghost of this.ghosts) stepGhost(ghost, view, TICK, this.speed);
    this.meetGhosts();
  }

  private stepTimers(): void {
    this.popups = this.popups.filter((popup) => (popup.seconds -= TICK) > 0);
    this.fruitSeconds = Math.max(0, this.fruitSeconds - TICK);

    // The clock of chase and scatter stands still while ghosts are frightened.
    if (this.frightSeconds > 0) {
      this.frightSeconds = Math.max(0, this.frightSeconds - TICK);
      if (this.frightSeconds === 0) for (const ghost of this.ghosts) ghost.frightened = false;
      return;
    }
    this.modeSeconds += TICK;
    const limit = MODE_SECONDS[this.modeIndex];
    if (limit !== undefined && this.modeSeconds >= limit) {
      this.modeIndex++;
      this.modeSeconds = 0;
      this.ghosts.forEach(turnRound);
    }
  }

  private stepPlayer(): void {
    const { player } = this;
    // A turn back needs no crossing.
    if (player.wanted === OPPOSITE[player.dir]) reverse(player);
    const before = [player.col, player.row, player.progress].join();
    walk(
      player,
      this.speed * TICK,
      () => [player.wanted, player.dir].find((dir) => this.isOpen(dir)) ?? null,
      () => this.eat(),
    );
    player.moving = before !== [player.col, player.row, player.progress].join();
  }

  private isOpen(dir: Direction): boolean {
    const { col, row } = neighbour(this.player, dir);
    return isCorridor(col, row);
  }

  private eat(): void {
    const { col, row } = this.player;
    if (this.fruitSeconds > 0 && col === FRUIT_TILE.col && row === FRUIT_TILE.row) {
      this.fruitSeconds = 0;
      this.win(this.fruitPoints, true);
      this.pending.push({ kind: 'fruit', points: this.fruitPoints });
    }
    const found = this.pellets[tileIndex(col, row)];
    if (found === undefined || found === 0) return;
    this.pellets[tileIndex(col, row)] = 0;
    this.pelletsLeft--;
    this.pelletsEaten++;
    if (found === PELLET) this.win(POINTS.pellet);
    if (found === POWER_PELLET) {
      this.win(POINTS.power);
      this.frightSeconds = this.frightDuration;
      this.ghostsEatenInRow = 0;
      this.ghosts.forEach(frighten);
      this.pending.push({ kind: 'power' });
    }
    if (FRUIT_AFTER.includes(this.pelletsEaten)) this.fruitSeconds = FRUIT_SECONDS;
    if (this.pelletsLeft === 0) {
      this.enter('cleared');
      this.pending.push({ kind: 'cleared', level: this.level });
    }
  }

  private meetGhosts(): void {
    for (const ghost of this.ghosts) {
      if (ghost.state === 'eaten' || distance(ghost, this.player) > CATCH_DISTANCE) continue;
      if (ghost.frightened) {
        const points = POINTS.ghost * 2 ** this.ghostsEatenInRow++;
        eatGhost(ghost);
        this.win(points, true);
        this.pending.push({ kind: 'ghost', points });
      } else {
        this.lives--;
        this.enter('dying');
        this.pending.push({ kind: 'died', livesLeft: this.lives });
        return;
      }
    }
  }

  private win(points: number, show = false): void {
    this.score += points;
    if (show) {
      const { col, row } = this.player;
      this.popups.push({ x: col, y: row, text: String(points), seconds: POPUP_SECONDS });
    }
    if (!this.extraLifeGiven && this.score >= EXTRA_LIFE_AT) {
      this.extraLifeGiven = true;
      this.lives++;
      this.pending.push({ kind: 'extraLife' });
    }
  }

  private afterDeath(): void {
    if (this.lives > 0) {
      this.startLife();
      return;
    }
    this.enter('over');
    this.pending.push({ kind: 'over', score: this.score });
  }

  private nextLevel(): void {
    this.level++;
    this.fillMaze();
    this.startLife();
  }

  private fillMaze(): void {
    this.pellets = freshPellets();
    this.pelletsLeft = this.pellets.reduce((count, pellet) => count + (pellet > 0 ? 1 : 0), 0);
    this.pelletsEaten = 0;
  }

  private startLife(): void {
    place(this.player, PLAYER_START, 'left');
    this.player.wanted = 'left';
    this.player.moving = false;
    this.ghosts.forEach(resetGhost);
    this.frightSeconds = 0;
    this.fruitSeconds = 0;
    this.modeIndex = 0;
    this.modeSeconds = 0;
    this.popups = [];
    this.enter('ready');
  }
}
