/** Callbacks that every training has. */

import { coded } from '../../types.js';
import { type Callback, registered } from '../callbacks.js';

/** Has training that is as verbose as a level, or more so, make a callback and call it. `verbose` is 1 where it is not given. */
export function registerCallbackConstructor(verbosityLevel: number, callbackConstructor: new () => Callback): void {
  if (!(verbosityLevel >= 0) || !Number.isInteger(verbosityLevel)) throw coded('argument', `Verbosity level is expected to be an integer >= 0, but got ${verbosityLevel}`);
  if (registered.some(({ cls }) => cls === callbackConstructor)) throw coded('argument', 'Duplicate callback constructor.');
  registered.push({ level: verbosityLevel, cls: callbackConstructor });
}
