// A worker of a program's own.
import * as tf from '../../dist/index.js';
import { serveModels } from '../../dist/worker.js';

await serveModels({ own: (a, b) => tf.losses.meanSquaredError(a, b) });
