// Tests of what users of TensorFlow.js reported in its tracker.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

/** What is still open, by the name of its test: why, and what the failure says. */
export const gaps = JSON.parse(readFileSync(new URL('known-gaps.json', import.meta.url), 'utf8'));

/** A test that begins with the numbers of the issues. Where `known-gaps.json` lists it, it is to fail as said there. */
export function issue(name, body) {
  test(name, async () => {
    const gap = gaps[name];
    if (gap === undefined) return body();
    let failure;
    try {
      await body();
    } catch (error) {
      failure = error;
    }
    assert.ok(failure !== undefined, 'the gap has closed: take it off known-gaps.json');
    assert.ok(failure.message.includes(gap.failure), `expected a failure that says "${gap.failure}", received ${failure.message}`);
  });
}
