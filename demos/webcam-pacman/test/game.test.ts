import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DIRECTIONS } from '../src/game/direction.js';
import { Game, TICK, type GameEvent } from '../src/game/game.js';
import {
  FRUIT_TILE,
  PELLET,
  POWER_PELLET,
  TUNNEL_ROW,
  isCorridor,
  tileIndex,
} from '../src/game/maze.js';
import { place } from '../src/game/mover.js';
import { seededRandom } from '../src/game/rng.js';

const steps = (game: Game, seconds: number): void => {
  for (let step = 0; step < Math.round(seconds / TICK); step++) game.step();
};

/** A game past its opening pause whose ghosts stay locked in, so that nothing disturbs the player. */
function quietGame(): Game {
  const game = new Game({ seed: 7, speed: 5 });
  steps(game, 2);
  assert.equal(game.phase, 'playing');
  for (const ghost of game.ghosts) {
    ghost.state = 'home';
    ghost.wait = Infinity;
    place(ghost, { col: 10, row: 10 }, 'up');
  }
  return game;
}

const kinds = (events: GameEvent[]): string[] => events.map(({ kind }) => kind);

test('nothing moves in the opening pause', () => {
  const game = new Game();
  const before = JSON.stringify([game.player, game.ghosts]);
  steps(game, 1);
  assert.equal(game.phase, 'ready');
  assert.equal(JSON.stringify([game.player, game.ghosts]), before);
});

test('the same seed and requests replay the same game', () => {
  const play = (seed: number): string => {
    const game = new Game({ seed });
    const choose = seededRandom(99);
    for (let step = 0; step < 60 * 90; step++) {
      if (step % 20 === 0) game.request(DIRECTIONS[Math.floor(choose() * 4)] ?? 'up');
      game.step();
    }
    return JSON.stringify([game.score, game.lives, game.player, game.ghosts, [...game.pellets]]);
  };
  assert.equal(play(1), play(1));
});

test('an unsteered game ends, and the player never enters a wall', () => {
  const game = new Game({ seed: 3 });
  const choose = seededRandom(5);
  const seen: string[] = [];
  for (let step = 0; step < 60 * 600 && game.phase !== 'over'; step++) {
    if (step % 13 === 0) game.request(DIRECTIONS[Math.floor(choose() * 4)] ?? 'up');
    game.step();
    assert.ok(isCorridor(game.player.col, game.player.row));
    seen.push(...kinds(game.takeEvents()));
  }
  assert.equal(game.phase, 'over');
  assert.equal(game.lives, 0);
  assert.equal(seen.filter((kind) => kind === 'died').length, 3);
  assert.equal(seen.at(-1), 'over');
});

test('a request is kept until the maze allows it', () => {
  const game = quietGame();
  // Walls are above and below here; the way down opens at column 7.
  game.request('down');
  steps(game, 0.3);
  assert.equal(game.player.dir, 'left');
  steps(game, 0.5);
  assert.equal(game.player.dir, 'down');
  assert.equal(game.player.col, 7);
});

test('turning back needs no crossing', () => {
  const game = quietGame();
  steps(game, 0.1);
  assert.ok(game.player.progress > 0);
  game.request('right');
  game.step();
  assert.equal(game.player.dir, 'right');
});

test('a wall stops the player', () => {
  const game = quietGame();
  steps(game, 3);
  assert.equal(game.player.moving, false);
  assert.deepEqual([game.player.col, game.player.row], [5, 16]);
});

test('a pellet gives ten points once', () => {
  const game = quietGame();
  place(game.player, { col: 9, row: 4 }, 'right');
  game.request('right');
  assert.equal(game.pellets[tileIndex(10, 4)], PELLET);
  steps(game, 0.25);
  assert.equal(game.score, 10);
  assert.equal(game.pellets[tileIndex(10, 4)], 0);
  place(game.player, { col: 9, row: 4 }, 'right');
  steps(game, 0.25);
  assert.equal(game.score, 10);
});

test('a power pellet frightens the ghosts for a while', () => {
  const game = quietGame();
  assert.equal(game.pellets[tileIndex(1, 3)], POWER_PELLET);
  place(game.player, { col: 1, row: 4 }, 'up');
  game.request('up');
  steps(game, 0.25);
  assert.equal(game.score, 50);
  assert.ok(game.ghosts.every((ghost) => ghost.frightened));
  steps(game, game.frightDuration);
  assert.ok(game.ghosts.every((ghost) => !ghost.frightened));
});

test('ghosts eaten in a row are worth 200, 400, 800 and 1600', () => {
  const game = quietGame();
  place(game.player, { col: 1, row: 4 }, 'up');
  game.request('up');
  steps(game, 0.25);
  game.takeEvents();
  for (const ghost of game.ghosts) {
    ghost.state = 'roaming';
    place(ghost, game.player, 'up');
    game.step();
  }
  const points = game.takeEvents().map((event) => (event.kind === 'ghost' ? event.points : event));
  assert.deepEqual(points, [200, 400, 800, 1600]);
});

test('a ghost costs a life, and the next life starts over with the pellets as they were', () => {
  const game = quietGame();
  place(game.player, { col: 9, row: 4 }, 'right');
  game.request('right');
  steps(game, 0.25);
  const [ghost] = game.ghosts;
  assert.ok(ghost);
  ghost.state = 'roaming';
  place(ghost, game.player, 'left');
  game.step();
  assert.equal(game.phase, 'dying');
  assert.equal(game.lives, 2);
  steps(game, 1.5);
  assert.equal(game.phase, 'ready');
  assert.deepEqual([game.player.col, game.player.row], [10, 16]);
  assert.equal(game.pellets[tileIndex(10, 4)], 0);
  assert.equal(game.score, 10);
});

test('the last pellet leads to the next, faster level', () => {
  const game = quietGame();
  game.pellets.fill(0);
  game.pellets[tileIndex(10, 4)] = PELLET;
  game.pelletsLeft = 1;
  place(game.player, { col: 9, row: 4 }, 'right');
  game.request('right');
  const { speed } = game;
  steps(game, 0.25);
  assert.equal(game.phase, 'cleared');
  steps(game, 2);
  assert.equal(game.level, 2);
  assert.ok(game.speed > speed);
  assert.ok(game.pelletsLeft > 100);
});

test('fruit appears after fifty pellets and can be eaten', () => {
  const game = quietGame();
  let eaten = 0;
  for (let index = 0; index < game.pellets.length && eaten < 49; index++) {
    if (game.pellets[index] !== PELLET || index === tileIndex(10, 4)) continue;
    game.pellets[index] = 0;
    eaten++;
  }
  // Forty-nine were taken off the board by hand; let the rules count them.
  Object.assign(game, { pelletsEaten: 49 });
  place(game.player, { col: 9, row: 4 }, 'right');
  game.request('right');
  steps(game, 0.25);
  assert.ok(game.fruitSeconds > 0);
  const before = game.score;
  place(game.player, { col: FRUIT_TILE.col - 1, row: FRUIT_TILE.row }, 'right');
  steps(game, 0.25);
  assert.equal(game.fruitSeconds, 0);
  assert.equal(game.score, before + game.fruitPoints);
  assert.ok(kinds(game.takeEvents()).includes('fruit'));
});

test('the tunnel carries the player across', () => {
  const game = quietGame();
  place(game.player, { col: 0, row: TUNNEL_ROW }, 'left');
  game.request('left');
  steps(game, 0.25);
  assert.equal(game.player.col, 20);
});

test('ten thousand points give one extra life', () => {
  const game = quietGame();
  game.score = 9_995;
  place(game.player, { col: 9, row: 4 }, 'right');
  game.request('right');
  steps(game, 0.5);
  assert.equal(game.lives, 4);
  assert.deepEqual(kinds(game.takeEvents()), ['extraLife']);
});

test('ghosts scatter first, then chase', () => {
  const game = quietGame();
  assert.equal(game.mode, 'scatter');
  steps(game, 7.1);
  assert.equal(game.mode, 'chase');
  steps(game, 20.1);
  assert.equal(game.mode, 'scatter');
});
