/** What TensorFlow.js offers to those who write kernels: `tf.backend_util`. */

export * from './backend/complex.js';
export * from './backend/shapes.js';
export * from './backend/windows.js';
export * as slice_util from './slice_util.js';
export { upcastType } from './types.js';

export const SELU_SCALEALPHA = 1.7580993408473768599402175208123;
export const SELU_SCALE = 1.0507009873554804934193349852946;

/** Of the error function, by Abramowitz and Stegun, 7.1.26. */
export const ERF_P = 0.3275911;
export const ERF_A1 = 0.254829592;
export const ERF_A2 = -0.284496736;
export const ERF_A3 = 1.421413741;
export const ERF_A4 = -1.453152027;
export const ERF_A5 = 1.061405429;
