/** Which elements a slice takes: `tf.slice_util`. */

import { coded, type Shape } from './types.js';
import { assert, clamp } from './util.js';

/** A tensor, or what else has a shape. */
interface Shaped {
  shape: Shape;
}

/** What a strided slice takes of each dimension of the input, and the shapes that come of it. */
export interface SliceInfo {
  /** The shape without the new axes. */
  finalShapeSparse: number[];
  finalShape: number[];
  /** Whether it takes everything in its order. */
  isIdentity: boolean;
  /** Whether it takes everything but for a range of the first dimension. */
  sliceDim0: boolean;
  /** Whether every step is 1. */
  isSimpleSlice: boolean;
  begin: number[];
  end: number[];
  strides: number[];
}

/** Throws unless a slice lies within its input. */
export function assertParamsValid(input: Shaped, begin: readonly number[], size: readonly number[]): void {
  const { shape } = input;
  const rank = shape.length;
  const where = `Error in slice${rank}D: `;
  const match = `must match the rank of the array (${rank}).`;
  assert(rank === begin.length, `${where}Length of begin ${begin} ${match}`);
  assert(rank === size.length, `${where}Length of size ${size} ${match}`);
  shape.forEach((d, i) => {
    const end = (begin[i] as number) + (size[i] as number);
    if (end > d) throw coded('shape', `${where}begin[${i}] + size[${i}] (${end}) would overflow input.shape[${i}] (${d})`);
  });
}

/** The axes whose bits are set. */
export function maskToAxes(mask: number): number[] {
  return Array.from({ length: 32 }, (_, i) => i).filter((i) => mask & (1 << i));
}

/** The number of elements along each dimension. */
export function computeOutShape(begin: readonly number[], end: readonly number[], strides: readonly number[]): number[] {
  return begin.map((b, i) => Math.max(0, Math.ceil(((end[i] as number) - b) / (strides[i] as number))));
}

export function stridesForAxis(strides: readonly number[], axis: number, ellipsisMask: number): number {
  return ellipsisMask & (1 << axis) ? 1 : (strides[axis] ?? 1);
}

/** Where a slice begins or, with `after` 1, ends: one outside the range where it goes backwards. */
function bound(mask: number, at: readonly number[], strides: readonly number[], shape: Shape, axis: number, ellipsisMask: number, after: number): number {
  const forward = (strides[axis] || 1) > 0;
  const size = shape[axis] as number;
  const open = (mask | ellipsisMask) & (1 << axis);
  const first = forward === (after === 0) ? -Infinity : Infinity;
  const given = open ? first : (at[axis] ?? first);
  const [low, high] = after === 0 ? [0, size - 1] : forward ? [0, size] : [-1, size - 1];
  return clamp(low, given < 0 ? given + size : given, high);
}

export const startForAxis = (beginMask: number, begin: readonly number[], strides: readonly number[], shape: Shape, axis: number, ellipsisMask: number): number =>
  bound(beginMask, begin, strides, shape, axis, ellipsisMask, 0);

export const stopForAxis = (endMask: number, end: readonly number[], strides: readonly number[], shape: Shape, axis: number, ellipsisMask: number): number =>
  bound(endMask, end, strides, shape, axis, ellipsisMask, 1);

/** Whether the elements lie side by side. */
export function isSliceContinous(shape: Shape, begin: readonly number[], size: readonly number[]): boolean {
  const first = size.findIndex((s) => s > 1);
  return first < 0 || size.every((s, i) => i <= first || ((begin[i] as number) <= 0 && s === shape[i]));
}

/** The position of the first element. */
export function computeFlatOffset(begin: readonly number[], strides: readonly number[]): number {
  return begin.length === 0 ? 1 : begin.reduce((at, b, i) => at + b * (i < begin.length - 1 ? (strides[i] as number) : 1), 0);
}

const filled = (values: number | readonly number[], rank: number, rest: number): number[] => {
  const list = [values].flat() as number[];
  return list.concat(new Array<number>(Math.max(0, rank - list.length)).fill(rest));
};

/** Begin and size for every dimension. */
export function parseSliceParams(x: Shaped, begin: number | readonly number[], size?: number | readonly number[] | null): [number[], number[]] {
  const { shape } = x;
  const begins = filled(begin, shape.length, 0);
  assert(!begins.includes(-1), 'slice() does not support negative begin indexing.');
  const sizes = filled(size ?? [], shape.length, -1).map((s, i) => {
    assert(s >= -1, `Negative size values should be exactly -1 but got ${s} for the slice() size at index ${i}.`);
    return s === -1 ? (shape[i] as number) - (begins[i] as number) : s;
  });
  return [begins, sizes];
}

/** What is written for a dimension of the input. */
interface Axis {
  begin: number;
  end: number;
  stride: number;
  /** Not 0 where begin or end do not count, or where one element is taken and the dimension goes. */
  openBegin: number;
  openEnd: number;
  shrink: number;
}

/** The dimensions of the input, and for each of the result that of the input, or -1 where it is new. */
function expand(rank: number, begin: readonly number[], end: readonly number[], strides: readonly number[], masks: readonly number[]): [Axis[], number[]] {
  const [beginMask, endMask, ellipsisMask, newAxisMask, shrinkMask] = masks as [number, number, number, number, number];
  const axes: Axis[] = [];
  const result: number[] = [];
  const given = strides.map((_, i) => i);
  // Without an ellipsis, one follows.
  if (!given.some((i) => ellipsisMask & (1 << i))) given.push(-1);
  given.forEach((i, position) => {
    const bit = 1 << i;
    if (i < 0 || ellipsisMask & bit) {
      const after = given.slice(position + 1).filter((j) => !(newAxisMask & (1 << j))).length;
      while (axes.length < rank - after) {
        result.push(axes.length);
        axes.push({ begin: 0, end: 0, stride: 1, openBegin: 1, openEnd: 1, shrink: 0 });
      }
    } else if (newAxisMask & bit) {
      result.push(-1);
    } else {
      if (axes.length === rank) throw coded('argument', `Index out of range using input dim ${rank}; input has only ${rank} dims, ${rank}.`);
      const shrink = shrinkMask & bit;
      if (!shrink) result.push(axes.length);
      const [from, to, stride] = [begin[i], end[i], strides[i]] as [number, number, number];
      axes.push({ begin: from, end: to, stride, openBegin: beginMask & bit, openEnd: endMask & bit, shrink });
    }
  });
  return [axes, result];
}

/** Makes begin and end those of a dimension of some size. */
function settle(axis: Axis, size: number, i: number): void {
  const { stride, shrink } = axis;
  if (stride === 0) throw coded('argument', `strides[${i}] must be non-zero`);
  const forward = (at: number): number => (at < 0 ? size + at : at);
  if (shrink) {
    if (stride < 0) throw coded('argument', 'only stride 1 allowed on non-range indexing.');
    axis.begin = forward(axis.begin);
    axis.end = axis.begin + 1;
    if (axis.begin < 0 || axis.begin >= size) throw coded('argument', `slice index ${axis.begin} of dimension ${i} out of bounds.`);
    return;
  }
  const [low, high] = stride > 0 ? [0, size] : [-1, size - 1];
  const [first, last] = stride > 0 ? [low, high] : [high, low];
  axis.begin = axis.openBegin ? first : clamp(low, forward(axis.begin), high);
  axis.end = axis.openEnd ? last : clamp(low, forward(axis.end), high);
}

/** What a strided slice takes, with the masks of `tf.stridedSlice`. */
export function sliceInfo(
  xShape: Shape,
  begin: readonly number[],
  end: readonly number[],
  strides: readonly number[] | null | undefined,
  beginMask = 0,
  endMask = 0,
  ellipsisMask = 0,
  newAxisMask = 0,
  shrinkAxisMask = 0,
): SliceInfo {
  if (ellipsisMask & (ellipsisMask - 1)) throw coded('argument', 'Multiple ellipses in slice is not allowed.');
  const steps = strides ?? begin.map(() => 1);
  const [axes, result] = expand(xShape.length, begin, end, steps, [beginMask, endMask, ellipsisMask, newAxisMask, shrinkAxisMask]);
  axes.forEach((axis, i) => settle(axis, xShape[i] as number, i));
  const whole = axes.map(({ begin, end, stride }, i) => stride === 1 && begin === 0 && end === xShape[i]);
  const info = { begin: axes.map((a) => a.begin), end: axes.map((a) => a.end), strides: axes.map((a) => a.stride) };
  const sizes = computeOutShape(info.begin, info.end, info.strides);
  return {
    finalShapeSparse: result.filter((i) => i >= 0).map((i) => sizes[i] as number),
    finalShape: result.map((i) => sizes[i] ?? 1),
    isIdentity: whole.every(Boolean),
    sliceDim0: whole.every((all, i) => all || (i === 0 && info.strides[0] === 1)),
    isSimpleSlice: info.strides.every((s) => s === 1),
    ...info,
  };
}
