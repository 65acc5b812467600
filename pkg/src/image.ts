/** `tf.image`. Composed of operations with gradients, so that gradients reach the image. */

import { scalar, tensor, toTensor, type Expected } from './convert.js';
import { linspace, ones, range } from './create.js';
import {
  add, argMax, cast, ceil, clipByValue, div, divNoNan, equal, expandDims, floor, gather, greater, greaterEqual, less, lessEqual, logicalAnd, max,
  minimum, mod, mul, reshape, reverse, round, slice, sub, sum, tile, unsortedSegmentSum, where,
} from './ops/index.js';
import { tidy, type Tensor } from './tensor.js';
import { coded, type TensorInput } from './types.js';

export { resizeBilinear, resizeNearestNeighbor } from './ops/index.js';
export * from './nms.js';

export type Interpolation = 'nearest' | 'bilinear';
export type FillMode = 'constant' | 'reflect' | 'wrap' | 'nearest';
type Size = [height: number, width: number];
type Image = Tensor & { shape: [batch: number, height: number, width: number, channels: number] };

function check(holds: boolean, message: string, code = 'shape'): void {
  if (!holds) throw coded(code, message);
}

function toImage(image: TensorInput, op: string, expected?: Expected): Image {
  const t = toTensor(image, 'image', op, expected);
  check(t.rank === 4, `Error in ${op}: image must be rank 4,but got rank ${t.rank}.`);
  return t as Image;
}

// Places are counted in whole numbers: floats lose count at sixteen million.
const whole = (n: number): Tensor => scalar(n, 'int32');
const clamp = (x: Tensor, size: number): Tensor => clipByValue(x, 0, Math.max(size - 1, 0));
const inside = (x: Tensor, size: number): Tensor => logicalAnd(greaterEqual(x, 0), lessEqual(x, size - 1));
const mix = (a: Tensor, b: Tensor, weight: Tensor): Tensor => add(a, mul(sub(b, a), weight));

/** Pixels `[n, h, w, channels]` of image number `batch [n, 1, 1]` at rows `y` and columns `x`, which broadcast to `[n, h, w]`.
 *  With a `fill`, that is what lies around the image; without, coordinates must be within it. */
function sample(image: Image, batch: Tensor, y: Tensor, x: Tensor, method: Interpolation, fill?: TensorInput): Tensor {
  const [count, height, width, channels] = image.shape;
  const pixels = reshape(image, [count * height * width, channels]);
  const row = (v: Tensor) => ({ v, at: mul(add(mul(batch, whole(height)), cast(clamp(v, height), 'int32')), whole(width)) });
  const column = (v: Tensor) => ({ v, at: cast(clamp(v, width), 'int32') });
  const pixel = (r: ReturnType<typeof row>, c: ReturnType<typeof column>): Tensor => {
    const found = gather(pixels, add(r.at, c.at));
    return fill === undefined ? found : where(expandDims(logicalAnd(inside(r.v, height), inside(c.v, width)), -1), found, fill);
  };
  // Halves go up.
  if (method === 'nearest') return pixel(row(floor(add(y, 0.5))), column(floor(add(x, 0.5))));
  const [top, bottom, left, right] = [row(floor(y)), row(ceil(y)), column(floor(x)), column(ceil(x))];
  const across = expandDims(sub(x, left.v), -1);
  return mix(mix(pixel(top, left), pixel(top, right), across), mix(pixel(bottom, left), pixel(bottom, right), across), expandDims(sub(y, top.v), -1));
}

/** Cuts boxes `[y1, x1, y2, x2]`, in parts of the height and width, out of images and resizes them to one size. */
export function cropAndResize(
  image: TensorInput, boxes: TensorInput, boxInd: TensorInput, cropSize: Size, method: Interpolation = 'bilinear', extrapolationValue = 0,
): Tensor {
  return tidy(() => {
    const images = toTensor(image, 'image', 'cropAndResize');
    const corners = toTensor(boxes, 'boxes', 'cropAndResize', 'float32');
    const numbers = toTensor(boxInd, 'boxInd', 'cropAndResize', 'int32');
    const count = corners.shape[0] as number;
    const source = toImage(cast(images, 'float32'), 'cropAndResize');
    check(corners.rank === 2 && corners.shape[1] === 4, `Error in cropAndResize: boxes must be have size [${count},4] but had shape ${corners.shape}.`);
    check(numbers.rank === 1 && numbers.size === count, `Error in cropAndResize: boxInd must be have size [${count}] but had shape ${corners.shape}.`);
    check(cropSize.length === 2, `Error in cropAndResize: cropSize must be of length 2, but got length ${cropSize.length}.`);
    check(cropSize[0] >= 1 && cropSize[1] >= 1, `cropSize must be atleast [1,1], but was ${cropSize}`);
    check(method === 'bilinear' || method === 'nearest', `method must be bilinear or nearest, but was ${method}`, 'argument');
    const [batch, height, width] = source.shape;
    // From one corner to the other, or half way where one row or column is all; the corners themselves come out exactly.
    const line = (axis: number, size: number, steps: number): Tensor => {
      const [from, to] = [axis, axis + 2].map((i) => slice(corners, [0, i], [-1, 1])) as [Tensor, Tensor];
      const grid = steps > 1 ? linspace(0, size - 1, steps) : scalar((size - 1) / 2, 'float32');
      return add(mul(from, sub(size - 1, grid)), mul(to, grid));
    };
    const y = reshape(line(0, height, cropSize[0]), [count, cropSize[0], 1]);
    const x = reshape(line(1, width, cropSize[1]), [count, 1, cropSize[1]]);
    const index = reshape(numbers, [count, 1, 1]);
    const known = clamp(index, batch);
    const crops = sample(source, known, clamp(y, height), clamp(x, width), method);
    const filled = where(expandDims(logicalAnd(inside(y, height), inside(x, width)), -1), crops, extrapolationValue);
    // Of images that there are not, zeros.
    return where(expandDims(equal(index, known), -1), filled, 0);
  });
}

/** Where in an axis of the image a coordinate lies, by the mode that continues the image beyond its edges. */
function continued(at: Tensor, size: number, mode: FillMode): Tensor {
  if (mode === 'reflect' && size > 1) {
    const m = mod(at, 2 * size);
    return clamp(minimum(m, sub(2 * size - 1, m)), size);
  }
  if (mode === 'wrap' && size > 1) {
    // The period is one longer than what it is counted with; so it is in TensorFlow.
    const turns = div(at, size - 1);
    const back = where(less(at, 0), sub(ceil(turns), 1), where(greater(at, size - 1), floor(turns), 0));
    return clamp(sub(at, mul(back, size)), size);
  }
  return clamp(at, size);
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
    const [outHeight, outWidth] = outputShape ?? [height, width];
    check((outputShape ?? [0, 0]).length === 2, `Error in transform: outputShape must be [height, width] or null, but got ${outputShape}.`);
    if (interpolation !== 'nearest' && interpolation !== 'bilinear') {
      throw coded('argument', `Error in Transform: Expect 'nearest' or 'bilinear', but got ${String(interpolation)}`);
    }
    const outX = range(0, outWidth);
    const outY = reshape(range(0, outHeight), [outHeight, 1]);
    const factor = (i: number): Tensor => reshape(slice(table, [0, i], [-1, 1]), [-1, 1, 1]);
    const line = (i: number, last: TensorInput): Tensor => add(add(mul(factor(i), outX), mul(factor(i + 1), outY)), last);
    const depth = line(6, 1);
    const infinite = equal(depth, 0);
    const divisor = where(infinite, 1, depth);
    const open = !['reflect', 'wrap', 'nearest'].includes(fillMode);
    const place = (i: number, size: number): Tensor => {
      const at = div(line(i, factor(i + 2)), divisor);
      return open ? at : continued(at, size, fillMode);
    };
    const numbers = reshape(range(0, batch, 1, 'int32'), [batch, 1, 1]);
    const found = sample(source, numbers, place(3, height), place(0, width), interpolation, open ? fillValue : undefined);
    return where(expandDims(infinite, -1), fillValue, found);
  });
}

/** Images rotated counter-clockwise about a center given in parts of the width and height. `fillValue` is a gray or `[red, green, blue]`. */
export function rotateWithOffset(
  image: TensorInput, radians: number, fillValue: number | [number, number, number] = 0, center: number | [number, number] = 0.5,
): Tensor {
  return tidy(() => {
    const source = toImage(image, 'rotateWithOffset', 'float32');
    const [batch, height, width, channels] = source.shape;
    const [partX, partY] = typeof center === 'number' ? [center, center] : center;
    const [centerX, centerY] = [width * partX, height * partY];
    const x = sub(range(0, width), centerX);
    const y = sub(reshape(range(0, height), [1, height, 1]), centerY);
    const [sin, cos] = [Math.sin(radians), Math.cos(radians)];
    // The fourth channel is opacity.
    const fill = typeof fillValue === 'number' ? fillValue : tensor(Float32Array.from({ length: channels }, (_, c) => (c === 3 ? 255 : (fillValue[c] as number))));
    const numbers = reshape(range(0, batch, 1, 'int32'), [batch, 1, 1]);
    return sample(source, numbers, add(add(mul(x, sin), mul(y, cos)), centerY), add(sub(mul(x, cos), mul(y, sin)), centerX), 'nearest', fill);
  });
}

/** Images mirrored left to right. */
export function flipLeftRight(image: TensorInput): Tensor {
  return tidy(() => reverse(toImage(image, 'flipLeftRight', 'float32'), 2));
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
    return tile(t, t.shape.map((_, i) => (i === t.rank - 1 ? 3 : 1)));
  });
}

/** How bright the colors in the last dimension are. */
const brightness = (t: Tensor): Tensor => sum(mul(cast(t, 'float32'), tensor([0.2989, 0.587, 0.114])), -1, true);

/** The brightness of images with red, green and blue. */
export function rgbToGrayscale(image: TensorInput): Tensor {
  return tidy(() => {
    const t = withChannels(image, 'RGBToGrayscale', 'an RGB', 3);
    check(t.rank <= 6, 'Not a valid tensor rank.');
    return cast(brightness(t), t.dtype);
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
    const gray = channels === 3 ? brightness(t) : cast(t, 'float32');
    const limit = method === 'otsu' ? otsu(gray) : mul(scalar(threshValue, 'float32'), 255);
    return cast(where(inverted ? lessEqual(gray, limit) : greater(gray, limit), 255, 0), 'int32');
  });
}
