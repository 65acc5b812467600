/** Weights as bytes. */

import { tensor } from '../convert.js';
import { wasm } from '../runtime.js';
import { fromRecords, type Tensor } from '../tensor.js';
import { fromHalves } from '../halves.js';
import { lacks } from '../lacking.js';
import { ARRAYS, BYTES, coded, type NamedTensorMap } from '../types.js';
import { sizeFromShape } from '../util.js';
import { CompositeArrayBuffer } from './buffers.js';
import type { Quantization, WeightData, WeightsManifestEntry } from './types.js';

/** Bytes that a weight takes; NaN where only the bytes tell. */
export function entryBytes({ name, shape, dtype, quantization }: WeightsManifestEntry): number {
  if (dtype === 'string') return NaN;
  const width = quantization === undefined ? BYTES[dtype] : quantization.dtype === 'uint8' ? 1 : 2;
  if (width === undefined) throw coded('dtype', `Unsupported dtype in weight '${name}': ${dtype}`);
  return sizeFromShape(shape) * width;
}

/** What makes floats of half precision ones. */
export const getFloat16Decoder = () => (halves: Uint16Array): Float32Array => fromHalves(halves, 'float16');

/** How a weight was stored with fewer bits. */
export function checkQuantization({ name, quantization }: WeightsManifestEntry): Required<Pick<Quantization, 'dtype' | 'scale' | 'min'>> {
  const { dtype: stored, scale, min } = quantization as Quantization;
  if (stored === 'float16') return { dtype: stored, scale: 1, min: 0 };
  if (stored !== 'uint8' && stored !== 'uint16') {
    throw coded('format', `Weight ${name} has unknown quantization dtype ${String(stored)}. Supported quantization dtypes are: 'uint8', 'uint16', and 'float16'.`);
  }
  if (scale === undefined || min === undefined) throw coded('format', `Weight ${name} with quantization ${stored} doesn't have corresponding metadata min and scale.`);
  return { dtype: stored, scale, min };
}

/** Their values. */
function dequantize(bytes: ArrayBuffer, entry: WeightsManifestEntry): Float32Array | Int32Array {
  const { dtype: stored, scale, min } = checkQuantization(entry);
  if (stored === 'float16') return getFloat16Decoder()(new Uint16Array(bytes));
  const values = stored === 'uint8' ? new Uint8Array(bytes) : new Uint16Array(bytes);
  return entry.dtype === 'int32' ? Int32Array.from(values, (v) => Math.round(v * scale + min)) : Float32Array.from(values, (v) => v * scale + min);
}

/** See `quantized.ts`. */
let kept = lacks('keepQuantized') as (bytes: ArrayBuffer, entry: WeightsManifestEntry) => Tensor;

/** Has weights stay in the bits they are stored in where that is asked for. */
export const installQuantized = (by: typeof kept): void => void (kept = by);

/** Asks for numbers of bytes and makes a tensor of them. */
export function* decoder(entry: WeightsManifestEntry, keepQuantized = false): Generator<number, Tensor, ArrayBuffer> {
  const { shape, dtype } = entry;
  if (dtype === 'string') {
    const texts: Uint8Array[] = [];
    // Of each text its length and its bytes.
    for (let i = sizeFromShape(shape); i > 0; i--) texts.push(new Uint8Array(yield new Uint32Array(yield 4)[0] as number));
    return tensor(texts, shape, dtype);
  }
  const bytes = yield entryBytes(entry);
  if (entry.quantization !== undefined) return keepQuantized && dtype === 'float32' ? kept(bytes, entry) : tensor(dequantize(bytes, entry), shape, dtype);
  if (dtype === 'complex64') {
    return fromRecords(wasm().tensorFromLanes(new Uint32Array(bytes), 0, Uint32Array.from([...shape, 2])), undefined, dtype)[0] as Tensor;
  }
  return tensor(BYTES[dtype] === 2 ? fromHalves(new Uint16Array(bytes), dtype) : new ARRAYS[dtype as 'float32'](bytes), shape, dtype);
}

/** The tensors that bytes hold, in the order of their specifications. See `LoadOptions` for `keepQuantized`. */
export function decodeWeights(data: WeightData, specs: readonly WeightsManifestEntry[], keepQuantized = false): NamedTensorMap {
  const bytes = new CompositeArrayBuffer(data);
  const out: NamedTensorMap = {};
  let at = 0;
  for (const entry of specs) {
    const steps = decoder(entry, keepQuantized);
    let step = steps.next();
    while (!step.done) {
      const needed = step.value;
      if (at + needed > bytes.byteLength) {
        throw coded('format', `Weight '${entry.name}': expected ${needed} bytes at offset ${at}, received ${bytes.byteLength - at}`);
      }
      step = steps.next(bytes.slice(at, at + needed));
      at += needed;
    }
    out[entry.name] = step.value;
  }
  return out;
}

export interface NamedTensors {
  name: string;
  tensor: Tensor;
}

/** The bytes of tensors, and what they are. */
export async function encodeWeights(
  tensors: NamedTensorMap | readonly NamedTensors[],
  group?: 'model' | 'optimizer',
): Promise<{ data: ArrayBuffer; specs: WeightsManifestEntry[] }> {
  const list = Array.isArray(tensors) ? (tensors as NamedTensors[]) : Object.entries(tensors as NamedTensorMap).map(([name, t]) => ({ name, tensor: t }));
  const parts = await Promise.all(list.map(async ({ tensor: t }) => [await t.bytes()].flat().flatMap((b) => (t.dtype === 'string' ? [Uint32Array.of(b.length), b] : [b]))));
  const specs = list.map(({ name, tensor: { shape, dtype } }) => ({ name, shape, dtype, ...(group === undefined ? {} : { group }) }));
  return { data: CompositeArrayBuffer.join(parts.flat()), specs };
}
