// The examples do what they say.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fitQuadratic, learnDigits, learnThroughRounding, secondDerivative, secondDerivativeExact } from '../examples/basics.mjs';

const DIGITS = new URL('../../tests/fixtures/digits.csv.gz', import.meta.url);

test('a curve is fitted', async () => {
  const { truth, found } = await fitQuadratic();
  truth.forEach((value, i) => assert.ok(Math.abs(found[i] - value) < 0.02, String(found)));
});

test('a network reads digits', async () => {
  const accuracy = await learnDigits(DIGITS);
  assert.ok(accuracy > 0.9, String(accuracy));
});

test('second derivatives and custom gradients', () => {
  const at = [0.5, 1, 2];
  secondDerivative(at).forEach((value, i) => assert.ok(Math.abs(value - secondDerivativeExact(at[i])) < 1e-4, String(value)));
  assert.equal(learnThroughRounding(), 3);
});
