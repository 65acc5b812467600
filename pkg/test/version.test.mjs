import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '../dist/index.js';

test('versions are told by the names that TensorFlow.js’s parts have', () => {
  const parts = ['tfjs', 'tfjs-converter', 'tfjs-core', 'tfjs-data', 'tfjs-layers'];
  assert.deepEqual(Object.keys(tf.version).sort(), ['headwater', ...parts]);
  for (const part of [tf.version_core, tf.version_converter, tf.version_layers, ...parts.map((name) => tf.version[name])]) assert.equal(part, '4.22.0');
});
