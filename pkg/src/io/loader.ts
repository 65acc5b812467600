/** Weights without a model, by their manifest. */

import { dispose } from '../tensor.js';
import { coded, type NamedTensorMap } from '../types.js';
import { platformFetch } from './http.js';
import type { WeightsManifestConfig } from './types.js';
import { decodeWeights } from './weights.js';

type WeightsLoader = (manifest: WeightsManifestConfig, filePathPrefix?: string, weightNames?: readonly string[]) => Promise<NamedTensorMap>;

/** Loads weights that a manifest lists, with a function that fetches the files. */
export function weightsLoaderFactory(fetchWeights: (urls: string[]) => Promise<ArrayBuffer[]>): WeightsLoader {
  return async (manifest, filePathPrefix = '', weightNames) => {
    const known = manifest.flatMap((group) => group.weights.map((w) => w.name));
    const wanted = weightNames ?? known;
    const missing = wanted.filter((name) => !known.includes(name));
    if (missing.length > 0) {
      throw coded('argument', `Could not find weights in manifest with names: ${missing.join(', ')}. \nManifest JSON has weights with names: ${known.join(', ')}.`);
    }
    const groups = manifest.filter((group) => group.weights.some((w) => wanted.includes(w.name)));
    const base = filePathPrefix.endsWith('/') ? filePathPrefix : `${filePathPrefix}/`;
    const buffers = await fetchWeights(groups.flatMap((group) => group.paths.map((path) => base + path)));
    const out: NamedTensorMap = {};
    let at = 0;
    for (const { paths, weights } of groups) {
      const tensors = decodeWeights(buffers.slice(at, (at += paths.length)), weights);
      for (const [name, tensor] of Object.entries(tensors)) {
        if (wanted.includes(name)) out[name] = tensor;
        else dispose(tensor);
      }
    }
    return out;
  };
}

/** Loads weights that a manifest lists. */
export function loadWeights(manifest: WeightsManifestConfig, filePathPrefix = '', weightNames?: readonly string[], requestInit?: RequestInit): Promise<NamedTensorMap> {
  const read = async (url: string): Promise<ArrayBuffer> => (await platformFetch(url, requestInit, { isBinary: true })).arrayBuffer();
  return weightsLoaderFactory((urls) => Promise.all(urls.map(read)))(manifest, filePathPrefix, weightNames);
}
