/** TensorFlow.js's names of the kernels of operations. */

/** TensorFlow.js's kernel names that differ from the operations' by more than a capital. */
const KERNELS: Record<string, string> = { Multiply: 'mul', RealDiv: 'div', BatchMatMul: 'matMul', FusedBatchNorm: 'batchNorm', Select: 'where', GatherV2: 'gather', ConcatV2: 'concat', PadV2: 'pad', Pow: 'pow', LeakyRelu: 'leakyRelu' };
const NAMES = new Map(Object.entries(KERNELS).map(([kernel, op]) => [op, kernel]));

/** The operation of a kernel. */
export const opOf = (kernel: string): string => KERNELS[kernel] ?? kernel.charAt(0).toLowerCase() + kernel.slice(1);

/** The kernel of an operation. */
export const kernelOf = (op: string): string => NAMES.get(op) ?? op.charAt(0).toUpperCase() + op.slice(1);
