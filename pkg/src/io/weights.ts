/** Weights as bytes. */

import { tensor } from '../convert.js';
import { Tensor } from '../tensor.js';
import { BYTES, coded, type DataType, type NamedTensorMap } from '../types.js';
import type { ModelArtifacts, ModelArtifactsInfo, WeightData, WeightsManifestEntry } from './types.js';

export function concatenateArrayBuffers(buffers: WeightData): ArrayBuffer {
  const list = Array.isArray(buffers) ? buffers : [buffers];
  if (list.length === 1 && list[0] !== undefined) return list[0];
  const out = new Uint8Array(list.reduce((n, b) => n + b.byteLength, 0));
  let at = 0;
  for (const buffer of list) {
    out.set(new Uint8Array(buffer), at);
    at += buffer.byteLength;
  }
  return out.buffer;
}

/** Bytes that a weight takes. */
export function entryBytes({ shape, dtype, quantization }: WeightsManifestEntry): number {
  const size = shape.reduce((a, b) => a * b, 1);
  const width = quantization === undefined ? BYTES[dtype] : quantization.dtype === 'uint8' ? 1 : 2;
  if (width === undefined) throw coded('dtype', `Unsupported dtype in weight: ${dtype}`);
  return size * width;
}

/** IEEE half precision to float32. */
function halfToFloat(half: number): number {
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  const sign = half & 0x8000 ? -1 : 1;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function decodeEntry(bytes: ArrayBuffer, entry: WeightsManifestEntry): ArrayLike<number> {
  const { quantization, dtype } = entry;
  if (quantization === undefined) {
    const make = { float32: Float32Array, int32: Int32Array, bool: Uint8Array }[dtype];
    return new make(bytes);
  }
  const round = dtype === 'int32' ? Math.round : (x: number) => x;
  const { scale = 1, min = 0 } = quantization;
  switch (quantization.dtype) {
    case 'uint8':
      return Float32Array.from(new Uint8Array(bytes), (v) => round(v * scale + min));
    case 'uint16':
      return Float32Array.from(new Uint16Array(bytes), (v) => round(v * scale + min));
    case 'float16':
      return Float32Array.from(new Uint16Array(bytes), halfToFloat);
    default:
      throw coded('format', `Weight ${entry.name} has unknown quantization dtype ${String(quantization.dtype)}.`);
  }
}

/** The tensors that bytes hold, in the order of their specifications. */
export function decodeWeights(data: WeightData, specs: readonly WeightsManifestEntry[]): NamedTensorMap {
  const bytes = concatenateArrayBuffers(data);
  const out: NamedTensorMap = {};
  let at = 0;
  for (const entry of specs) {
    const needed = entryBytes(entry);
    if (at + needed > bytes.byteLength) {
      throw coded('format', `Weight '${entry.name}': expected ${needed} bytes at offset ${at}, received ${bytes.byteLength - at}`);
    }
    const values = decodeEntry(bytes.slice(at, at + needed), entry);
    const dtype: DataType = entry.dtype;
    out[entry.name] = tensor(values as Float32Array, entry.shape, dtype);
    at += needed;
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
  const specs: WeightsManifestEntry[] = [];
  const parts: ArrayBuffer[] = [];
  for (const { name, tensor: t } of list) {
    const data = await t.data();
    specs.push({ name, shape: t.shape, dtype: t.dtype, ...(group === undefined ? {} : { group }) });
    parts.push(data.slice().buffer as ArrayBuffer);
  }
  return { data: concatenateArrayBuffers(parts.length === 0 ? [new ArrayBuffer(0)] : parts), specs };
}

/** What is told of saved artifacts. */
export function getModelArtifactsInfoForJSON(artifacts: ModelArtifacts): ModelArtifactsInfo {
  const text = (value: unknown): number => (value === undefined ? 0 : new TextEncoder().encode(JSON.stringify(value)).length);
  return {
    dateSaved: new Date(),
    modelTopologyType: 'JSON',
    modelTopologyBytes: text(artifacts.modelTopology),
    weightSpecsBytes: text(artifacts.weightSpecs),
    weightDataBytes: artifacts.weightData === undefined ? 0 : concatenateArrayBuffers(artifacts.weightData).byteLength,
  };
}
