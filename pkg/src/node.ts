/** `tf.node`: what tfjs-node has of its own. */

import { TensorBoard, type TensorBoardArgs } from './layers/ready/tensorboard.js';
import { type EventSink, SummaryFileWriter } from './summary/writer.js';
import { coded } from './types.js';

export { TensorBoard, type TensorBoardArgs } from './layers/ready/tensorboard.js';
export { type EventSink, SummaryFileWriter } from './summary/writer.js';

/**
 * A writer of a file that TensorBoard shows, in the folder `logdir`. Events are written as they come, so the second and third arguments of
 * tfjs-node, how many and how long they may wait, have no effect.
 */
export function summaryFileWriter(logdir: string, _maxQueue?: number, _flushMillis?: number, filenameSuffix = '.v2'): SummaryFileWriter {
  if (typeof logdir !== 'string' || logdir === '') throw coded('argument', 'summaryFileWriter needs the path of a folder.');
  return new SummaryFileWriter(logdir, filenameSuffix);
}

/** A callback that writes what TensorBoard shows. */
export const tensorBoard = (logdir?: string | EventSink, args?: TensorBoardArgs): TensorBoard => new TensorBoard(logdir, args);
