import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DIRECTIONS } from '../src/game/direction.js';
import {
  COLS,
  FRUIT_TILE,
  HOUSE_CENTRE,
  HOUSE_EXIT,
  PLAYER_START,
  POWER_PELLET,
  ROWS,
  TUNNEL_ROW,
  distancesTo,
  freshPellets,
  isCorridor,
  isWall,
  neighbour,
  tileIndex,
} from '../src/game/maze.js';

function* tiles(): Generator<{ col: number; row: number }> {
  for (let row = 0; row < ROWS; row++) for (let col = 0; col < COLS; col++) yield { col, row };
}

test('the maze is its own mirror image', () => {
  for (const { col, row } of tiles()) {
    assert.equal(isWall(col, row), isWall(COLS - 1 - col, row), `column ${col}, row ${row}`);
  }
});

test('the player can reach every corridor tile', () => {
  const distances = distancesTo(PLAYER_START, isCorridor);
  for (const { col, row } of tiles()) {
    if (!isCorridor(col, row)) continue;
    assert.notEqual(distances[tileIndex(col, row)], -1, `column ${col}, row ${row}`);
  }
});

test('no corridor ends blind', () => {
  for (const tile of tiles()) {
    if (!isCorridor(tile.col, tile.row)) continue;
    const ways = DIRECTIONS.filter((dir) => {
      const { col, row } = neighbour(tile, dir);
      return isCorridor(col, row);
    });
    assert.ok(ways.length >= 2, `column ${tile.col}, row ${tile.row} has ${ways.length} ways`);
  }
});

test('there are four power pellets, and none under the player, the fruit or the ghosts', () => {
  const pellets = freshPellets();
  assert.equal(pellets.filter((pellet) => pellet === POWER_PELLET).length, 4);
  for (const { col, row } of [PLAYER_START, FRUIT_TILE, HOUSE_EXIT, HOUSE_CENTRE]) {
    assert.equal(pellets[tileIndex(col, row)], 0);
  }
});

test('the tunnel leads from one side to the other', () => {
  assert.deepEqual(neighbour({ col: 0, row: TUNNEL_ROW }, 'left'), { col: COLS - 1, row: TUNNEL_ROW });
  assert.deepEqual(neighbour({ col: COLS - 1, row: TUNNEL_ROW }, 'right'), { col: 0, row: TUNNEL_ROW });
});

test('only the door joins the ghost house to the corridors', () => {
  const throughCorridors = distancesTo(HOUSE_CENTRE, isCorridor);
  assert.equal(throughCorridors[tileIndex(HOUSE_EXIT.col, HOUSE_EXIT.row)], -1);
  const throughDoor = distancesTo(HOUSE_CENTRE, (col, row) => !isWall(col, row));
  assert.equal(throughDoor[tileIndex(HOUSE_EXIT.col, HOUSE_EXIT.row)], 2);
});
