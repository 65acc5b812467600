/** Between complex tensors and their parts. */

import { toTensor } from './convert.js';
import { zeros } from './create.js';
import { cast } from './ops/pointwise.js';
import { assertSameShape } from './shape.js';
import { complexOf, partOf } from './special.js';
import { scoped, type Tensor } from './tensor.js';
import type { TensorInput } from './types.js';

/** Complex numbers of their parts. */
export const complex = scoped((real: TensorInput, imag: TensorInput): Tensor => {
  const [re, im] = [toTensor(real, 'real', 'complex'), toTensor(imag, 'imag', 'complex')];
  assertSameShape(re.shape, im.shape, `real and imag shapes, ${re.shape} and ${im.shape}, must match in call to tf.complex().`);
  return complexOf(cast(re, 'float32'), cast(im, 'float32'));
});

/** The real parts. */
export const real = scoped((input: TensorInput): Tensor => {
  const t = toTensor(input, 'input', 'real');
  return t.dtype === 'complex64' ? partOf(t, 0) : cast(t, 'float32');
});

/** The imaginary parts. */
export const imag = scoped((input: TensorInput): Tensor => {
  const t = toTensor(input, 'input', 'imag');
  return t.dtype === 'complex64' ? partOf(t, 1) : zeros(t.shape);
});
