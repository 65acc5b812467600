/** `tf.image`: arguments as TensorFlow.js takes them; the module's operations do the rest. */

import { scalar, tensor, toTensor, type Expected } from './convert.js';
import { ones, range } from './create.js';
import { resizing } from './ops/contract.js';
import { argMax, cast, div, divNoNan, greater, lessEqual, max, mul, reshape, round, sub, sum, unsortedSegmentSum, where } from './ops/index.js';
import { run1, scoped, tidy, type Tensor } from './tensor.js';
import { coded, type TensorInput } from './types.js';

export { resizeBilinear, resizeNearestNeighbor } from './ops/index.js';
export * from './nms.js';

export type Interpolation = 'nearest' | 'bilinear';
export type FillMode = 'constant' | 'reflect' | 'wrap' | 'nearest';
type Size = [height: number, width: number];
type Image = Tensor & { shape: [batch: number, height: number, width: number, channels: number] };

/** In the order of their numbers in the module. */
const METHODS = ['nearest', 'bilinear', 'bicubic'] as const;
const MODES = ['constant', 'reflect', 'wrap', 'nearest'] as const;
const PADDINGS = ['zeros', 'border', 'reflection'] as const;

function check(holds: boolean, message: string, code = 'shape'): void {
  if (!holds) throw coded(code, message);
}

function toImage(image: TensorInput, op: string, expected?: Expected): Image {
  const t = toTensor(image, 'image', op, expected);
  check(t.rank === 4, `Error in ${op}: image must be rank 4,but got rank ${t.rank}.`);
  return t as Image;
}

/** The number of a name. */
function numberOf<T extends string>(op: string, argument: string, names: readonly T[], name: T): number {
  const at = names.indexOf(name);
  check(at >= 0, `Error in ${op}: expected ${argument} ${names.join(', ')}, received ${String(name)}`, 'argument');
  return at;
}

/** NHWC images at another size, each pixel from the sixteen around it by cubic convolution, as TensorFlow: with
 *  `halfPixelCenters`, a = -0.5, and pixels beyond the border take no part; without, a = -0.75, and the border is repeated. */
export const resizeBicubic = /* @__PURE__ */ scoped(resizing('resizeBicubic'));

/** Cuts boxes `[y1, x1, y2, x2]`, in parts of the height and width, out of images and resizes them to one size. */
export function cropAndResize(
  image: TensorInput, boxes: TensorInput, boxInd: TensorInput, cropSize: Size, method: Interpolation = 'bilinear', extrapolationValue = 0,
): Tensor {
  return tidy(() => {
    const images = toTensor(image, 'image', 'cropAndResize');
    const corners = toTensor(boxes, 'boxes', 'cropAndResize', 'float32');
    const numbers = toTensor(boxInd, 'boxInd', 'cropAndResize', 'int32');
    const count = corners.shape[0] as number;
    const source = toImage(images, 'cropAndResize');
    check(corners.rank === 2 && corners.shape[1] === 4, `Error in cropAndResize: boxes must be have size [${count},4] but had shape ${corners.shape}.`);
    check(numbers.rank === 1 && numbers.size === count, `Error in cropAndResize: boxInd must be have size [${count}] but had shape ${corners.shape}.`);
    check(cropSize.length === 2, `Error in cropAndResize: cropSize must be of length 2, but got length ${cropSize.length}.`);
    check(cropSize[0] >= 1 && cropSize[1] >= 1, `cropSize must be atleast [1,1], but was ${cropSize}`);
    check(method === 'bilinear' || method === 'nearest', `method must be bilinear or nearest, but was ${method}`, 'argument');
    return run1('cropAndResize', [source, corners, numbers], [...cropSize, METHODS.indexOf(method), extrapolationValue]);
  });
}

/** Images through projections `[a0, a1, a2, b0, b1, b2, c0, c1]`, which lead from places in the result to places in the image:
 *  `x = (a0 x' + a1 y' + a2) / k`, `y = (b0 x' + b1 y' + b2) / k`, `k = c0 x' + c1 y' + 1`. */
export function transform(
  image: TensorInput, transforms: TensorInput, interpolation: Interpolation = 'nearest', fillMode: FillMode = 'constant', fillValue = 0, outputShape?: Size | null,
): Tensor {
  return tidy(() => {
    const source = toImage(image, 'transform', 'float32');
    const table = toTensor(transforms, 'transforms', 'transform', 'float32');
    const [batch, height, width] = source.shape;
    const [rows, columns] = table.shape;
    check(table.rank === 2 && (rows === batch || rows === 1) && columns === 8, 'Error in transform: Input transform should be batch x 8 or 1 x 8');
    const size = outputShape ?? [height, width];
    check(size.length === 2, `Error in transform: outputShape must be [height, width] or null, but got ${outputShape}.`);
    if (interpolation !== 'nearest' && interpolation !== 'bilinear') {
      throw coded('argument', `Error in Transform: Expect 'nearest' or 'bilinear', but got ${String(interpolation)}`);
    }
    return run1('transform', [source, table], [...size, METHODS.indexOf(interpolation), Math.max(0, MODES.indexOf(fillMode)), fillValue]);
  });
}

/** Images rotated counter-clockwise about a center given in parts of the width and height. `fillValue` is a gray or `[red, green, blue]`. */
export function rotateWithOffset(
  image: TensorInput, radians: number, fillValue: number | [number, number, number] = 0, center: number | [number, number] = 0.5,
): Tensor {
  return tidy(() => {
    const source = toImage(image, 'rotateWithOffset', 'float32');
    const [x, y] = typeof center === 'number' ? [center, center] : center;
    // The fourth channel is opacity.
    const channels = Float32Array.from({ length: source.shape[3] }, (_, c) => (c === 3 ? 255 : ((fillValue as number[])[c] as number)));
    const fill = typeof fillValue === 'number' ? scalar(fillValue, 'float32') : tensor(channels);
    return run1('rotateWithOffset', [source, fill], [radians, x, y]);
  });
}

/** Images mirrored left to right. */
export function flipLeftRight(image: TensorInput): Tensor {
  return tidy(() => run1('flipLeftRight', [toImage(image, 'flipLeftRight', 'float32')]));
}

/** How `gridSample` reads images. */
export interface GridSampleOptions {
  mode?: 'bilinear' | 'nearest' | 'bicubic';
  /** What lies around an image: zeros, the pixels of its border, or the image mirrored. */
  paddingMode?: 'zeros' | 'border' | 'reflection';
  /** Whether -1 and 1 are the centers of the pixels at the border rather than their outer edges. */
  alignCorners?: boolean;
}

/** Images `[batch, height, width, channels]` at the places of a grid `[batch, outHeight, outWidth, 2]`, whose last dimension is
 *  `(x, y)` from -1 to 1: PyTorch's `grid_sample` for images with channels last. */
export function gridSample(input: TensorInput, grid: TensorInput, { mode = 'bilinear', paddingMode = 'zeros', alignCorners = false }: GridSampleOptions = {}): Tensor {
  return tidy(() => {
    const [images, places] = [toImage(input, 'gridSample'), toTensor(grid, 'grid', 'gridSample')];
    const codes = [numberOf('gridSample', 'mode', METHODS, mode), numberOf('gridSample', 'paddingMode', PADDINGS, paddingMode)];
    return run1('gridSample', [images, places], [...codes, Number(alignCorners)]);
  });
}

/** The grid that affine maps `theta` `[batch, 2, 3]` make of the places of an image of height and width `size`, for
 *  `gridSample`: PyTorch's `affine_grid`. */
export function affineGrid(theta: TensorInput, size: Size, alignCorners = false): Tensor {
  return tidy(() => run1('affineGrid', [toTensor(theta, 'theta', 'affineGrid')], [...size, Number(alignCorners)]));
}

/** An image of a kind that has so many channels. */
function withChannels(image: TensorInput, op: string, kind: string, channels: number): Tensor {
  const t = toTensor(image, 'image', op);
  const last = t.shape.at(-1);
  check(t.rank >= 2, `Error in ${op}: images must be at least rank 2, but got rank ${t.rank}.`);
  check(last === channels, `Error in ${op}: last dimension of ${kind} image should be size ${channels}, but got size ${last}.`);
  return t;
}

/** The images with their one channel three times. */
export function grayscaleToRGB(image: TensorInput): Tensor {
  return tidy(() => {
    const t = withChannels(image, 'grayscaleToRGB', 'a grayscale', 1);
    return run1('grayscaleToRGB', [t]);
  });
}

/** The brightness of images with red, green and blue. */
export function rgbToGrayscale(image: TensorInput): Tensor {
  return tidy(() => {
    const t = withChannels(image, 'RGBToGrayscale', 'an RGB', 3);
    check(t.rank <= 6, 'Not a valid tensor rank.');
    return cast(run1('rgbToGrayscale', [t]), t.dtype);
  });
}

/** The level that parts the brightnesses into two classes that differ most; -1 where there is but one. */
function otsu(gray: Tensor): Tensor {
  const level = range(0, 256);
  const histogram = unsortedSegmentSum(ones([gray.size]), reshape(cast(round(gray), 'int32'), [-1]), 256);
  const below = cast(lessEqual(level, reshape(level, [256, 1])), 'float32');
  const side = (mask: Tensor): [Tensor, Tensor] => {
    const counts = mul(mask, histogram);
    const total = sum(counts, 1);
    return [div(total, gray.size), divNoNan(sum(mul(counts, level), 1), total)];
  };
  const [[weightA, meanA], [weightB, meanB]] = [side(below), side(sub(1, below))];
  const apart = sub(meanA, meanB);
  const variance = mul(mul(mul(weightA, weightB), apart), apart);
  return where(greater(max(variance), 0), argMax(variance), -1);
}

/** 255 where an image is brighter than a threshold, a part of 255 or the one that Otsu's method finds; 0 elsewhere. */
export function threshold(image: TensorInput, method: 'binary' | 'otsu' = 'binary', inverted = false, threshValue = 0.5): Tensor {
  return tidy(() => {
    const t = toTensor(image, 'image', 'threshold');
    const channels = t.shape[2];
    check(t.rank === 3, `Error in threshold: image must be rank 3,but got rank ${t.rank}.`);
    check(channels === 3 || channels === 1, `Error in threshold: image color channel must be equal to 3 or 1but got ${channels}.`);
    check(t.dtype === 'int32' || t.dtype === 'float32', `Error in dtype: image dtype must be int32 or float32,but got dtype ${t.dtype}.`, 'dtype');
    check(method === 'otsu' || method === 'binary', `Method must be binary or otsu, but was ${method}`, 'argument');
    const gray = channels === 3 ? run1('rgbToGrayscale', [t]) : cast(t, 'float32');
    const limit = method === 'otsu' ? otsu(gray) : mul(scalar(threshValue, 'float32'), 255);
    return cast(where(inverted ? lessEqual(gray, limit) : greater(gray, limit), 255, 0), 'int32');
  });
}
