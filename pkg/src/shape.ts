/** Shapes: what is asked of them everywhere. */

import { coded, type Shape } from './types.js';

export const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

export const sameShape = (a: readonly unknown[], b: readonly unknown[]): boolean => a.length === b.length && a.every((d, i) => d === b[i]);

export function assertNonNegativeIntegerDimensions(shape: readonly number[]): void {
  if (!shape.every((d) => Number.isInteger(d) && d >= 0)) throw coded('shape', `Tensor must have a shape comprised of positive integers but got shape [${shape}].`);
}

export function assertSameShape(a: readonly number[], b: readonly number[], message = ''): void {
  if (!sameShape(a, b)) throw coded('shape', `${message} Shapes ${a} and ${b} must match`);
}

/** Elements from one index of a dimension to the next; the last one is left out, as it is 1. */
export function computeStrides(shape: Shape): number[] {
  const strides: number[] = [];
  for (let i = shape.length - 1, step = shape[i] ?? 1; i > 0; i--) {
    strides.unshift(step);
    step *= shape[i - 1] ?? 1;
  }
  return strides;
}

/** Axes counted from 0, all of them where none are given. */
export function axesOf(axis: number | number[] | null | undefined, rank: number): number[] {
  const axes = axis === null || axis === undefined ? Array.from({ length: rank }, (_, i) => i) : [axis].flat();
  for (const a of axes) {
    if (!Number.isInteger(a)) throw coded('argument', `All values in axis param must be integers but got axis ${axis}`);
    if (a < -rank || a >= rank) throw coded('argument', `All values in axis param must be in range [-${rank}, ${rank}) but got axis ${axis}`);
  }
  return axes.map((a) => (a < 0 ? a + rank : a));
}

/** The shape with its one -1 filled in. */
export function inferFromImplicitShape(shape: Shape, size: number): Shape {
  const at = shape.indexOf(-1);
  const next = shape.indexOf(-1, at + 1);
  const bad = shape.findIndex((d) => d < -1);
  if (next >= 0) throw coded('shape', `Shapes can only have 1 implicit size. Found -1 at dim ${at} and dim ${next}`);
  if (bad >= 0) throw coded('shape', `Shapes can not be < 0. Found ${shape[bad]} at dim ${bad}`);
  if (at < 0) {
    if (size > 0 && size !== sizeOf(shape)) throw coded('shape', `Size(${size}) must match the product of shape ${shape}`);
    return shape;
  }
  const known = -sizeOf(shape);
  if (known === 0) throw coded('shape', `Cannot infer the missing size in [${shape}] when there are 0 elements`);
  if (size % known !== 0) throw coded('shape', `The implicit shape can't be a fractional number. Got ${size} / ${known}`);
  return shape.map((d) => (d < 0 ? size / known : d));
}
