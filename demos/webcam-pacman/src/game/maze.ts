import { DIRECTIONS, STEP, type Direction } from './direction.js';

/** A tile, counted from the top left. */
export interface Tile {
  readonly col: number;
  readonly row: number;
}

/**
 * The maze: `#` wall, `.` pellet, `o` power pellet, `-` door of the ghost house, `G` its inside,
 * blank an empty corridor. The row open at both sides is the tunnel.
 */
const LAYOUT = [
  '#####################',
  '#.........#.........#',
  '#.###.###.#.###.###.#',
  '#o###.###.#.###.###o#',
  '#...................#',
  '#.###.#.#####.#.###.#',
  '#.....#...#...#.....#',
  '#####.### # ###.#####',
  '#####.#       #.#####',
  '#####.# ##-## #.#####',
  '     .  #GGG#  .     ',
  '#####.# ##### #.#####',
  '#####.#       #.#####',
  '#####.# ##### #.#####',
  '#.........#.........#',
  '#.###.###.#.###.###.#',
  '#o..#..... .....#..o#',
  '###.#.#.#####.#.#.###',
  '#.....#...#...#.....#',
  '#.#######.#.#######.#',
  '#...................#',
  '#####################',
] as const;

export const COLS = LAYOUT[0].length;
export const ROWS = LAYOUT.length;

/** Where the player starts every life. */
export const PLAYER_START: Tile = { col: 10, row: 16 };
/** The corridor tile above the door: ghosts appear here and return here. */
export const HOUSE_EXIT: Tile = { col: 10, row: 8 };
/** The middle of the ghost house. */
export const HOUSE_CENTRE: Tile = { col: 10, row: 10 };
/** Where fruit appears. */
export const FRUIT_TILE: Tile = { col: 10, row: 12 };
/** The row that leaves the maze at one side and enters at the other. */
export const TUNNEL_ROW = 10;

export const PELLET = 1;
export const POWER_PELLET = 2;

const symbolAt = (col: number, row: number): string => LAYOUT[row]?.[col] ?? '#';

/** Index of a tile in the arrays that hold one entry a tile. */
export const tileIndex = (col: number, row: number): number => row * COLS + col;

/** Whether a tile is wall. Outside the maze everything is, bar the tunnel's ends. */
export const isWall = (col: number, row: number): boolean => symbolAt(col, row) === '#';

/** Whether a tile is the door of the ghost house. */
export const isDoor = (col: number, row: number): boolean => symbolAt(col, row) === '-';

/** Whether a tile lies in the part of the tunnel that slows ghosts down. */
export const isTunnel = (col: number, row: number): boolean =>
  row === TUNNEL_ROW && (col < 5 || col >= COLS - 5);

/** Whether the player, and a ghost that is out, may stand on the tile. */
export function isCorridor(col: number, row: number): boolean {
  const symbol = symbolAt(col, row);
  return symbol !== '#' && symbol !== '-' && symbol !== 'G';
}

/** The tile one step on; the tunnel wraps round. */
export function neighbour(tile: Tile, direction: Direction): Tile {
  const [dCol, dRow] = STEP[direction];
  return { col: (tile.col + dCol + COLS) % COLS, row: tile.row + dRow };
}

/** A fresh set of pellets, one entry a tile: 0, `PELLET` or `POWER_PELLET`. */
export function freshPellets(): Uint8Array {
  const pellets = new Uint8Array(COLS * ROWS);
  for (let row = 0; row < ROWS; row++) {
    for (let col = 0; col < COLS; col++) {
      const symbol = symbolAt(col, row);
      if (symbol === '.') pellets[tileIndex(col, row)] = PELLET;
      if (symbol === 'o') pellets[tileIndex(col, row)] = POWER_PELLET;
    }
  }
  return pellets;
}

/**
 * Steps from every tile to `goal` for a walker that may stand on tiles for which `open` holds
 * (breadth first); -1 where there is no way.
 */
export function distancesTo(goal: Tile, open: (col: number, row: number) => boolean): Int16Array {
  const distances = new Int16Array(COLS * ROWS).fill(-1);
  distances[tileIndex(goal.col, goal.row)] = 0;
  let frontier: Tile[] = [goal];
  for (let steps = 1; frontier.length > 0; steps++) {
    const next: Tile[] = [];
    for (const tile of frontier) {
      for (const direction of DIRECTIONS) {
        const { col, row } = neighbour(tile, direction);
        if (!open(col, row) || distances[tileIndex(col, row)] !== -1) continue;
        distances[tileIndex(col, row)] = steps;
        next.push({ col, row });
      }
    }
    frontier = next;
  }
  return distances;
}
