/** `tf.string`: operations on texts. The sizes of results depend on values, so the host computes. */

import { tensor, toTensor } from './convert.js';
import { encodeString } from './strings.js';
import { tidy, type Tensor } from './tensor.js';
import { assert as need } from './util.js';
import { type TensorInput } from './types.js';

/** The bytes of each text. */
function bytesIn(t: Tensor): Uint8Array[] {
  return t.bytesSync();
}

/** A text with one character per byte, which makes bytes that are no UTF-8 survive. */
const binary = (bytes: Uint8Array): string => Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');

const binariesIn = (t: Tensor): string[] => bytesIn(t).map(binary);

const fromBinaries = (texts: string[]): Tensor =>
  tensor(texts.map((text) => Uint8Array.from(text, (c) => c.charCodeAt(0))), [texts.length], 'string');

/** Replaces what matches a regular expression, everywhere or the first time only. */
export function staticRegexReplace(input: TensorInput, pattern: string, rewrite: string, replaceGlobal = true): Tensor {
  return tidy(() => {
    const t = toTensor(input, 'input', 'staticRegexReplace', 'string');
    const regex = new RegExp(pattern, replaceGlobal ? 'g' : '');
    return tensor(t.dataSync<'string'>().map((text) => text.replace(regex, rewrite)), t.shape, 'string');
  });
}

function checkSplits(splits: ArrayLike<number>, size: number): void {
  let last = 0;
  for (let i = 0; i < splits.length; i++) {
    const end = splits[i];
    need(i > 0 || end === 0, `First split value must be 0, got ${end}`);
    need(end >= last && end <= size, `Invalid split value ${end}, must be in [${last}, ${size}]`);
    last = end;
  }
  need(last === size || splits.length === 0, `Last split value must be data size. Expected ${size}, got ${last}`);
}

/** The n-grams of the rows of a ragged tensor of tokens. */
export function stringNGrams(
  data: TensorInput,
  dataSplits: TensorInput,
  separator: string,
  nGramWidths: number[],
  leftPad: string,
  rightPad: string,
  padWidth: number,
  preserveShortSequences: boolean,
): { nGrams: Tensor; nGramsSplits: Tensor } {
  return tidy(() => {
    const $data = toTensor(data, 'data', 'stringNGrams', 'string');
    need($data.rank === 1, `Data must be a vector, saw: ${$data.shape}`);
    const $splits = toTensor(dataSplits, 'dataSplits', 'stringNGrams');
    need($splits.dtype === 'int32', 'Data splits must be of datatype int32');
    const splits = $splits.dataSync();
    const tokens = binariesIn($data);
    checkSplits(splits, tokens.length);
    const [between, left, right] = [separator, leftPad, rightPad].map((text) => binary(encodeString(text)));
    const grams: string[] = [];
    const addGrams = (row: string[], width: number): void => {
      const pads = Math.min(padWidth < 0 ? width - 1 : padWidth, width - 1);
      const padded = [...new Array<string>(pads).fill(left), ...row, ...new Array<string>(pads).fill(right)];
      for (let i = 0; i + width <= padded.length; i++) grams.push(padded.slice(i, i + width).join(between));
    };
    const ends = Array.from(splits, (end, i) => {
      if (i === 0 || tokens.length === 0) return 0;
      const row = tokens.slice(splits[i - 1], end);
      const before = grams.length;
      for (const width of nGramWidths) addGrams(row, width);
      if (preserveShortSequences && row.length > 0 && grams.length === before) addGrams(row, row.length + 2 * padWidth);
      return grams.length;
    });
    return { nGrams: fromBinaries(grams), nGramsSplits: tensor(ends, $splits.shape, 'int32') };
  });
}

/** Splits texts at delimiters into a sparse tensor, with a row for each text. */
export function stringSplit(input: TensorInput, delimiter: TensorInput, skipEmpty = true): { indices: Tensor; values: Tensor; shape: Tensor } {
  return tidy(() => {
    const texts = toTensor(input, 'input', 'stringSplit', 'string');
    const by = toTensor(delimiter, 'delimiter', 'stringSplit', 'string');
    need(texts.rank === 1, `Input should be Tensor1D but received shape ${texts.shape}`);
    need(by.rank === 0, `Delimiter should be a scalar but received shape ${by.shape}`);
    const [delimiters] = binariesIn(by);
    // Any one byte of the delimiter splits; without one, every byte is a part.
    const pattern = delimiters && new RegExp(`[${delimiters.replace(/[\]\\^-]/g, '\\$&')}]`);
    const rows = binariesIn(texts).map((text) => text.split(pattern).filter((part) => part !== '' || (text !== '' && !skipEmpty)));
    const values = rows.flat();
    const indices = rows.flatMap((parts, row) => parts.flatMap((_, i) => [row, i]));
    const longest = rows.reduce((most, parts) => Math.max(most, parts.length), 0);
    return {
      indices: tensor(indices, [values.length, 2], 'int32'),
      values: fromBinaries(values),
      shape: tensor([rows.length, longest], [2], 'int32'),
    };
  });
}

/** The number of a bucket for each text, which hashing its bytes gives. */
export function stringToHashBucketFast(input: TensorInput, numBuckets: number): Tensor {
  return tidy(() => {
    const t = toTensor(input, 'input', 'stringToHashBucketFast', 'string');
    need(numBuckets > 0, 'Number of buckets must be at least 1');
    const buckets = BigInt(Math.trunc(numBuckets));
    return tensor(Int32Array.from(bytesIn(t), (bytes) => Number(BigInt.asIntN(32, fingerPrint64(bytes) % buckets))), t.shape, 'int32');
  });
}

// FarmHash's Fingerprint64. Sums and products may have more than 64 bits until they are shifted to the right.
const K0 = 0xc3a5c85c97cb3127n;
const K1 = 0xb492b66fbe98f273n;
const K2 = 0x9ae16a3b2f90404fn;

const low64 = (x: bigint): bigint => BigInt.asUintN(64, x);
const mix = (x: bigint): bigint => x ^ (low64(x) >> 47n);
const rotate = (x: bigint, bits: bigint): bigint => (low64(x) >> bits) | (low64(x) << (64n - bits));

function hashPair(u: bigint, v: bigint, mul: bigint): bigint {
  const a = mix((u ^ v) * mul);
  return low64(mix((v ^ a) * mul) * mul);
}

/** The 8 bytes at an offset. */
type Word = (at: number) => bigint;

/** A hash of 32 bytes and two seeds. */
function hashSeeded(word: Word, at: number, a: bigint, b: bigint): [bigint, bigint] {
  const first = a + word(at);
  const last = word(at + 24);
  const sum = first + word(at + 8) + word(at + 16);
  return [low64(sum + last), low64(rotate(b + first + last, 21n) + rotate(sum, 44n) + first)];
}

/** The hash of at most 64 bytes. */
function hashShort(view: DataView, word: Word, length: number): bigint {
  const size = BigInt(length);
  const mul = K2 + size * 2n;
  if (length === 0) return K2;
  if (length < 4) {
    const y = BigInt(view.getUint8(0) + (view.getUint8(length >> 1) << 8));
    const z = BigInt(view.getUint8(length - 1)) * 4n + size;
    return low64(mix((y * K2) ^ (z * K0)) * K2);
  }
  if (length < 8) return hashPair(BigInt(view.getUint32(0, true)) * 8n + size, BigInt(view.getUint32(length - 4, true)), mul);
  const first = word(0);
  const last = word(length - 8);
  if (length <= 16) return hashPair(rotate(last, 37n) * mul + first + K2, (rotate(first + K2, 25n) + last) * mul, mul);
  const a = first * (length > 32 ? K2 : K1);
  const b = word(8);
  const c = last * mul;
  const y = rotate(a + b, 43n) + rotate(c, 30n) + word(length - 16) * K2;
  const z = hashPair(y, a + rotate(b + K2, 18n) + c, mul);
  if (length <= 32) return z;
  const e = word(16) * mul;
  const f = word(24);
  const g = (y + word(length - 32)) * mul;
  const h = (z + word(length - 24)) * mul;
  return hashPair(rotate(e + f, 43n) + rotate(g, 30n) + h, e + rotate(f + a, 18n) + g, mul);
}

/** The FarmHash Fingerprint64 of bytes. */
export function fingerPrint64(s: Uint8Array, length = s.length): bigint {
  const view = new DataView(s.buffer, s.byteOffset, s.byteLength);
  const word: Word = (at) => view.getBigUint64(at, true);
  if (length <= 64) return hashShort(view, word, length);
  let x = 81n * K2 + word(0);
  let y = 81n * K1 + 113n;
  let z = mix(y * K2 + 113n) * K2;
  let v: [bigint, bigint] = [0n, 0n];
  let w: [bigint, bigint] = [0n, 0n];
  const round = (at: number, mul: bigint, times: bigint): void => {
    const x1 = (rotate(x + y + v[0] + word(at + 8), 37n) * mul) ^ (w[1] * times);
    y = rotate(y + v[1] + word(at + 48), 42n) * mul + v[0] * times + word(at + 40);
    x = rotate(z + w[0], 33n) * mul;
    v = hashSeeded(word, at, v[1] * mul, x1 + w[0]);
    w = hashSeeded(word, at + 32, x + w[1], y + word(at + 16));
    z = x1;
  };
  const end = (length - 1) & ~63;
  for (let at = 0; at < end; at += 64) round(at, K1, 1n);
  const mul = K1 + ((z & 0xffn) << 1n);
  w[0] += BigInt((length - 1) & 63);
  v[0] += w[0];
  w[0] += v[0];
  round(length - 64, mul, 9n);
  return hashPair(hashPair(v[0], w[0], mul) + mix(y) * K0 + z, hashPair(v[1], w[1], mul) + x, mul);
}
