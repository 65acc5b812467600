/** Fourier transforms of any length, and `tf.signal`. The module computes with real and imaginary parts. */

import { toTensor } from '../convert.js';
import { complex, imag, real } from '../complex.js';
import { run, run1, scopedAll, type Tensor } from '../tensor.js';
import { coded, type TensorInput } from '../types.js';

/** The transform of complex numbers along each of the last `dims` dimensions. */
function transform(op: string, dims: number, inverse: boolean) {
  return (input: Tensor): Tensor => {
    if (input.dtype !== 'complex64') throw coded('dtype', `The dtype for tf.spectral.${op}() must be complex64 but got ${input.dtype}.`);
    const [re, im] = run('fft', [real(input), imag(input)], [Number(inverse), dims]) as [Tensor, Tensor];
    return complex(re, im);
  };
}

/** The discrete Fourier transform along the last dimension, of any length. */
export const fft = /* @__PURE__ */ transform('fft', 1, false);
/** The inverse of `fft`. */
export const ifft = /* @__PURE__ */ transform('ifft', 1, true);
/** The transform along the last two dimensions. */
export const fft2d = /* @__PURE__ */ transform('fft2d', 2, false);
/** The inverse of `fft2d`. */
export const ifft2d = /* @__PURE__ */ transform('ifft2d', 2, true);
/** The transform along the last three dimensions. */
export const fft3d = /* @__PURE__ */ transform('fft3d', 3, false);
/** The inverse of `fft3d`. */
export const ifft3d = /* @__PURE__ */ transform('ifft3d', 3, true);

/** The first half of the transform of real numbers, cut or padded to `fftLength` first. */
export function rfft(input: Tensor, fftLength?: number | null): Tensor {
  if (input.dtype !== 'float32') throw coded('dtype', `The dtype for rfft() must be real value but got ${input.dtype}`);
  const [re, im] = run('rfft', [input], [fftLength ?? (input.shape.at(-1) as number)]) as [Tensor, Tensor];
  return complex(re, im);
}

/** The real numbers whose transform begins with `input`. */
export function irfft(input: Tensor): Tensor {
  const half = input.shape.at(-1) as number;
  return run1('irfft', [real(input), imag(input)], [Math.max(1, 2 * (half - 1))]);
}

/** `tf.spectral`. */
export const spectral = /* @__PURE__ */ scopedAll({ fft, ifft, fft2d, ifft2d, fft3d, ifft3d, rfft, irfft });

/** `a - b cos(2 pi i / n)`: the family of Hann's and Hamming's windows. */
export const cosineWindow = (windowLength: number, a: number, b: number): Tensor => run1('cosineWindow', [], [windowLength, a, b]);
const hannWindow = (windowLength: number): Tensor => cosineWindow(windowLength, 0.5, 0.5);
const hammingWindow = (windowLength: number): Tensor => cosineWindow(windowLength, 0.54, 0.46);

/** The power of two at or above `value`. */
export const enclosingPowerOfTwo = (value: number): number => Math.floor(2 ** Math.ceil(Math.log(value) / Math.log(2)));

/** Overlapping pieces of the last dimension. */
function frame(signal: TensorInput, frameLength: number, frameStep: number, padEnd = false, padValue = 0): Tensor {
  return run1('frame', [toTensor(signal, 'signal', 'frame')], [frameLength, frameStep, Number(padEnd), padValue]);
}

/** The sum of pieces `[.., frames, length]` that begin `frameStep` apart. */
function overlapAndAdd(frames: TensorInput, frameStep: number): Tensor {
  return run1('overlapAndAdd', [toTensor(frames, 'frames', 'overlapAndAdd')], [frameStep]);
}

type Window = (length: number) => Tensor;
const sizes = (frameLength: number, frameStep: number, fftLength?: number | null): number[] => [frameLength, frameStep, fftLength ?? enclosingPowerOfTwo(frameLength)];

/** The transforms of a signal's windowed frames. */
function stft(signal: TensorInput, frameLength: number, frameStep: number, fftLength?: number | null, windowFn: Window = hannWindow): Tensor {
  const inputs = [toTensor(signal, 'signal', 'stft'), windowFn(frameLength)];
  const [re, im] = run('stft', inputs, sizes(frameLength, frameStep, fftLength)) as [Tensor, Tensor];
  return complex(re, im);
}

/** The signal whose `stft` with the same window is nearest (Griffin & Lim 1984): what was transformed comes back. What no
 *  window covers is 0. */
function inverseStft(stfts: Tensor, frameLength: number, frameStep: number, fftLength?: number | null, windowFn: Window = hannWindow): Tensor {
  return run1('inverseStft', [real(stfts), imag(stfts), windowFn(frameLength)], sizes(frameLength, frameStep, fftLength));
}

/** `tf.signal`. */
export const signal = /* @__PURE__ */ scopedAll({ frame, hammingWindow, hannWindow, inverseStft, overlapAndAdd, stft });
