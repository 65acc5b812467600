/** Callbacks that are ready to be used. */

import type { IOHandler } from '../../io/index.js';
import type { EventSink } from '../../summary/writer.js';
import { callbacks as lean, type CustomCallbackArgs } from '../callbacks.js';
import { installProgress } from '../model.js';
import { BackupAndRestore, type BackupAndRestoreArgs } from './backup.js';
import { ModelCheckpoint, type ModelCheckpointArgs } from './checkpoint.js';
import { ProgressBar, type ProgressBarArgs } from './element.js';
import { Mixup, type MixupArgs } from './mixup.js';
import { TerminateOnNaN } from './nan.js';
import { LearningRateScheduler, ReduceLROnPlateau, type ReduceLROnPlateauArgs, type Schedule } from './rates.js';
import { ProgbarLogger, type ProgbarLoggerArgs, VerboseLogger, verboseSteps } from './progress.js';
import { registerCallbackConstructor } from './registered.js';
import { TensorBoard, type TensorBoardArgs } from './tensorboard.js';
import { CSVLogger, type CSVLoggerArgs, CustomCallback, type TextSink } from './watch.js';

export { BackupAndRestore, type BackupAndRestoreArgs } from './backup.js';
export { ModelCheckpoint, type ModelCheckpointArgs } from './checkpoint.js';
export { ProgressBar, type ProgressBarArgs } from './element.js';
export { Mixup, type MixupArgs } from './mixup.js';
export { TerminateOnNaN } from './nan.js';
export { LearningRateScheduler, ReduceLROnPlateau, type ReduceLROnPlateauArgs, type Schedule } from './rates.js';
export { ProgbarLogger, type ProgbarLoggerArgs } from './progress.js';
export { registerCallbackConstructor } from './registered.js';
export { TensorBoard, type TensorBoardArgs } from './tensorboard.js';
export { CSVLogger, type CSVLoggerArgs, CustomCallback, type TextSink } from './watch.js';

/** `tf.callbacks`. */
export const callbacks = {
  ...lean,
  modelCheckpoint: (target: string | IOHandler, args?: ModelCheckpointArgs): ModelCheckpoint => new ModelCheckpoint(target, args),
  backupAndRestore: (to: string | IOHandler, args?: BackupAndRestoreArgs): BackupAndRestore => new BackupAndRestore(to, args),
  reduceLROnPlateau: (args?: ReduceLROnPlateauArgs): ReduceLROnPlateau => new ReduceLROnPlateau(args),
  learningRateScheduler: (schedule: Schedule, args?: { verbose?: number }): LearningRateScheduler => new LearningRateScheduler(schedule, args),
  terminateOnNaN: (args?: { each?: 'batch' | 'epoch' }): TerminateOnNaN => new TerminateOnNaN(args),
  csvLogger: (sink: TextSink, args?: CSVLoggerArgs): CSVLogger => new CSVLogger(sink, args),
  progbarLogger: (args?: ProgbarLoggerArgs): ProgbarLogger => new ProgbarLogger(args),
  progressBar: (args: ProgressBarArgs): ProgressBar => new ProgressBar(args),
  tensorBoard: (logdir?: string | EventSink, args?: TensorBoardArgs): TensorBoard => new TensorBoard(logdir, args),
  mixup: (args?: MixupArgs): Mixup => new Mixup(args),
  custom: (functions: CustomCallbackArgs): CustomCallback => new CustomCallback(functions),
};

/** Has `verbose` show progress in Node. */
export function installVerbose(): void {
  registerCallbackConstructor(1, VerboseLogger);
  installProgress(verboseSteps);
}
