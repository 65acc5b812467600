/** The windows of convolutions and pooling. */

import { along, checkPadding, effective, type Padding, type Rounding as Mode } from '../ops/padding.js';
import { coded, type Shape } from '../types.js';

export { checkPadOnDimRoundingMode, type ExplicitPadding, type Padding } from '../ops/padding.js';

export type DataFormat = 'channelsFirst' | 'channelsLast';
export type Rounding = Mode | null | undefined;
type PerDimension = number | readonly number[];

export interface PadInfo {
  top: number;
  bottom: number;
  left: number;
  right: number;
  type: 'SAME' | 'VALID' | 'NUMBER' | 'EXPLICIT';
}
export interface PadInfo3D extends PadInfo {
  front: number;
  back: number;
}

type PerAxis<D extends string> = Record<`${'in' | 'out' | 'stride' | 'filter' | 'effectiveFilter' | 'dilation'}${D}`, number>;
interface Common {
  batchSize: number;
  inChannels: number;
  outChannels: number;
  dataFormat: DataFormat;
  inShape: Shape;
  outShape: Shape;
  filterShape: Shape;
}
export type Conv2DInfo = Common & PerAxis<'Height' | 'Width'> & { padInfo: PadInfo };
export type Conv3DInfo = Common & PerAxis<'Depth' | 'Height' | 'Width'> & { padInfo: PadInfo3D };

const triple = (value: PerDimension): number[] => (typeof value === 'number' ? [value, value, value] : value.length === 2 ? [...value, 1] : [...value]);
const unknownFormat = (format: unknown): Error => coded('argument', `Unknown dataFormat ${format}`);

const NAMES = ['Depth', 'Height', 'Width'];
const EDGES = [['front', 'back'], ['top', 'bottom'], ['left', 'right']] as const;

function padType(pad: Padding, sides: number[]): PadInfo['type'] {
  if (pad === 'same') return 'SAME';
  return sides.every((p) => p === 0) ? 'VALID' : typeof pad === 'number' ? 'NUMBER' : 'EXPLICIT';
}

/** What is known of windows over `n` dimensions. */
function windows(n: 2 | 3, inShape: Shape, filterShape: Shape, strides: PerDimension, dilations: PerDimension, pad: Padding, mode: Rounding, depthwise: boolean, dataFormat: DataFormat): unknown {
  const last = dataFormat === 'channelsLast';
  if (!last && dataFormat !== 'channelsFirst') throw unknownFormat(dataFormat);
  checkPadding(pad, n === 2);
  const first = last ? 1 : 2;
  const inChannels = inShape[last ? n + 1 : 1] as number;
  const filterChannels = filterShape[n + 1] as number;
  const outChannels = depthwise ? filterChannels * inChannels : filterChannels;
  const [steps, gaps] = [triple(strides), triple(dilations)];
  const info: Record<string, unknown> = {};
  const padInfo: Record<string, unknown> = {};
  const sides: number[] = [];
  const outs: number[] = [];
  for (let i = 0; i < n; i++) {
    const name = NAMES[i + 3 - n] as string;
    const [low, high] = EDGES[i + 3 - n] as readonly [string, string];
    const [size, filter, stride, dilation] = [inShape[first + i], filterShape[i], steps[i], gaps[i]] as [number, number, number, number];
    const field = effective(filter, dilation);
    const [before, after, windows] = along(n === 3 && pad === 'valid' ? 0 : pad, size, field, stride, first + i, mode);
    const out = n === 3 && size + before + after < field ? 0 : windows;
    Object.assign(info, { [`in${name}`]: size, [`out${name}`]: out, [`stride${name}`]: stride, [`filter${name}`]: filter, [`effectiveFilter${name}`]: field, [`dilation${name}`]: dilation });
    Object.assign(padInfo, { [low]: before, [high]: after });
    sides.push(before, after);
    outs.push(out);
  }
  const batchSize = inShape[0];
  const outShape = last ? [batchSize, ...outs, outChannels] : [batchSize, outChannels, ...outs];
  return { ...info, batchSize, dataFormat, inChannels, outChannels, padInfo: { ...padInfo, type: padType(pad, sides) }, inShape, outShape, filterShape };
}

export function computeConv2DInfo(inShape: Shape, filterShape: Shape, strides: PerDimension, dilations: PerDimension, pad: Padding, roundingMode?: Rounding, depthwise = false, dataFormat: DataFormat = 'channelsLast'): Conv2DInfo {
  return windows(2, inShape, filterShape, strides, dilations, pad, roundingMode, depthwise, dataFormat) as Conv2DInfo;
}

export function computeConv3DInfo(inShape: Shape, filterShape: Shape, strides: PerDimension, dilations: PerDimension, pad: Padding, depthwise = false, dataFormat: DataFormat = 'channelsLast', roundingMode?: Rounding): Conv3DInfo {
  return windows(3, inShape, filterShape, strides, dilations, pad, roundingMode, depthwise, dataFormat) as Conv3DInfo;
}

const poolShape = (n: number, inShape: Shape, filterSize: PerDimension, dataFormat: DataFormat): Shape => {
  const channels = inShape[dataFormat === 'channelsFirst' ? 1 : n + 1] as number;
  return [...triple(filterSize).slice(0, n), channels, channels];
};

export function computePool2DInfo(inShape: Shape, filterSize: PerDimension, strides: PerDimension, dilations: PerDimension, pad: Padding, roundingMode?: Rounding, dataFormat: DataFormat = 'channelsLast'): Conv2DInfo {
  return computeConv2DInfo(inShape, poolShape(2, inShape, filterSize, dataFormat), strides, dilations, pad, roundingMode, false, dataFormat);
}

export function computePool3DInfo(inShape: Shape, filterSize: PerDimension, strides: PerDimension, dilations: PerDimension, pad: Padding, roundingMode?: Rounding, dataFormat: 'NDHWC' | 'NCDHW' = 'NDHWC'): Conv3DInfo {
  const format = convert(dataFormat, 'NDHWC', 'NCDHW');
  return computeConv3DInfo(inShape, poolShape(3, inShape, filterSize, format), strides, dilations, pad, false, format, roundingMode);
}

export function computeDilation2DInfo(inputShape: Shape, filterShape: Shape, strides: PerDimension, pad: Padding, dataFormat: 'NHWC' | 'NCHW' = 'NHWC', dilations: PerDimension = 1): Conv2DInfo {
  // Each channel has a filter of its own.
  return computeConv2DInfo(inputShape, [...filterShape, inputShape[3] as number], strides, dilations, pad, null, false, convertConv2DDataFormat(dataFormat));
}

/** The padding that keeps the size. */
export function computeDefaultPad(inputShape: Shape, fieldSize: number, stride: number, dilation = 1): number {
  return Math.floor(((inputShape[0] as number) * (stride - 1) - stride + effective(fieldSize, dilation)) / 2);
}

function convert(format: string, last: string, first: string): DataFormat {
  if (format !== last && format !== first) throw unknownFormat(format);
  return format === last ? 'channelsLast' : 'channelsFirst';
}

/** The name that layers use for a data format. */
export const convertConv2DDataFormat = (dataFormat: 'NHWC' | 'NCHW'): DataFormat => convert(dataFormat, 'NHWC', 'NCHW');

export const tupleValuesAreOne = (value: PerDimension): boolean => triple(value).every((v) => v === 1);
export const eitherStridesOrDilationsAreOne = (strides: PerDimension, dilations: PerDimension): boolean => tupleValuesAreOne(strides) || tupleValuesAreOne(dilations);
export const stridesOrDilationsArePositive = (values: PerDimension): boolean => triple(values).every((v) => v > 0);
