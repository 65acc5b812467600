import { DIRECTIONS, OPPOSITE, STEP, type Direction } from './direction.js';
import {
  COLS,
  HOUSE_CENTRE,
  HOUSE_EXIT,
  ROWS,
  distancesTo,
  isCorridor,
  isTunnel,
  isWall,
  neighbour,
  tileIndex,
  type Tile,
} from './maze.js';
import { place, reverse, walk, type Mover } from './mover.js';
import type { Random } from './rng.js';

/** Whether ghosts hunt the player or retire to their corners. */
export type Mode = 'chase' | 'scatter';

/** The four characters, named after how they hunt. */
export const GHOST_NAMES = ['chaser', 'ambusher', 'flanker', 'drifter'] as const;
export type GhostName = (typeof GHOST_NAMES)[number];

/**
 * `home`: waits in the house; `leaving`: on its way out; `roaming`: in the maze; `eaten`: only
 * eyes, on the shortest way home.
 */
export type GhostState = 'home' | 'leaving' | 'roaming' | 'eaten';

export interface Ghost extends Mover {
  readonly name: GhostName;
  state: GhostState;
  frightened: boolean;
  /** Seconds it still waits in the house. */
  wait: number;
}

/** What a ghost sees when it chooses where to go. */
export interface View {
  readonly mode: Mode;
  readonly player: Mover;
  readonly chaser: Mover;
  readonly random: Random;
}

/** Corner each ghost retires to; outside the maze, so that it circles there. */
const CORNER: Readonly<Record<GhostName, Tile>> = {
  chaser: { col: COLS - 2, row: -1 },
  ambusher: { col: 1, row: -1 },
  flanker: { col: COLS - 1, row: ROWS },
  drifter: { col: 0, row: ROWS },
};

const START: Readonly<Record<GhostName, { tile: Tile; dir: Direction; wait: number }>> = {
  chaser: { tile: HOUSE_EXIT, dir: 'left', wait: 0 },
  ambusher: { tile: HOUSE_CENTRE, dir: 'up', wait: 2 },
  flanker: { tile: { col: HOUSE_CENTRE.col - 1, row: HOUSE_CENTRE.row }, dir: 'right', wait: 6 },
  drifter: { tile: { col: HOUSE_CENTRE.col + 1, row: HOUSE_CENTRE.row }, dir: 'left', wait: 10 },
};

/** Speeds as parts of the player's. */
const SPEED = { normal: 0.88, frightened: 0.55, tunnel: 0.5, leaving: 0.5, eaten: 2 } as const;

/** The drifter loses interest nearer than this many tiles. */
const DRIFTER_SHY_AT = 6;

/** Order in which equally good turns are taken, as in the arcade. */
const TURN_ORDER: readonly Direction[] = ['up', 'left', 'down', 'right'];

const notWall = (col: number, row: number): boolean => !isWall(col, row);
const HOMEWARD = distancesTo(HOUSE_CENTRE, notWall);

/** A ghost at its start. */
export function newGhost(name: GhostName): Ghost {
  const ghost: Ghost = {
    name,
    col: 0,
    row: 0,
    dir: 'left',
    progress: 0,
    state: 'home',
    frightened: false,
    wait: 0,
  };
  resetGhost(ghost);
  return ghost;
}

/** Puts a ghost back to its start, as for a new life. */
export function resetGhost(ghost: Ghost): void {
  const { tile, dir, wait } = START[ghost.name];
  place(ghost, tile, dir);
  ghost.state = ghost.name === 'chaser' ? 'roaming' : 'home';
  ghost.frightened = false;
  ghost.wait = wait;
}

const ahead = (mover: Mover, tiles: number): Tile => {
  const [dCol, dRow] = STEP[mover.dir];
  return { col: mover.col + dCol * tiles, row: mover.row + dRow * tiles };
};

/** The tile a roaming ghost heads for: this is where the four differ. */
export function target(ghost: Ghost, view: View): Tile {
  if (view.mode === 'scatter') return CORNER[ghost.name];
  switch (ghost.name) {
    case 'chaser':
      return view.player;
    case 'ambusher':
      return ahead(view.player, 4);
    case 'flanker': {
      // The far end of a line drawn from the chaser through the tile two ahead of the player.
      const pivot = ahead(view.player, 2);
      return { col: 2 * pivot.col - view.chaser.col, row: 2 * pivot.row - view.chaser.row };
    }
    case 'drifter': {
      const away = Math.hypot(ghost.col - view.player.col, ghost.row - view.player.row);
      return away > DRIFTER_SHY_AT ? view.player : CORNER.drifter;
    }
  }
}

/** The direction by which a ghost leaves the tile it stands on. */
export function chooseTurn(ghost: Ghost, view: View): Direction | null {
  if (ghost.state === 'home') return null;
  if (ghost.state === 'eaten') return homewardTurn(ghost);

  const open = ghost.state === 'leaving' ? notWall : isCorridor;
  const turns = TURN_ORDER.filter((dir) => {
    if (dir === OPPOSITE[ghost.dir]) return false;
    const { col, row } = neighbour(ghost, dir);
    return open(col, row);
  });
  const only = turns[0];
  if (only === undefined) return OPPOSITE[ghost.dir];
  if (turns.length === 1) return only;
  if (ghost.frightened && ghost.state === 'roaming') {
    return turns[Math.floor(view.random() * turns.length)] ?? only;
  }
  const goal = ghost.state === 'leaving' ? HOUSE_EXIT : target(ghost, view);
  const squaredDistance = (dir: Direction): number => {
    const { col, row } = neighbour(ghost, dir);
    return (col - goal.col) ** 2 + (row - goal.row) ** 2;
  };
  return turns.reduce((best, dir) => (squaredDistance(dir) < squaredDistance(best) ? dir : best));
}

/** One step down the distances to the house. */
function homewardTurn(ghost: Ghost): Direction | null {
  const here = HOMEWARD[tileIndex(ghost.col, ghost.row)] ?? 0;
  for (const dir of DIRECTIONS) {
    const { col, row } = neighbour(ghost, dir);
    if (notWall(col, row) && HOMEWARD[tileIndex(col, row)] === here - 1) return dir;
  }
  return null;
}

/** Speed of a ghost as a part of the player's. */
export function ghostSpeed(ghost: Ghost): number {
  if (ghost.state === 'eaten') return SPEED.eaten;
  if (ghost.state === 'leaving') return SPEED.leaving;
  if (isTunnel(ghost.col, ghost.row)) return SPEED.tunnel;
  return ghost.frightened ? SPEED.frightened : SPEED.normal;
}

/** Moves a ghost on by `seconds`, `playerSpeed` being in tiles a second. */
export function stepGhost(ghost: Ghost, view: View, seconds: number, playerSpeed: number): void {
  if (ghost.state === 'home') {
    ghost.wait -= seconds;
    if (ghost.wait > 0) return;
    ghost.state = 'leaving';
  }
  walk(
    ghost,
    ghostSpeed(ghost) * playerSpeed * seconds,
    () => chooseTurn(ghost, view),
    () => {
      if (ghost.state === 'leaving' && at(ghost, HOUSE_EXIT)) {
        ghost.state = 'roaming';
      } else if (ghost.state === 'eaten' && at(ghost, HOUSE_CENTRE)) {
        ghost.state = 'leaving';
        ghost.dir = 'up';
      }
    },
  );
}

const at = (mover: Mover, tile: Tile): boolean => mover.col === tile.col && mover.row === tile.row;

/** A power pellet was eaten: the ghost turns blue and, if it is out, turns round. */
export function frighten(ghost: Ghost): void {
  if (ghost.state === 'eaten') return;
  ghost.frightened = true;
  turnRound(ghost);
}

/** Turns a ghost that is out round, as on each change between chase and scatter. */
export function turnRound(ghost: Ghost): void {
  if (ghost.state === 'roaming') reverse(ghost);
}

/** The player caught a frightened ghost. */
export function eatGhost(ghost: Ghost): void {
  ghost.state = 'eaten';
  ghost.frightened = false;
}
