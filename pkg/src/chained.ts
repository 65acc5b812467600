/** The chained methods of tensors: every operation whose first argument is a tensor. */

import * as create from './create.js';
import * as ops from './ops/core.js';
import type * as all from './ops/index.js';
import { Tensor } from './tensor.js';
import type { DataType, Shape } from './types.js';

type Ops = typeof all;
/** What a function that takes a tensor first is as a method. */
type Method<F> = F extends (x: any, ...rest: infer R) => infer Result ? (...rest: R) => Result : never;
/** Lists go first to the others. */
type Chained = { [K in Exclude<keyof Ops, 'concat' | 'stack' | 'addN'>]: Method<Ops[K]> };

declare module './tensor.js' {
  interface Tensor extends Chained {
    toFloat(): Tensor;
    toInt(): Tensor;
    toBool(): Tensor;
    as1D(): Tensor;
    as2D(rows: number, columns: number): Tensor;
    as3D(a: number, b: number, c: number): Tensor;
    as4D(a: number, b: number, c: number, d: number): Tensor;
    asScalar(): Tensor;
    asType(dtype: DataType): Tensor;
    flatten(): Tensor;
    reshapeAs(other: Tensor): Tensor;
    concat(other: Tensor | Tensor[], axis?: number): Tensor;
    resizeBilinear(size: [number, number], alignCorners?: boolean, halfPixelCenters?: boolean): Tensor;
    oneHot(depth: number): Tensor;
    variable(trainable?: boolean, name?: string, dtype?: DataType): Variable;
    buffer<D extends DataType = 'float32'>(): Promise<create.TensorBuffer<D>>;
    bufferSync<D extends DataType = 'float32'>(): create.TensorBuffer<D>;
  }
}

/** Lists go first to these. */
const NOT_CHAINED = new Set(['concat', 'stack', 'addN', 'einsum', 'basicLSTMCell', 'multiRNNCell', 'enclosingPowerOfTwo', 'cosineWindow', 'scatterND', 'concat1d', 'concat2d', 'concat3d', 'concat4d']);

/** Gives tensors the operations as methods. */
export function installMethods(operations: Record<string, unknown>): void {
  const prototype = Tensor.prototype as unknown as Record<string, unknown>;
  const define = (name: string, f: (this: Tensor, ...rest: never[]) => unknown): void => {
    Object.defineProperty(prototype, name, {
      value: function (this: Tensor, ...rest: never[]) {
        this.throwIfDisposed();
        return f.apply(this, rest);
      },
      writable: true,
      configurable: true,
    });
  };
  for (const [name, f] of Object.entries(operations) as [string, (...args: unknown[]) => unknown][]) {
    if (!NOT_CHAINED.has(name)) define(name, function (...rest) { return f(this, ...rest); });
  }
  define('concat', function (other: never, axis: never) { return ops.concat([this, ...([other].flat() as Tensor[])], axis); });
  define('stack', function (other: never, axis: never) { return ops.stack([this, ...([other].flat() as Tensor[])], axis); });
  define('toFloat', function () { return ops.cast(this, 'float32'); });
  define('toInt', function () { return ops.cast(this, 'int32'); });
  define('toBool', function () { return ops.cast(this, 'bool'); });
  define('asType', function (dtype: never) { return ops.cast(this, dtype); });
  define('flatten', function () { return ops.reshape(this, [this.size]); });
  define('as1D', function () { return ops.reshape(this, [this.size]); });
  define('asScalar', function () { return ops.reshape(this, []); });
  for (const name of ['as2D', 'as3D', 'as4D', 'as5D']) define(name, function (...shape) { return ops.reshape(this, shape as Shape); });
  define('reshapeAs', function (other: never) { return ops.reshape(this, (other as Tensor).shape); });
  define('oneHot', function (...rest: never[]) { return create.oneHot(this, ...(rest as unknown as [number])); });
  define('onesLike', function () { return create.onesLike(this); });
  define('zerosLike', function () { return create.zerosLike(this); });
  define('where', function (condition: never, other: never) { return ops.where(condition, this, other); });
  define('variable', function (trainable: never, name: never, dtype: never) { return create.variable(this, trainable, name, dtype); });
  define('bufferSync', function () { return create.buffer(this.shape, this.dtype, this.dataSync() as never); });
  define('buffer', async function () { return create.buffer(this.shape, this.dtype, (await this.data()) as never); });
}
