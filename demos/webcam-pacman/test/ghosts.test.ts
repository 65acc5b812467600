import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  GHOST_NAMES,
  chooseTurn,
  eatGhost,
  frighten,
  newGhost,
  stepGhost,
  target,
  type Ghost,
  type View,
} from '../src/game/ghosts.js';
import { COLS, HOUSE_EXIT, ROWS, isCorridor } from '../src/game/maze.js';
import { place, type Mover } from '../src/game/mover.js';
import { seededRandom } from '../src/game/rng.js';

const player: Mover = { col: 10, row: 16, dir: 'left', progress: 0 };
const chaserAt: Mover = { col: 5, row: 4, dir: 'left', progress: 0 };
const chase: View = { mode: 'chase', player, chaser: chaserAt, random: seededRandom(1) };
const scatter: View = { ...chase, mode: 'scatter' };

test('the chaser heads for the player', () => {
  const { col, row } = target(newGhost('chaser'), chase);
  assert.deepEqual([col, row], [10, 16]);
});

test('the ambusher heads for four tiles ahead of the player', () => {
  assert.deepEqual(target(newGhost('ambusher'), chase), { col: 6, row: 16 });
});

test('the flanker mirrors the chaser about two tiles ahead of the player', () => {
  assert.deepEqual(target(newGhost('flanker'), chase), { col: 2 * 8 - 5, row: 2 * 16 - 4 });
});

test('the drifter hunts from afar and retires when near', () => {
  const drifter = newGhost('drifter');
  place(drifter, { col: 1, row: 1 }, 'left');
  const far = target(drifter, chase);
  assert.deepEqual([far.col, far.row], [10, 16]);
  place(drifter, { col: 9, row: 14 }, 'left');
  assert.deepEqual(target(drifter, chase), target(drifter, scatter));
});

test('each ghost has a corner of its own', () => {
  const corners = GHOST_NAMES.map((name) => target(newGhost(name), scatter));
  assert.equal(new Set(corners.map(({ col, row }) => `${col},${row}`)).size, 4);
  for (const { row } of corners) assert.ok(row < 0 || row >= ROWS);
});

test('a roaming ghost never turns back of itself', () => {
  const ghost = newGhost('chaser');
  place(ghost, { col: 5, row: 4 }, 'right');
  // The player is behind it, yet it must go on.
  const behind: View = { ...chase, player: { ...player, col: 1, row: 4 } };
  assert.notEqual(chooseTurn(ghost, behind), 'left');
});

const run = (ghost: Ghost, view: View, seconds: number, each?: () => void): void => {
  for (let step = 0; step < seconds * 60; step++) {
    stepGhost(ghost, view, 1 / 60, 5);
    each?.();
  }
};

test('ghosts wait in the house for their turn and then leave it', () => {
  for (const name of ['ambusher', 'flanker', 'drifter'] as const) {
    const ghost = newGhost(name);
    const { wait } = ghost;
    run(ghost, scatter, wait - 0.5);
    assert.equal(ghost.state, 'home', name);
    run(ghost, scatter, 3);
    assert.equal(ghost.state, 'roaming', name);
    assert.ok(isCorridor(ghost.col, ghost.row), name);
  }
});

test('a roaming ghost stays in the corridors', () => {
  for (const view of [chase, scatter]) {
    for (const name of GHOST_NAMES) {
      const ghost = newGhost(name);
      place(ghost, HOUSE_EXIT, 'left');
      ghost.state = 'roaming';
      run(ghost, view, 60, () => {
        assert.ok(isCorridor(ghost.col, ghost.row), `${name} at ${ghost.col}, ${ghost.row}`);
        assert.ok(ghost.col >= 0 && ghost.col < COLS);
      });
    }
  }
});

test('a frightened ghost turns round and is slower', () => {
  const calm = newGhost('chaser');
  const scared = newGhost('chaser');
  for (const ghost of [calm, scared]) place(ghost, { col: 10, row: 4 }, 'left');
  frighten(scared);
  assert.equal(scared.dir, 'right');
  stepGhost(calm, chase, 0.1, 5);
  stepGhost(scared, chase, 0.1, 5);
  assert.ok(scared.progress < calm.progress);
});

test('an eaten ghost goes home and comes out again, no longer frightened', () => {
  const ghost = newGhost('chaser');
  place(ghost, { col: 1, row: 20 }, 'left');
  frighten(ghost);
  eatGhost(ghost);
  const states = new Set<string>();
  run(ghost, chase, 20, () => states.add(ghost.state));
  assert.deepEqual([...states], ['eaten', 'leaving', 'roaming']);
  assert.equal(ghost.frightened, false);
});
