/** The two floats of 16 bits, as their bits and as numbers. */

/** The value of a float16. */
function halfToFloat(half: number): number {
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  const sign = half & 0x8000 ? -1 : 1;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The values of float16 or bfloat16 numbers. */
export const fromHalves = (halves: Uint16Array, dtype: string): Float32Array =>
  dtype === 'float16' ? Float32Array.from(halves, halfToFloat) : new Float32Array(Uint32Array.from(halves, (h) => h << 16).buffer);

/** The bits of values that float16 or bfloat16 holds exactly. */
export function toHalves(values: Float32Array, dtype: string): Uint16Array {
  const half = dtype === 'float16';
  // A float16's exponent is smaller by 112; what it lacks becomes subnormal in the product.
  const bits = new Uint32Array(Float32Array.from(values, (v) => (half ? v * 2 ** -112 : v)).buffer);
  return Uint16Array.from(bits, (b) => (half ? ((b >>> 13) & 0x7fff) | ((b >>> 16) & 0x8000) : b >>> 16));
}
