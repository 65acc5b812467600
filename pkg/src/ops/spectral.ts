/** Fourier transforms of any length, and `tf.signal`. */

import { tensor, toTensor } from '../convert.js';
import { complex, imag, real, zeros } from '../create.js';
import { scopedAll, type Tensor } from '../tensor.js';
import { coded, type TensorInput } from '../types.js';
import { matMul } from './contract.js';
import { concat, gather, pad, reshape, reverse, slice, transpose } from './movement.js';
import { add, div, mul, neg, sub } from './pointwise.js';

type Parts = [Tensor, Tensor];

/** Transforms up to this length are one matrix product. */
const DIRECT = 64;

const timesParts = ([a, b]: Parts, [c, d]: Parts): Parts => [sub(mul(a, c), mul(b, d)), add(mul(a, d), mul(b, c))];

/** Roots of unity at `angle(i)` of `n` turns. */
function roots(count: number, shape: number[], n: number, exponent: (i: number) => number): Parts {
  // Large products lose digits: whole turns are taken out first.
  const turn = (i: number): number => (-2 * Math.PI * (exponent(i) % n)) / n;
  return [tensor(Float32Array.from({ length: count }, (_, i) => Math.cos(turn(i))), shape), tensor(Float32Array.from({ length: count }, (_, i) => Math.sin(turn(i))), shape)];
}

/** The transform of rows `[rows, n]` (Cooley & Tukey 1965; Bluestein 1970 for large primes). */
function transform([re, im]: Parts, n: number): Parts {
  if (n <= 1) return [re, im];
  if (n <= DIRECT) {
    const [c, s] = roots(n * n, [n, n], n, (i) => (i % n) * Math.floor(i / n));
    return [sub(matMul(re, c), matMul(im, s)), add(matMul(re, s), matMul(im, c))];
  }
  let p = DIRECT;
  while (p > 1 && n % p !== 0) p--;
  if (p === 1) return chirp([re, im], n);
  const q = n / p;
  const rows = re.shape[0] as number;
  const each = (parts: Parts, f: (t: Tensor) => Tensor): Parts => [f(parts[0]), f(parts[1])];
  // Every q-th element together, turned, then the transform across.
  const columns = each([re, im], (t) => reshape(transpose(reshape(t, [rows, p, q]), [0, 2, 1]), [rows * q, p]));
  const inner = each(transform(columns, p), (t) => reshape(t, [rows, q, p]));
  const turned = timesParts(inner, roots(q * p, [q, p], n, (i) => (i % p) * Math.floor(i / p)));
  const across = each(turned, (t) => reshape(transpose(t, [0, 2, 1]), [rows * p, q]));
  return each(transform(across, q), (t) => reshape(transpose(reshape(t, [rows, p, q]), [0, 2, 1]), [rows, n]));
}

/** A transform as a convolution with a chirp, of a length that divides well. */
function chirp(x: Parts, n: number): Parts {
  let size = 1;
  while (size < 2 * n - 1) size *= 2;
  // exp(-i pi k^2 / n); k^2 is reduced as a whole number.
  const wave = roots(n, [1, n], 2 * n, (k) => Number((BigInt(k) * BigInt(k)) % BigInt(2 * n)));
  const grown = (t: Tensor): Tensor => pad(t, [[0, 0], [0, size - n]]);
  const a = timesParts(x, wave).map(grown) as Parts;
  const back = (t: Tensor): Tensor => concat([t, zeros([1, size - 2 * n + 1]), reverse(slice(t, [0, 1], [1, n - 1]), 1)], 1);
  const kernel = transform([back(wave[0]), neg(back(wave[1]))], size);
  const product = inverse(timesParts(transform(a, size), kernel), size);
  return timesParts(product.map((t) => slice(t, [0, 0], [-1, n])) as Parts, wave);
}

/** The inverse transform: the transform of the conjugate. */
function inverse([re, im]: Parts, n: number): Parts {
  const [a, b] = transform([re, neg(im)], n);
  return [div(a, n), div(neg(b), n)];
}

function overRows(input: Tensor, op: string, f: (parts: Parts, n: number) => Parts): Tensor {
  if (input.dtype !== 'complex64') throw coded('dtype', `The dtype for tf.spectral.${op}() must be complex64 but got ${input.dtype}.`);
  const n = input.shape.at(-1) as number;
  const rows = (t: Tensor): Tensor => reshape(t, [-1, n]);
  if (input.size === 0) return input;
  const [re, im] = f([rows(real(input)), rows(imag(input))], n);
  return complex(reshape(re, input.shape), reshape(im, input.shape));
}

/** The discrete Fourier transform along the last dimension, of any length. */
export function fft(input: Tensor): Tensor {
  return overRows(input, 'fft', transform);
}

/** The inverse of `fft`. */
export function ifft(input: Tensor): Tensor {
  return overRows(input, 'ifft', inverse);
}

/** The first half of the transform of real numbers, cut or padded to `fftLength` first. */
export function rfft(input: Tensor, fftLength?: number | null): Tensor {
  if (input.dtype !== 'float32') throw coded('dtype', `The dtype for rfft() must be real value but got ${input.dtype}`);
  const n = input.shape.at(-1) as number;
  const length = fftLength ?? n;
  const last = (size: number): number[] => input.shape.map((d, i) => (i === input.rank - 1 ? size : d));
  const cut = length < n ? slice(input, input.shape.map(() => 0), last(length)) : input;
  const grown = length > n ? pad(cut, input.shape.map((_, i) => [0, i === input.rank - 1 ? length - n : 0])) : cut;
  const whole = fft(complex(grown, zeros(grown.shape)));
  return slice(whole, input.shape.map(() => 0), last(Math.floor(length / 2) + 1));
}

/** The real numbers whose transform begins with `input`. */
export function irfft(input: Tensor): Tensor {
  const half = input.shape.at(-1) as number;
  const rows = reshape(input, [-1, half]);
  const [re, im] = [real(rows), imag(rows)];
  if (half <= 2) return reshape(real(ifft(rows)), input.shape);
  const mirrored = (t: Tensor): Tensor => reverse(slice(t, [0, 1], [-1, half - 2]), 1);
  const n = 2 * (half - 1);
  const [values] = inverse([concat([re, mirrored(re)], 1), concat([im, neg(mirrored(im))], 1)], n);
  return reshape(values, [...input.shape.slice(0, -1), n]);
}

/** `tf.spectral`. */
export const spectral = /* @__PURE__ */ scopedAll({ fft, ifft, rfft, irfft });

/** `a - b cos(2 pi i / n)`: the family of Hann's and Hamming's windows. */
export function cosineWindow(windowLength: number, a: number, b: number): Tensor {
  const even = 1 - (windowLength % 2);
  return tensor(Float32Array.from({ length: windowLength }, (_, i) => a - b * Math.cos((2 * Math.PI * i) / (windowLength + even - 1))));
}
const hannWindow = (windowLength: number): Tensor => cosineWindow(windowLength, 0.5, 0.5);
const hammingWindow = (windowLength: number): Tensor => cosineWindow(windowLength, 0.54, 0.46);

/** The power of two at or above `value`. */
export const enclosingPowerOfTwo = (value: number): number => Math.floor(2 ** Math.ceil(Math.log(value) / Math.log(2)));

/** Overlapping pieces of a signal. */
function frame(signal: TensorInput, frameLength: number, frameStep: number, padEnd = false, padValue = 0): Tensor {
  const x = toTensor(signal, 'signal', 'frame');
  const count = padEnd ? Math.ceil(x.size / frameStep) : Math.floor((x.size - frameLength) / frameStep) + 1;
  if (count <= 0 || x.size === 0) return tensor(new Float32Array(0), [0, frameLength]);
  const end = (count - 1) * frameStep + frameLength;
  const grown = end > x.size ? pad(x, [[0, end - x.size]], padValue) : x;
  const at = Int32Array.from({ length: count * frameLength }, (_, i) => Math.floor(i / frameLength) * frameStep + (i % frameLength));
  return gather(grown, tensor(at, [count, frameLength], 'int32'));
}

/** The transforms of a signal's windowed frames. */
function stft(signal: Tensor, frameLength: number, frameStep: number, fftLength?: number | null, windowFn: (length: number) => Tensor = hannWindow): Tensor {
  return rfft(mul(frame(signal, frameLength, frameStep), windowFn(frameLength)), fftLength ?? enclosingPowerOfTwo(frameLength));
}

/** `tf.signal`. */
export const signal = /* @__PURE__ */ scopedAll({ frame, hammingWindow, hannWindow, stft });

