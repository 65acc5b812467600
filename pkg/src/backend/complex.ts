/** Complex numbers as real and imaginary parts, one after the other. */

import { coded } from '../types.js';

type Values = ArrayLike<number>;
/** The parts of a list of complex numbers. */
interface Parts {
  real: Float32Array;
  imag: Float32Array;
}

const parts = (length: number, real: (i: number) => number, imag: (i: number) => number): Parts => ({
  real: Float32Array.from({ length }, (_, i) => real(i)),
  imag: Float32Array.from({ length }, (_, i) => imag(i)),
});

const every = (complex: Values, first: number, step: number, length: number): Parts =>
  parts(length, (i) => complex[first + i * step] as number, (i) => complex[first + i * step + 1] as number);

/** Complex numbers of their parts. */
export function mergeRealAndImagArrays(real: Values, imag: Values): Float32Array {
  if (real.length !== imag.length) {
    throw coded('shape', `Cannot merge real and imag arrays of different lengths. real:${real.length}, imag: ${imag.length}.`);
  }
  return Float32Array.from({ length: real.length * 2 }, (_, i) => (i % 2 ? imag : real)[i >> 1] as number);
}

export const splitRealAndImagArrays = (complex: Values): Parts => every(complex, 0, 2, complex.length >> 1);
export const complexWithEvenIndex = (complex: Values): Parts => every(complex, 0, 4, Math.ceil(complex.length / 4));
export const complexWithOddIndex = (complex: Values): Parts => every(complex, 2, 4, Math.floor(complex.length / 4));

/** The parts of one number. */
export const getComplexWithIndex = (complex: Values, index: number): { real: number; imag: number } => ({
  real: complex[index * 2] as number,
  imag: complex[index * 2 + 1] as number,
});

/** Sets the parts of one number. */
export function assignToTypedArray(data: { [i: number]: number }, real: number, imag: number, index: number): void {
  data[index * 2] = real;
  data[index * 2 + 1] = imag;
}

/** The k-th of n roots of unity, as a Fourier transform takes them. */
export function exponent(k: number, n: number, inverse: boolean): { real: number; imag: number } {
  const angle = (inverse ? 2 : -2) * Math.PI * (k / n);
  return { real: Math.cos(angle), imag: Math.sin(angle) };
}

/** The first half of n roots of unity. */
export const exponents = (n: number, inverse: boolean): Parts =>
  parts(n >> 1, (i) => exponent(i, n, inverse).real, (i) => exponent(i, n, inverse).imag);
