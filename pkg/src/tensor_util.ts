/** `tf.tensor_util`. */

import { toTensor, toTensors } from './convert.js';
import { cast } from './ops/pointwise.js';
import { type Tensor, tensorsIn } from './tensor.js';
import { upcastType } from './types.js';

export { toTensor as convertToTensor, toTensors as convertToTensorArray };
export { tensorsIn as getTensorsInContainer };

export const isTensorInList = (t: Tensor, list: readonly Tensor[]): boolean => list.some((x) => x.id === t.id);

/** Both tensors in the dtype that holds both. */
export function makeTypesMatch(a: Tensor, b: Tensor): [Tensor, Tensor] {
  const dtype = upcastType(a.dtype, b.dtype);
  return [cast(a, dtype), cast(b, dtype)];
}

export function assertTypesMatch(a: Tensor, b: Tensor): void {
  if (a.dtype !== b.dtype) throw new Error(`The dtypes of the first(${a.dtype}) and second(${b.dtype}) input must match`);
}
