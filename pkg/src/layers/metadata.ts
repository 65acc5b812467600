/** What a page stores with a model. */

import { coded } from '../types.js';
import { LayersModel } from './model.js';

/** The longest text of metadata that needs no warning. */
const METADATA_LENGTH = 1024 * 1024;

const isPlain = (x: unknown): x is object => x instanceof Object && Object.getPrototypeOf(x) === Object.prototype;

const isJSON = (x: unknown): boolean =>
  Array.isArray(x) || isPlain(x) ? Object.values(x).every(isJSON) : x === null || ['string', 'number', 'boolean'].includes(typeof x);

/** Refuses metadata that is no JSON object, and warns of much of it. */
function checkMetadata(metadata: unknown, model: string): void {
  if (!isPlain(metadata) || !isJSON(metadata)) {
    throw coded('argument', 'User-defined metadata is expected to be a JSON object, but is not.');
  }
  const { length } = JSON.stringify(metadata);
  if (length > METADATA_LENGTH) {
    console.warn(`The metadata of model "${model}" is too large in size: ${length} characters, where at most ${METADATA_LENGTH} are recommended.`);
  }
}

/** Has models check their metadata. */
export function installMetadata(): void {
  const { setUserDefinedMetadata } = LayersModel.prototype;
  LayersModel.prototype.setUserDefinedMetadata = function (metadata) {
    checkMetadata(metadata, this.name);
    setUserDefinedMetadata.call(this, metadata);
  };
}
