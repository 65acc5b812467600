import { STEP } from './direction.js';
import type { Game } from './game.js';
import type { Ghost } from './ghosts.js';
import {
  COLS,
  FRUIT_TILE,
  PELLET,
  PLAYER_START,
  POWER_PELLET,
  ROWS,
  isDoor,
  isWall,
  tileIndex,
} from './maze.js';
import { position, type Mover } from './mover.js';
import { GHOST_COLOUR, PALETTE } from './palette.js';

const TAU = 2 * Math.PI;
/** Frightened ghosts blink when so many seconds are left. */
const BLINK_SECONDS = 2;

export interface RenderOptions {
  /** Leaves out blinking, pulsing and wobbling. */
  readonly reducedMotion: boolean;
}

/** Draws a {@link Game} on a canvas; lengths are in tiles, scaled to the canvas. */
export class Renderer {
  private readonly context: CanvasRenderingContext2D;
  private walls: OffscreenCanvas | null = null;
  private tile = 0;
  private clock = 0;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly options: RenderOptions,
  ) {
    const context = canvas.getContext('2d', { alpha: false });
    if (context === null) throw new Error('The browser gives no 2D context for the game canvas.');
    this.context = context;
  }

  /** Fits the backing store to `cssWidth` pixels at the device's pixel ratio. */
  resize(cssWidth: number, pixelRatio: number): void {
    const tile = Math.max(6, Math.floor((cssWidth * Math.min(pixelRatio, 2)) / COLS));
    if (tile === this.tile) return;
    this.tile = tile;
    this.canvas.width = tile * COLS;
    this.canvas.height = tile * ROWS;
    this.walls = null;
  }

  /** Draws the game as it is, `seconds` after the last picture; READY! only once it has `started`. */
  draw(game: Game, seconds: number, started: boolean): void {
    if (this.tile === 0) return;
    this.clock += seconds;
    this.walls ??= drawWalls(this.tile);
    const { context } = this;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.globalAlpha = game.phase === 'cleared' && this.blink(4) ? 0.35 : 1;
    context.fillStyle = PALETTE.background;
    context.fillRect(0, 0, this.canvas.width, this.canvas.height);
    context.drawImage(this.walls, 0, 0);
    context.globalAlpha = 1;
    // From here on a unit is a tile and (0, 0) the centre of the first one.
    context.setTransform(this.tile, 0, 0, this.tile, this.tile / 2, this.tile / 2);

    this.drawPellets(game);
    if (game.fruitSeconds > 0) this.drawFruit();
    if (game.phase !== 'over') this.acrossTunnel(game.player, () => this.drawPlayer(game));
    if (game.phase === 'ready' || game.phase === 'playing') {
      for (const ghost of game.ghosts) this.acrossTunnel(ghost, () => this.drawGhost(ghost, game));
    }
    this.drawPopups(game);
    if (started && game.phase === 'ready') this.drawText('READY!', 12, PALETTE.player);
    if (game.phase === 'over') this.drawText('GAME OVER', 12, GHOST_COLOUR.chaser);
  }

  /** A square wave of `hertz`; steady where motion is unwelcome. */
  private blink(hertz: number): boolean {
    return !this.options.reducedMotion && Math.floor(this.clock * hertz * 2) % 2 === 1;
  }

  private drawPellets(game: Game): void {
    const { context } = this;
    context.fillStyle = PALETTE.pellet;
    const power = this.blink(2) ? 0.18 : 0.32;
    context.beginPath();
    for (let row = 0; row < ROWS; row++) {
      for (let col = 0; col < COLS; col++) {
        const pellet = game.pellets[tileIndex(col, row)];
        if (pellet !== PELLET && pellet !== POWER_PELLET) continue;
        const radius = pellet === POWER_PELLET ? power : 0.1;
        context.moveTo(col + radius, row);
        context.arc(col, row, radius, 0, TAU);
      }
    }
    context.fill();
  }

  private drawFruit(): void {
    const { context } = this;
    const { col, row } = FRUIT_TILE;
    context.strokeStyle = PALETTE.stem;
    context.lineWidth = 0.08;
    context.beginPath();
    context.moveTo(col - 0.2, row + 0.1);
    context.quadraticCurveTo(col - 0.05, row - 0.35, col + 0.3, row - 0.4);
    context.quadraticCurveTo(col + 0.12, row - 0.1, col + 0.22, row + 0.1);
    context.stroke();
    context.fillStyle = PALETTE.fruit;
    for (const [x, y] of [[-0.22, 0.2], [0.22, 0.22]] as const) {
      context.beginPath();
      context.arc(col + x, row + y, 0.22, 0, TAU);
      context.fill();
    }
  }

  /** Draws a mover; near a tunnel's end also where it shows at the other end. */
  private acrossTunnel(mover: Mover, drawAtOrigin: () => void): void {
    const { x, y } = position(mover);
    for (const shift of [0, -COLS, COLS]) {
      const shown = x + shift;
      if (shown < -1.5 || shown > COLS + 0.5) continue;
      this.context.save();
      this.context.translate(shown, y);
      drawAtOrigin();
      this.context.restore();
    }
  }

  private drawPlayer(game: Game): void {
    const { context } = this;
    const { player } = game;
    const [dCol, dRow] = STEP[player.dir];
    let mouth = 0.6;
    if (player.moving && !this.options.reducedMotion) {
      mouth = 0.12 + 0.62 * Math.abs(Math.sin(this.clock * 11));
    }
    let radius = 0.68;
    if (game.phase === 'dying') {
      const gone = Math.min(1, game.phaseSeconds / 1.1);
      if (this.options.reducedMotion) context.globalAlpha = 1 - gone;
      else mouth = 0.6 + gone * (Math.PI - 0.6);
      if (gone === 1) radius = 0;
    }
    context.rotate(Math.atan2(dRow, dCol));
    context.fillStyle = PALETTE.player;
    context.beginPath();
    context.moveTo(-0.12, 0);
    context.arc(0, 0, radius, mouth, TAU - mouth);
    context.closePath();
    context.fill();
  }

  private drawGhost(ghost: Ghost, game: Game): void {
    const { context } = this;
    // Ghosts that wait bob on the spot.
    if (ghost.state === 'home' && !this.options.reducedMotion) {
      context.translate(0, 0.12 * Math.sin(this.clock * 5 + ghost.col));
    }
    const ending = game.frightSeconds < BLINK_SECONDS && this.blink(3);
    if (ghost.state !== 'eaten') {
      context.fillStyle = ghost.frightened
        ? ending
          ? PALETTE.frightenedEnding
          : PALETTE.frightened
        : GHOST_COLOUR[ghost.name];
      this.drawGhostBody();
    }
    if (ghost.frightened) this.drawScaredFace(ending);
    else this.drawEyes(ghost);
  }

  private drawGhostBody(): void {
    const { context } = this;
    const half = 0.66;
    const foot = 0.6;
    const sway = this.options.reducedMotion ? 0 : Math.sin(this.clock * 9) * 0.06;
    context.beginPath();
    context.arc(0, -0.04, half, Math.PI, TAU);
    context.lineTo(half, foot);
    const scallops = 3;
    const width = (2 * half) / scallops;
    for (let scallop = 0; scallop < scallops; scallop++) {
      const right = half - scallop * width;
      context.quadraticCurveTo(right - width / 4, foot - 0.3 + sway, right - width / 2, foot - 0.14);
      context.quadraticCurveTo(right - (3 * width) / 4, foot - 0.02 - sway, right - width, foot);
    }
    context.closePath();
    context.fill();
  }

  private drawEyes(ghost: Ghost): void {
    const { context } = this;
    const [dCol, dRow] = STEP[ghost.dir];
    for (const side of [-0.25, 0.25]) {
      context.fillStyle = PALETTE.eye;
      context.beginPath();
      context.ellipse(side + dCol * 0.06, -0.14 + dRow * 0.06, 0.17, 0.21, 0, 0, TAU);
      context.fill();
      context.fillStyle = PALETTE.pupil;
      context.beginPath();
      context.arc(side + dCol * 0.14, -0.14 + dRow * 0.15, 0.095, 0, TAU);
      context.fill();
    }
  }

  private drawScaredFace(pale: boolean): void {
    const { context } = this;
    context.fillStyle = pale ? GHOST_COLOUR.chaser : PALETTE.pellet;
    context.strokeStyle = context.fillStyle;
    for (const side of [-0.22, 0.22]) {
      context.beginPath();
      context.arc(side, -0.14, 0.09, 0, TAU);
      context.fill();
    }
    context.lineWidth = 0.08;
    context.beginPath();
    context.moveTo(-0.4, 0.26);
    for (let zag = 1; zag <= 4; zag++) context.lineTo(-0.4 + zag * 0.2, zag % 2 === 1 ? 0.14 : 0.26);
    context.stroke();
  }

  private drawPopups(game: Game): void {
    for (const { x, y, text, seconds } of game.popups) {
      this.context.globalAlpha = Math.min(1, seconds * 2);
      this.drawText(text, y - (this.options.reducedMotion ? 0 : 1 - seconds), PALETTE.text, x, 0.75);
    }
    this.context.globalAlpha = 1;
  }

  private drawText(text: string, row: number, colour: string, col = PLAYER_START.col, size = 1): void {
    const { context } = this;
    context.fillStyle = colour;
    context.font = `800 ${size}px ui-monospace, Menlo, Consolas, monospace`;
    context.textAlign = 'center';
    context.textBaseline = 'middle';
    context.fillText(text, col, row);
  }
}

/**
 * The walls as a picture: strokes from wall tile to wall tile, drawn wide in the edge's colour and
 * again a little narrower in the fill's, so that only their outline shows.
 */
function drawWalls(tile: number): OffscreenCanvas {
  const canvas = new OffscreenCanvas(tile * COLS, tile * ROWS);
  const context = canvas.getContext('2d');
  if (context === null) return canvas;
  context.setTransform(tile, 0, 0, tile, tile / 2, tile / 2);

  const lines = new Path2D();
  const blocks = new Path2D();
  const wall = (col: number, row: number): boolean =>
    col >= 0 && col < COLS && row >= 0 && row < ROWS && isWall(col, row);
  for (let row = 0; row < ROWS; row++) {
    for (let col = 0; col < COLS; col++) {
      if (!wall(col, row)) continue;
      const right = wall(col + 1, row);
      const below = wall(col, row + 1);
      lines.moveTo(col, row);
      lines.lineTo(col, row);
      if (right) {
        lines.moveTo(col, row);
        lines.lineTo(col + 1, row);
      }
      if (below) {
        lines.moveTo(col, row);
        lines.lineTo(col, row + 1);
      }
      if (right && below && wall(col + 1, row + 1)) blocks.rect(col, row, 1, 1);
    }
  }
  context.lineCap = 'round';
  context.lineJoin = 'round';
  const pass = (colour: string, width: number): void => {
    context.strokeStyle = colour;
    context.fillStyle = colour;
    context.lineWidth = width;
    context.stroke(lines);
    context.fill(blocks);
  };
  context.shadowColor = PALETTE.wallEdge;
  context.shadowBlur = tile * 0.35;
  pass(PALETTE.wallEdge, 0.56);
  context.shadowBlur = 0;
  pass(PALETTE.wallFill, 0.4);

  context.fillStyle = PALETTE.door;
  for (let row = 0; row < ROWS; row++) {
    for (let col = 0; col < COLS; col++) {
      if (isDoor(col, row)) context.fillRect(col - 0.7, row - 0.07, 1.4, 0.14);
    }
  }
  return canvas;
}
