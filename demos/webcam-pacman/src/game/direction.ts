/** The four directions, in the order the classifier numbers its classes. */
export const DIRECTIONS = ['up', 'down', 'left', 'right'] as const;

/** A direction of travel in the maze, and at the same time a class of the webcam classifier. */
export type Direction = (typeof DIRECTIONS)[number];

/** Column and row step of one tile in each direction; rows grow downwards. */
export const STEP: Readonly<Record<Direction, readonly [dCol: number, dRow: number]>> = {
  up: [0, -1],
  down: [0, 1],
  left: [-1, 0],
  right: [1, 0],
};

/** The way back. */
export const OPPOSITE: Readonly<Record<Direction, Direction>> = {
  up: 'down',
  down: 'up',
  left: 'right',
  right: 'left',
};
