/** What smaller packages leave out. */

import { coded } from './types.js';

/** The error of asking a smaller package for what only the whole one has. */
export const lacking = (what: string): Error => coded('missing', `${what}: that needs the whole package; import it from \`headwater\`.`);

/** A function in the place of one that the whole package installs. */
export const lacks = (what: string) => (): never => {
  throw lacking(what);
};
