/** From what users write to tensors. */

import { wasm } from './runtime.js';
import { fromRecords, Tensor } from './tensor.js';
import { coded, dtypeCode, type DataType, type Shape, type TensorInput, type TensorLike, type TypedArray } from './types.js';

export function isTypedArray(value: unknown): value is TypedArray {
  return (
    value instanceof Float32Array || value instanceof Int32Array || value instanceof Uint8Array || value instanceof Uint8ClampedArray
  );
}

/** The shape of nested arrays; the first elements tell. */
export function inferShape(value: TensorLike): Shape {
  if (isTypedArray(value)) return [value.length];
  const shape: Shape = [];
  for (let at: unknown = value; Array.isArray(at) || isTypedArray(at); at = at[0]) shape.push(at.length);
  return shape;
}

function flatten(value: unknown, shape: Shape, depth: number, path: number[], out: (number | boolean)[]): void {
  if (!Array.isArray(value) && !isTypedArray(value)) {
    if (depth !== shape.length) {
      throw coded('shape', `Element arr[${path.join('][')}] is a primitive, but should be an array/TypedArray of ${shape[depth]} elements`);
    }
    out.push(value as number | boolean);
    return;
  }
  if (depth >= shape.length) {
    throw coded('shape', `Element arr[${path.join('][')}] should be a primitive, but is an array of ${value.length} elements`);
  }
  if (value.length !== shape[depth]) {
    throw coded('shape', `Element arr[${path.join('][')}] should have ${shape[depth]} elements, but has ${value.length} elements`);
  }
  for (let i = 0; i < value.length; i++) flatten(value[i], shape, depth + 1, [...path, i], out);
}

/** The dtype that values have of themselves. */
function inferDtype(value: TensorLike): DataType {
  if (isTypedArray(value)) return value instanceof Float32Array ? 'float32' : 'int32';
  let first: unknown = value;
  while (Array.isArray(first) || isTypedArray(first)) first = first[0];
  return typeof first === 'boolean' ? 'bool' : 'float32';
}

const sizeOf = (shape: Shape): number => shape.reduce((a, b) => a * b, 1);

/** A tensor with a copy of the values. */
export function tensor(values: TensorLike, shape?: Shape, dtype?: DataType): Tensor {
  if (values === null || values === undefined) throw coded('argument', 'The input to the tensor constructor must be a non-null value.');
  const wide = Array.isArray(values) || isTypedArray(values);
  if (!wide && typeof values !== 'number' && typeof values !== 'boolean') {
    throw coded('dtype', `values passed to tensor(values) must be a number/boolean/string or an array of them, or a TypedArray; received ${String(values)}`);
  }
  const type = dtype ?? inferDtype(values);
  const inferred = inferShape(values);
  const target = shape ?? inferred;
  if (target.some((d) => !Number.isInteger(d) || d < 0)) throw coded('shape', `Tensor must have a shape comprised of non-negative integers but got shape [${target}].`);
  let flat: ArrayLike<number | boolean>;
  if (isTypedArray(values)) {
    flat = values;
  } else {
    const list: (number | boolean)[] = [];
    flatten(values, inferred, 0, [], list);
    flat = list;
  }
  if (flat.length !== sizeOf(target)) {
    throw coded('shape', `Based on the provided shape, [${target}], the tensor should have ${sizeOf(target)} values but has ${flat.length}`);
  }
  return upload(flat, target, type);
}

function upload(values: ArrayLike<number | boolean>, shape: Shape, dtype: DataType): Tensor {
  const dims = Uint32Array.from(shape);
  const numbers = values as ArrayLike<number>;
  const module = wasm();
  switch (dtypeCode(dtype)) {
    case 0:
      return fromRecords(module.tensorFromF32(values instanceof Float32Array ? values : Float32Array.from(numbers), dims))[0] as Tensor;
    case 1:
      return fromRecords(module.tensorFromI32(values instanceof Int32Array ? values : Int32Array.from(numbers), dims))[0] as Tensor;
    default:
      return fromRecords(module.tensorFromBool(Uint8Array.from(numbers, (v) => (v ? 1 : 0)), dims))[0] as Tensor;
  }
}

/** A scalar whose value may differ from step to step of one plan. */
export function scalar(value: number | boolean, dtype?: DataType): Tensor {
  const wide = typeof value === 'object';
  if (wide) throw coded('argument', 'Error creating a new Scalar: value must be a primitive (number|boolean|string)');
  const type = dtype ?? (typeof value === 'boolean' ? 'bool' : 'float32');
  return fromRecords(wasm().scalar(Number(value), dtypeCode(type)))[0] as Tensor;
}

/** The tensor of an argument: itself, or one of the values it gives. */
export function toTensor(x: TensorInput, argument: string, op: string, dtype?: DataType): Tensor {
  if (x instanceof Tensor) return x;
  if (typeof x === 'number' || typeof x === 'boolean') return scalar(x, dtype);
  if (!Array.isArray(x) && !isTypedArray(x)) {
    const got = x === null ? 'null' : x === undefined ? 'undefined' : (x as object).constructor.name;
    throw coded('argument', `Argument '${argument}' passed to '${op}' must be a Tensor or TensorLike, but got '${got}'`);
  }
  return tensor(x, undefined, dtype);
}

/** Tensors of a list argument. */
export function toTensors(xs: readonly TensorInput[], argument: string, op: string): Tensor[] {
  if (!Array.isArray(xs)) throw coded('argument', `Argument ${argument} passed to ${op} must be a \`Tensor[]\` or \`TensorLike[]\``);
  return xs.map((x, i) => toTensor(x, `${argument}[${i}]`, op));
}
