/** Weights from bytes that arrive one after the other. */

import { coded, type NamedTensorMap } from '../types.js';
import { bytesOf } from './buffers.js';
import type { WeightsManifestEntry } from './types.js';
import { decoder } from './weights.js';

/** As `decodeWeights`, of bytes that arrive one after the other. */
export async function decodeWeightsStream(stream: ReadableStream<ArrayBuffer | Uint8Array>, specs: readonly WeightsManifestEntry[]): Promise<NamedTensorMap> {
  const reader = stream.getReader();
  let rest = new Uint8Array(0);
  const take = async (length: number): Promise<ArrayBuffer> => {
    const out = new Uint8Array(length);
    for (let at = 0; at < length; ) {
      if (rest.length === 0) {
        const { done, value } = await reader.read();
        if (done) throw coded('format', `Reader is done but ${length - at} bytes are still expected`);
        rest = bytesOf(value) as Uint8Array<ArrayBuffer>;
      }
      const part = rest.subarray(0, length - at);
      out.set(part, at);
      at += part.length;
      rest = rest.subarray(part.length);
    }
    return out.buffer;
  };
  const out: NamedTensorMap = {};
  for (const entry of specs) {
    const steps = decoder(entry);
    let step = steps.next();
    while (!step.done) step = steps.next(await take(step.value));
    out[entry.name] = step.value;
  }
  return out;
}
