/** What a page stores with a model. */

import { coded } from '../types.js';
import { LayersModel } from './model.js';

const isPlain = (x: unknown): x is object => x instanceof Object && Object.getPrototypeOf(x) === Object.prototype;

const isJSON = (x: unknown): boolean =>
  Array.isArray(x) || isPlain(x) ? Object.values(x).every(isJSON) : x === null || ['string', 'number', 'boolean'].includes(typeof x);

/** Has models refuse metadata that is no JSON object. */
export function installMetadata(): void {
  const { setUserDefinedMetadata } = LayersModel.prototype;
  LayersModel.prototype.setUserDefinedMetadata = function (metadata) {
    if (!isPlain(metadata) || !isJSON(metadata)) throw coded('argument', 'User-defined metadata is expected to be a JSON object, but is not.');
    setUserDefinedMetadata.call(this, metadata);
  };
}
