import { OPPOSITE, STEP, type Direction } from './direction.js';
import { COLS, neighbour, type Tile } from './maze.js';

/**
 * Something that walks from tile centre to tile centre. `progress` is the part of the way, in
 * [0, 1), from the centre of its tile to the next one in direction `dir`.
 */
export interface Mover {
  col: number;
  row: number;
  dir: Direction;
  progress: number;
}

/** Where the mover is, in tiles; inside the tunnel's ends it may lie up to a tile outside. */
export function position(mover: Mover): { x: number; y: number } {
  const [dCol, dRow] = STEP[mover.dir];
  return { x: mover.col + dCol * mover.progress, y: mover.row + dRow * mover.progress };
}

/** Distance between two movers in tiles, round the tunnel where that is shorter. */
export function distance(a: Mover, b: Mover): number {
  const from = position(a);
  const to = position(b);
  const dx = Math.abs(from.x - to.x);
  return Math.hypot(Math.min(dx, COLS - dx), from.y - to.y);
}

/** Puts a mover on the centre of a tile. */
export function place(mover: Mover, tile: Tile, dir: Direction): void {
  mover.col = tile.col;
  mover.row = tile.row;
  mover.dir = dir;
  mover.progress = 0;
}

/** Turns a mover round where it is, also between two tiles. */
export function reverse(mover: Mover): void {
  if (mover.progress > 0) {
    Object.assign(mover, neighbour(mover, mover.dir));
    mover.progress = 1 - mover.progress;
  }
  mover.dir = OPPOSITE[mover.dir];
}

/**
 * Walks `way` tiles on. At each tile centre `steer` gives the direction to leave by, or null to
 * stay; `arrive` is called on each tile reached.
 */
export function walk(
  mover: Mover,
  way: number,
  steer: () => Direction | null,
  arrive: () => void,
): void {
  let left = way;
  while (left > 0) {
    if (mover.progress === 0) {
      const dir = steer();
      if (dir === null) return;
      mover.dir = dir;
    }
    const toCentre = 1 - mover.progress;
    if (left < toCentre) {
      mover.progress += left;
      return;
    }
    left -= toCentre;
    Object.assign(mover, neighbour(mover, mover.dir));
    mover.progress = 0;
    arrive();
  }
}
