/** Shapes of what is broadcast, reduced and joined. */

import { coded, type Shape } from '../types.js';
import { assert, nearestDivisor } from '../util.js';

type Axes = readonly number[];

const rankUp = (shape: Shape, rank: number): (number | undefined)[] => new Array<undefined>(Math.max(0, rank - shape.length)).fill(undefined).concat(shape as never[]);

/** The shape that two broadcast to. */
export function assertAndGetBroadcastShape(a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  const other = rankUp(b, rank);
  return rankUp(a, rank).map((left = 1, i) => {
    const right = other[i] ?? 1;
    if (left !== right && left !== 1 && right !== 1) throw coded('shape', `Operands could not be broadcast together with shapes ${a} and ${b}.`);
    return left === 1 ? right : left;
  });
}

/** The dimensions of the input that are repeated. */
export function getBroadcastDims(inShape: Shape, outShape: Shape): number[] {
  const shift = outShape.length - inShape.length;
  return inShape.map((_, i) => i).filter((i) => (inShape[i] || 1) === 1 && (outShape[i + shift] as number) > 1);
}

/** The axes of the output that a gradient must be summed over. */
export function getReductionAxes(inShape: Shape, outShape: Shape): number[] {
  const from = rankUp(inShape, outShape.length).slice(-outShape.length);
  return outShape.map((_, i) => i).filter((i) => from[i] === undefined || (from[i] === 1 && (outShape[i] as number) > 1));
}

/** Whether the axes are the last ones, in their order. */
export const axesAreInnerMostDims = (axes: Axes, rank: number): boolean => axes.every((a, i) => a === rank - axes.length + i);

export function assertAxesAreInnerMostDims(message: string, axes: Axes, rank: number): void {
  assert(axesAreInnerMostDims(axes, rank), `${message} supports only inner-most axes for now. Got axes ${axes} and rank-${rank} input.`);
}

/** A location of one among the kept and one among the reduced dimensions. */
export function combineLocations(outputLocation: Axes, reduceLocation: Axes, axes: Axes): number[] {
  let kept = 0;
  let reduced = 0;
  return Array.from({ length: outputLocation.length + reduceLocation.length }, (_, i) => (axes.includes(i) ? reduceLocation[reduced++] : outputLocation[kept++]) as number);
}

/** The kept dimensions and the reduced ones. */
export const computeOutAndReduceShapes = (shape: Shape, axes: Axes): [Shape, Shape] => [shape.filter((_, i) => !axes.includes(i)), axes.map((a) => shape[a] as number)];

/** The shape with dimensions of size 1 for the reduced ones. */
export const expandShapeToKeepDim = (shape: Shape, axes: Axes): Shape => combineLocations(shape, axes.map(() => 1), axes);

/** The permutation that moves the axes to the end, or null where they are there. */
export function getAxesPermutation(axes: Axes, rank: number): number[] | null {
  if (axesAreInnerMostDims(axes, rank)) return null;
  return [...getInnerMostAxes(rank, rank).filter((i) => !axes.includes(i)), ...axes];
}

/** The permutation that undoes one. */
export const getUndoAxesPermutation = (axes: Axes): number[] => axes.map((_, i) => i).sort((a, b) => (axes[a] as number) - (axes[b] as number));

export const getInnerMostAxes = (count: number, rank: number): number[] => Array.from({ length: count }, (_, i) => rank - count + i);

/** Throws unless shapes can be joined along an axis. */
export function assertParamsConsistent(shapes: readonly Shape[], axis: number): void {
  const first = shapes[0] as Shape;
  const rank = first.length;
  const where = `Error in concat${rank}D: `;
  shapes.forEach((shape, i) => assert(shape.length === rank, `${where}rank of tensors[${i}] must be the same as the rank of the rest (${rank})`));
  assert(axis >= 0 && axis < rank, `${where}axis must be between 0 and ${rank - 1}.`);
  shapes.forEach((shape, i) => {
    const same = shape.every((d, r) => r === axis || d === first[r]);
    assert(same, `${where}Shape of tensors[${i}] (${shape}) does not match the shape of the rest (${first}) along the non-concatenated axis ${i}.`);
  });
}

/** The shape of tensors that are joined. */
export const computeOutShape = (shapes: readonly Shape[], axis: number): Shape =>
  (shapes[0] as Shape).map((d, i) => (i === axis ? shapes.reduce((n, shape) => n + (shape[axis] as number), 0) : d));

export const PARALLELIZE_THRESHOLD = 30;

/** How many elements a reduction takes at once. */
export const computeOptimalWindowSize = (size: number): number => (size <= PARALLELIZE_THRESHOLD ? size : nearestDivisor(size, Math.floor(Math.sqrt(size))));
