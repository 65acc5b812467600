/** Models and weights on servers. */

import { host } from '../platform.js';
import { coded } from '../types.js';
import { assert } from '../util.js';
import { artifactsOf, filesOf } from './artifacts.js';
import { CompositeArrayBuffer } from './buffers.js';
import type { Fetch, IOHandler, LoadOptions, ModelJSON } from './types.js';

export const platformFetch: Fetch = (...args) => (host.platform.fetch as Fetch)(...args);

export const isHTTPScheme = (url: string): boolean => /^https?:\/\//.test(url);

/** The bytes of a response, with word of each part that arrives. */
async function bodyOf(response: Response, arrived?: (bytes: number) => void): Promise<ArrayBuffer> {
  if (arrived === undefined || response.body == null) return response.arrayBuffer();
  const parts: Uint8Array[] = [];
  for (const reader = response.body.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) return CompositeArrayBuffer.join(parts);
    parts.push(value);
    arrived(value.byteLength);
  }
}

/** A model on a server. */
export function http(path: string, options: LoadOptions = {}): IOHandler {
  const { requestInit = {}, fetchFunc = platformFetch, signal, onProgress, weightPathPrefix, weightUrlConverter } = options;
  assert(typeof fetchFunc === 'function', 'Must pass a function that matches the signature of `fetch` (see https://developer.mozilla.org/en-US/docs/Web/API/Fetch_API)');
  assert(path != null && path.length > 0, 'URL path for http must not be null, undefined or empty.');
  assert(requestInit.body == null, 'requestInit is expected to have no pre-existing body, but has one.');
  const init: RequestInit = signal === undefined ? requestInit : { ...requestInit, signal };
  const request = async (url: string, what: string, isBinary: boolean): Promise<Response> => {
    let response: Response;
    try {
      response = await (isBinary ? fetchFunc(url, init, { isBinary }) : fetchFunc(url, init));
    } catch (error) {
      // What a fetch of the user's own throws is not ours to word.
      throw error instanceof Error ? coded('format', `${what} ${url} could not be fetched: ${error.message}`) : error;
    }
    if (response.ok) return response;
    throw coded('format', `Request to ${url} failed with status code ${response.status}. Please verify this URL points to the ${what}.`);
  };
  return {
    async load() {
      const response = await request(path, 'model JSON of the model to load', false);
      let json: ModelJSON;
      try {
        json = (await response.json()) as ModelJSON;
      } catch {
        throw coded('format', `Failed to parse model JSON of response from ${path}. Please make sure the server is serving valid JSON for this request.`);
      }
      const end = path.lastIndexOf('/') + 1;
      const query = /\?[^?]*$/.exec(path.slice(end))?.[0] ?? '';
      return artifactsOf(json, `HTTP path ${path}`, (paths, total) => {
        let sum = 0;
        const arrived = onProgress && ((bytes: number) => onProgress(Math.min(1, (sum += bytes) / total) || 0));
        return Promise.all(
          paths.map(async (file) => {
            const url = weightUrlConverter ? await weightUrlConverter(file) : (weightPathPrefix || path.slice(0, end)) + file + query;
            return bodyOf(await request(url, 'weight file', true), arrived);
          }),
        );
      });
    },
    async save(artifacts) {
      const name = 'model.weights.bin';
      const { json, weights, modelArtifactsInfo } = filesOf(artifacts, `./${name}`);
      const body = new FormData();
      body.append('model.json', new Blob([json], { type: 'application/json' }), 'model.json');
      if (weights) body.append(name, new Blob([weights], { type: 'application/octet-stream' }), name);
      const response = await fetchFunc(path, { method: 'POST', ...init, body });
      if (!response.ok) throw coded('format', `BrowserHTTPRequest.save() failed due to HTTP response status ${response.status}.`);
      return { modelArtifactsInfo, responses: [response] };
    },
  };
}
export const browserHTTPRequest = http;
