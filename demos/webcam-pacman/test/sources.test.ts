import assert from 'node:assert/strict';
import { test } from 'node:test';
import { splitJpegs } from '../src/sources.js';

const START = [0xff, 0xd8];
const END = [0xff, 0xd9];

test('a motion-JPEG stream is cut into its pictures', async () => {
  // An escaped 0xff 0x00 in the data, and bytes between the pictures that belong to neither.
  const first = [...START, 1, 0xff, 0x00, 2, ...END];
  const second = [...START, 3, ...END];
  const pictures = splitJpegs(Uint8Array.from([...first, 9, 9, ...second]));
  const bytes = await Promise.all(pictures.map(async (blob) => [...new Uint8Array(await blob.arrayBuffer())]));
  assert.deepEqual(bytes, [first, second]);
});

test('a picture that is cut off is left out', () => {
  assert.equal(splitJpegs(Uint8Array.from([...START, 1, ...END, ...START, 2])).length, 1);
  assert.equal(splitJpegs(new Uint8Array(0)).length, 0);
});
