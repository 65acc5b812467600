// Trains in a program of its own, which ends without warning at a point that it is given; else prints what it came to.
// Arguments: the training, the folder of its checkpoint, JSON of { saveFreq, seed, threads, afterBatches, atFileCall, tells }.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import * as tf from '../../dist/index.js';
import { outcome, runs } from './runs.mjs';

const [, , name, folder, json] = process.argv;
const { saveFreq, seed, threads, afterBatches = Infinity, atFileCall = Infinity, tells = false } = JSON.parse(json);
const die = () => process.kill(process.pid, 'SIGKILL');

/** Ends the program at a call of the file system; one that writes is ended half way. */
let calls = 0;
for (const call of ['writeFile', 'rename', 'rm', 'rmdir', 'mkdir']) {
  const original = fs.promises[call];
  fs.promises[call] = async (path, ...args) => {
    if (String(path).startsWith(folder) && ++calls > atFileCall) {
      if (call === 'writeFile') fs.writeFileSync(path, args[0].slice(0, args[0].length >> 1));
      die();
      await new Promise(() => {});
    }
    return original(path, ...args);
  };
}
syncBuiltinESMExports();

if (threads !== undefined) tf.setThreadsCount(threads);
await tf.setBackend('cpu');
tf.setSeed(seed);
const { model, fit } = runs[name]();
let batches = 0;
const killer = {
  onBatchEnd: async () => {
    if (++batches > afterBatches) die();
    if (tells) process.stderr.write('#');
  },
};
const history = await fit([tf.callbacks.backupAndRestore(`file://${folder}`, { saveFreq }), killer]);
console.log(await outcome(model, history));
