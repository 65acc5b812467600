/** Weights that stay in the few bits they are stored in. */

import { tensor } from '../convert.js';
import { fromHalves } from '../halves.js';
import { add, cast, mul } from '../ops/pointwise.js';
import { run1, scoped, type Tensor } from '../tensor.js';
import type { WeightsManifestEntry } from './types.js';
import { checkQuantization, installQuantized } from './weights.js';

/** The float32 tensor of stored bytes, which are what memory holds: its values are computed anew by whatever reads them. */
const quantized = scoped((bytes: ArrayBuffer, entry: WeightsManifestEntry): Tensor => {
  const { dtype, scale, min } = checkQuantization(entry);
  const { shape } = entry;
  const whole = (from: number, step: number): Tensor => {
    const all = new Uint8Array(bytes);
    return cast(tensor(step === 1 ? all : all.filter((_, i) => i % step === from), shape, 'uint8'), 'float32');
  };
  const halves = dtype === 'float16';
  const values = (): Tensor => add(mul(dtype === 'uint8' ? whole(0, 1) : add(mul(whole(1, 2), 256), whole(0, 2)), scale), min);
  const made = run1('recomputed', [halves ? cast(tensor(fromHalves(new Uint16Array(bytes), dtype), shape, dtype), 'float32') : values()]);
  const { data_ } = made;
  data_.counts.bytes += bytes.byteLength - data_.bytes;
  data_.bytes = bytes.byteLength;
  return made;
});

/** Has models be loaded with the option `keepQuantized`. */
export const installQuantizedWeights = (): void => installQuantized(quantized);
