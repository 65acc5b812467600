/** Pixels in and out. */

import { tensor, toTensor } from './convert.js';
import { cast } from './ops/pointwise.js';
import { getBackend } from './runtime.js';
import type { Tensor } from './tensor.js';
import { coded, isFloat, isWhole, type TensorInput } from './types.js';

export interface PixelData {
  width: number;
  height: number;
  data: Uint8Array | Uint8ClampedArray;
}
type Drawable = ImageBitmap | HTMLImageElement | HTMLCanvasElement | OffscreenCanvas | HTMLVideoElement;
export type Pixels = PixelData | ImageData | Drawable;

type Context = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;
let scratch: Context | null = null;

function context(width: number, height: number): Context {
  if (scratch === null) {
    const canvas = typeof OffscreenCanvas !== 'undefined' ? new OffscreenCanvas(1, 1) : typeof document !== 'undefined' ? document.createElement('canvas') : null;
    if (canvas === null) throw coded('argument', 'Cannot parse input in current context. Reason: OffscreenCanvas Context2D rendering is not supported.');
    scratch = canvas.getContext('2d', { willReadFrequently: true }) as Context;
  }
  scratch.canvas.width = width;
  scratch.canvas.height = height;
  return scratch;
}

function sizeOf(source: Drawable): [number, number] {
  if (typeof HTMLVideoElement !== 'undefined' && source instanceof HTMLVideoElement) {
    if (source.readyState < 2) throw coded('argument', 'The video element has not loaded data yet. Please wait for `loadeddata` event on the <video> element.');
    return [source.videoWidth, source.videoHeight];
  }
  if (typeof HTMLImageElement !== 'undefined' && source instanceof HTMLImageElement) return [source.naturalWidth || source.width, source.naturalHeight || source.height];
  return [source.width, source.height];
}

function pixelsOf(pixels: Pixels): PixelData {
  if ('data' in pixels && ArrayBuffer.isView(pixels.data)) return pixels as PixelData;
  const source = pixels as Drawable;
  const [width, height] = sizeOf(source);
  // A canvas gives its pixels itself.
  const own = 'getContext' in source ? (source.getContext('2d') as Context | null) : null;
  if (own !== null) return { width, height, data: own.getImageData(0, 0, width, height).data };
  const drawing = context(width, height);
  drawing.drawImage(source as CanvasImageSource, 0, 0, width, height);
  return drawing.getImageData(0, 0, width, height);
}

/** An int32 tensor [height, width, channels] of an image's pixels, 0 to 255. */
export function fromPixels(pixels: Pixels, numChannels = 3): Tensor {
  if (numChannels > 4) throw coded('argument', 'Cannot construct Tensor with more than 4 channels from pixels.');
  if (pixels === null || pixels === undefined) throw coded('argument', 'pixels passed to tf.browser.fromPixels() can not be null');
  const { width, height, data } = pixelsOf(pixels);
  const values = new Int32Array(width * height * numChannels);
  for (let i = 0, o = 0; i < width * height * 4; i += 4) for (let c = 0; c < numChannels; c++) values[o++] = data[i + c] ?? 0;
  return tensor(values, [height, width, numChannels], 'int32');
}

export async function fromPixelsAsync(pixels: Pixels, numChannels = 3): Promise<Tensor> {
  return fromPixels(pixels, numChannels);
}

/** The pixels of an image [height, width] or [height, width, 1, 3 or 4]: float32 from 0 to 1, int32 from 0 to 255. */
function rendered(t: Tensor, data: ArrayLike<number>, alpha = 1): Uint8ClampedArray<ArrayBuffer> {
  const [height = 0, width = 0, depth = 1] = t.shape;
  const scale = isFloat(t.dtype) ? 255 : 1;
  const bytes = new Uint8ClampedArray(width * height * 4);
  for (let i = 0; i < width * height; i++) {
    const at = (c: number): number => {
      const value = data[i * depth + c] ?? 0;
      if (value < 0 || value * scale > 255) {
        throw coded('argument', `Tensor values for a ${t.dtype} Tensor must be in the range [0 - ${255 / scale}] but encountered ${value}.`);
      }
      return Math.round(value * scale);
    };
    const grey = depth === 1;
    bytes.set([at(0), grey ? at(0) : at(1), grey ? at(0) : at(2), depth === 4 ? at(3) : 255 * alpha], i * 4);
  }
  return bytes;
}

function checkImage(t: Tensor, op: string): void {
  const depth = t.shape[2] ?? 1;
  if (t.rank !== 2 && t.rank !== 3) throw coded('shape', `${op} only supports rank 2 or 3 tensors, got rank ${t.rank}.`);
  if (depth > 4 || depth === 2) throw coded('shape', `${op} only supports depth of size 1, 3 or 4 but got ${depth}`);
  if (!isFloat(t.dtype) && !isWhole(t.dtype)) throw coded('dtype', `Unsupported type for ${op}: ${t.dtype}. Please use float32 or int32 tensors.`);
}

type Canvas = HTMLCanvasElement | OffscreenCanvas;

function show(bytes: Uint8ClampedArray<ArrayBuffer>, t: Tensor, canvas: Canvas): void {
  const [height = 0, width = 0] = t.shape;
  canvas.width = width;
  canvas.height = height;
  (canvas.getContext('2d') as CanvasRenderingContext2D).putImageData(new ImageData(bytes, width, height), 0, 0);
}

/** The pixels of an image, which a canvas shows where one is given. */
export async function toPixels(image: TensorInput, canvas?: Canvas): Promise<Uint8ClampedArray> {
  const given = toTensor(image, 'img', 'toPixels');
  const t = given === image ? given : cast(given, 'int32');
  if (t !== given) given.dispose();
  checkImage(t, 'toPixels');
  const bytes = rendered(t, await t.data());
  if (canvas !== undefined) show(bytes, t, canvas);
  if (t !== image) t.dispose();
  return bytes;
}

export interface DrawOptions {
  imageOptions?: { alpha?: number };
  contextOptions?: { contextType?: string };
}

/** Shows an image on a canvas: at once, or where the engine gives values back only later, as soon as they are there. */
export function draw(image: TensorInput, canvas: Canvas, options: DrawOptions = {}): void {
  const t = toTensor(image, 'img', 'draw');
  checkImage(t, 'draw');
  const kind = options.contextOptions?.contextType ?? '2d';
  if (kind !== '2d') throw coded('argument', `draw() draws with the context '2d', not '${kind}'`);
  const finish = (data: ArrayLike<number>): void => {
    show(rendered(t, data, options.imageOptions?.alpha ?? 1), t, canvas);
    if (t !== image) t.dispose();
  };
  if (getBackend() === 'cpu') finish(t.dataSync());
  else void t.data().then(finish, (error: unknown) => console.error('draw:', error));
}
