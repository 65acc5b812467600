import type { Direction } from './direction.js';
import type { GhostName } from './ghosts.js';

/** Colours of the maze and all that moves in it; the page's CSS uses the same ones. */
export const PALETTE = {
  background: '#06060f',
  wallEdge: '#3d5afe',
  wallFill: '#0b0e2a',
  door: '#ff9ecb',
  pellet: '#ffd9b8',
  player: '#ffd93d',
  frightened: '#2f3dff',
  frightenedEnding: '#f2f2ff',
  eye: '#ffffff',
  pupil: '#1a237e',
  text: '#f4f4ff',
  fruit: '#ff4d5e',
  stem: '#7bd67b',
} as const;

export const GHOST_COLOUR: Readonly<Record<GhostName, string>> = {
  chaser: '#ff4d5e',
  ambusher: '#ff8fd0',
  flanker: '#35e0e0',
  drifter: '#ffa94d',
};

/** Colour of each class in the page. */
export const CLASS_COLOUR: Readonly<Record<Direction, string>> = {
  up: '#35e0e0',
  down: '#ffa94d',
  left: '#ff8fd0',
  right: '#8ce36b',
};
