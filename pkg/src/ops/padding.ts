/** How padding is counted, for all windows. */

import { coded, type Shape } from '../types.js';

export type ExplicitPadding = [number, number][];
export type Padding = 'valid' | 'same' | number | ExplicitPadding;
export type Rounding = 'floor' | 'round' | 'ceil';

/** The elements from the first to the last of a window, both included. */
export const effective = (size: number, dilation: number): number => (dilation <= 1 ? size : (size - 1) * dilation + 1);

function round(value: number, mode: Rounding | null | undefined): number {
  const by = mode ? { round: Math.round, ceil: Math.ceil, floor: Math.floor }[mode] : Math.trunc;
  if (by === undefined) throw coded('argument', `Unknown roundingMode ${mode}`);
  return by(value);
}

/** The padding on both sides of a dimension, and how many windows it has. `axis` is its place in explicit padding. */
export function along(pad: Padding, size: number, field: number, stride: number, axis: number, mode?: Rounding | null): [before: number, after: number, windows: number] {
  if (pad === 'same') {
    const out = Math.ceil(size / stride);
    const all = Math.max(0, (out - 1) * stride + field - size);
    return [all >> 1, all - (all >> 1), out];
  }
  if (pad === 'valid') return [0, 0, Math.ceil((size - field + 1) / stride)];
  const [before, after] = typeof pad === 'number' ? [pad, pad] : (pad[axis] ?? [0, 0]);
  return [before, after, round((size - field + before + after) / stride + 1, mode)];
}

/** Throws unless a padding is one. */
export function checkPadding(pad: Padding, lists: boolean): void {
  const known = pad === 'valid' || pad === 'same' || typeof pad === 'number' || (lists && Array.isArray(pad));
  if (!known) throw coded('argument', `Unknown padding parameter: ${String(pad)}`);
}

/** Throws where a size is to be rounded and the padding is not of whole numbers. */
export function checkPadOnDimRoundingMode(op: string, pad: Padding, dimRoundingMode?: Rounding | null): void {
  if (dimRoundingMode === undefined || dimRoundingMode === null) return;
  const wrong = ([pad].flat(2) as unknown[]).find((p) => !Number.isInteger(p));
  if (wrong !== undefined) throw coded('argument', `Error in ${op}: pad must be an integer when using dimRoundingMode ${dimRoundingMode} but got pad ${wrong}.`);
}

/** Windows over the dimensions after the first, channels last. */
export interface Windows {
  op: string;
  pad: Padding;
  window: readonly number[];
  stride: readonly number[];
  dilation?: readonly number[];
  rounding?: Rounding | null | undefined;
  /** The place of the first dimension in explicit padding. */
  axis?: number;
}

/** A padding in the module's numbers: its mode, then what goes before and after each dimension. Sizes that do not divide are
 *  rounded by zeros at the end. */
export function paddingNumbers({ op, pad, window, stride, dilation, rounding, axis = 1 }: Windows, shape: Shape): number[] {
  checkPadOnDimRoundingMode(op, pad, rounding);
  checkPadding(pad, true);
  if (pad === 'valid' || pad === 'same') return [Number(pad === 'same'), ...window.flatMap(() => [0, 0])];
  const sides = window.flatMap((taps, i) => {
    const [size, step] = [shape[i + 1], stride[i]] as [number, number];
    const field = effective(taps, dilation?.[i] ?? 1);
    const [before, after, windows] = along(pad, size, field, step, axis + i, rounding);
    return [before, Math.max(after, (windows - 1) * step + field - size - before)];
  });
  return [2, ...sides];
}
