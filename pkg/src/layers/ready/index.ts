/** Callbacks that are ready to be used. */

import type { IOHandler } from '../../io/index.js';
import { callbacks as lean, type CustomCallbackArgs } from '../callbacks.js';
import { BackupAndRestore, type BackupAndRestoreArgs } from './backup.js';
import { ModelCheckpoint, type ModelCheckpointArgs } from './checkpoint.js';
import { LearningRateScheduler, ReduceLROnPlateau, type ReduceLROnPlateauArgs, type Schedule } from './rates.js';
import { CSVLogger, type CSVLoggerArgs, CustomCallback, ProgbarLogger, type ProgbarLoggerArgs, TerminateOnNaN, type TextSink } from './watch.js';

export { BackupAndRestore, type BackupAndRestoreArgs } from './backup.js';
export { ModelCheckpoint, type ModelCheckpointArgs } from './checkpoint.js';
export { LearningRateScheduler, ReduceLROnPlateau, type ReduceLROnPlateauArgs, type Schedule } from './rates.js';
export { CSVLogger, type CSVLoggerArgs, CustomCallback, ProgbarLogger, type ProgbarLoggerArgs, TerminateOnNaN, type TextSink } from './watch.js';

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
  custom: (functions: CustomCallbackArgs): CustomCallback => new CustomCallback(functions),
};
