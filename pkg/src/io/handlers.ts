/** Where models come from and go to. */

import { coded } from '../types.js';
import type { IOHandler, LoadOptions, ModelArtifacts, ModelArtifactsInfo, ModelJSON, SaveResult, WeightData, WeightsManifestEntry } from './types.js';
import { concatenateArrayBuffers, entryBytes, getModelArtifactsInfoForJSON } from './weights.js';

/** The artifacts of a model.json and the bytes that its manifest names. */
async function artifactsOf(json: ModelJSON, where: string, readShards: (paths: string[], bytes: number) => Promise<ArrayBuffer[]>): Promise<ModelArtifacts> {
  if (json.modelTopology === undefined && json.weightsManifest === undefined) {
    throw coded('format', `The JSON from ${where} contains neither model topology or manifest for weights.`);
  }
  const artifacts: ModelArtifacts = {};
  for (const key of ['modelTopology', 'format', 'generatedBy', 'convertedBy', 'trainingConfig', 'userDefinedMetadata'] as const) {
    if (json[key] !== undefined) Object.assign(artifacts, { [key]: json[key] });
  }
  const groups = json.weightsManifest ?? [];
  artifacts.weightSpecs = groups.flatMap((group) => group.weights);
  const paths = groups.flatMap((group) => group.paths);
  const expected = artifacts.weightSpecs.reduce((n, entry) => n + entryBytes(entry), 0);
  const shards = await readShards(paths, expected);
  const received = shards.reduce((n, shard) => n + shard.byteLength, 0);
  if (received !== expected) {
    throw coded('format', `${paths.join(', ')}: expected ${expected} bytes of weights, received ${received}`);
  }
  artifacts.weightData = concatenateArrayBuffers(shards.length === 0 ? [new ArrayBuffer(0)] : shards);
  return artifacts;
}

/** A model as its JSON and its bytes, with one shard. */
function filesOf(artifacts: ModelArtifacts, shard: string): { json: ModelJSON; weights: ArrayBuffer } {
  const { weightSpecs = [], weightData = new ArrayBuffer(0), ...rest } = artifacts;
  return { json: { ...rest, weightsManifest: [{ paths: [shard], weights: weightSpecs }] }, weights: concatenateArrayBuffers(weightData) };
}

export const isHTTPScheme = (url: string): boolean => /^https?:\/\//.test(url);

/** A model on a server. */
export function http(path: string, options: LoadOptions = {}): IOHandler {
  const fetcher = options.fetchFunc ?? ((input: string, init?: RequestInit) => fetch(input, init));
  const init: RequestInit = { ...options.requestInit, ...(options.signal === undefined ? {} : { signal: options.signal }) };
  const request = async (url: string, what: string): Promise<Response> => {
    let response: Response;
    try {
      response = await fetcher(url, init);
    } catch (error) {
      throw coded('format', `${what} ${url} could not be fetched: ${error instanceof Error ? error.message : String(error)}`);
    }
    if (!response.ok) throw coded('format', `Request to ${url} failed with status code ${response.status}. Please verify this URL points to the ${what}.`);
    return response;
  };
  return {
    async load() {
      const response = await request(path, 'model JSON of the model to load');
      let json: ModelJSON;
      try {
        json = (await response.json()) as ModelJSON;
      } catch {
        throw coded('format', `Failed to parse model JSON of response from ${path}. It is not JSON.`);
      }
      const base = path.slice(0, path.lastIndexOf('/') + 1);
      const query = path.includes('?') ? path.slice(path.lastIndexOf('?')) : '';
      return artifactsOf(json, path, async (paths, total) => {
        let arrived = 0;
        const read = async (file: string): Promise<ArrayBuffer> => {
          const url = options.weightUrlConverter === undefined ? (options.weightPathPrefix ?? base) + file + query : await options.weightUrlConverter(file);
          const { body, ...rest } = await request(url, 'weight file').then((r) => ({ body: r.body, buffer: () => r.arrayBuffer() }));
          if (body === null || options.onProgress === undefined) return rest.buffer();
          const parts: ArrayBuffer[] = [];
          for (let reader = body.getReader(); ; ) {
            const { done, value } = await reader.read();
            if (done) break;
            parts.push(value.slice().buffer as ArrayBuffer);
            arrived += value.byteLength;
            options.onProgress(Math.min(1, arrived / total));
          }
          return concatenateArrayBuffers(parts.length === 0 ? [new ArrayBuffer(0)] : parts);
        };
        return Promise.all(paths.map(read));
      });
    },
    async save(artifacts) {
      const { json, weights } = filesOf(artifacts, './model.weights.bin');
      const form = new FormData();
      form.append('model.json', new Blob([JSON.stringify(json)], { type: 'application/json' }), 'model.json');
      form.append('model.weights.bin', new Blob([weights], { type: 'application/octet-stream' }), 'model.weights.bin');
      const response = await fetcher(path, { ...init, method: init.method ?? 'POST', body: form });
      if (!response.ok) throw coded('format', `BrowserHTTPRequest.save() failed due to HTTP response status ${response.status}.`);
      return { modelArtifactsInfo: getModelArtifactsInfoForJSON(artifacts), responses: [response] };
    },
  };
}
export const browserHTTPRequest = http;

/** A model in files that a user chose: model.json first, then its shards. */
export function browserFiles(files: File[]): IOHandler {
  if (!Array.isArray(files) || files.length === 0) throw coded('argument', `When calling browserFiles, at least 1 file is required, but received ${String(files)}`);
  return {
    async load() {
      const [first, ...rest] = files as [File, ...File[]];
      const json = JSON.parse(await first.text()) as ModelJSON;
      return artifactsOf(json, first.name, (paths) =>
        Promise.all(
          paths.map((path) => {
            const name = path.slice(path.lastIndexOf('/') + 1);
            const file = rest.find((f) => f.name === name);
            if (file === undefined) throw coded('format', `Weight file '${name}' of ${first.name} was not among the ${rest.length} files provided.`);
            return file.arrayBuffer();
          }),
        ),
      );
    },
  };
}

/** A model in memory. */
export function fromMemory(artifacts: ModelArtifacts | object, weightSpecs?: WeightsManifestEntry[], weightData?: WeightData, trainingConfig?: object): IOHandler {
  const whole = 'modelTopology' in artifacts || 'weightSpecs' in artifacts;
  const model = whole ? (artifacts as ModelArtifacts) : { modelTopology: artifacts, weightSpecs, weightData, trainingConfig };
  return { load: async () => model as ModelArtifacts };
}

/** Hands a saved model to a function. */
export function withSaveHandler(save: (artifacts: ModelArtifacts) => Promise<SaveResult>): IOHandler {
  return { save };
}

/** Two downloads: a JSON and the weights. */
function downloads(name: string): IOHandler {
  return {
    async save(artifacts) {
      if (typeof document === 'undefined') throw coded('argument', 'Browser downloads are not supported in this environment since `document` is not present');
      const base = name === '' ? 'model' : name;
      const { json, weights } = filesOf(artifacts, `./${base}.weights.bin`);
      const click = (data: BlobPart, type: string, file: string): void => {
        const anchor = document.createElement('a');
        anchor.href = URL.createObjectURL(new Blob([data], { type }));
        anchor.download = file;
        anchor.click();
      };
      click(JSON.stringify(json), 'application/json', `${base}.json`);
      click(weights, 'application/octet-stream', `${base}.weights.bin`);
      return { modelArtifactsInfo: getModelArtifactsInfoForJSON(artifacts) };
    },
  };
}

const DATABASE = 'tensorflowjs';
const MODELS = 'models_store';
const INFOS = 'model_info_store';

function request<T>(operation: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    operation.onsuccess = () => resolve(operation.result);
    operation.onerror = () => reject(operation.error);
  });
}

async function withDatabase<T>(f: (db: IDBDatabase) => Promise<T>): Promise<T> {
  if (typeof indexedDB === 'undefined') throw coded('argument', 'IndexedDB is not available in this environment.');
  const open = indexedDB.open(DATABASE, 1);
  open.onupgradeneeded = () => {
    for (const store of [MODELS, INFOS]) {
      if (!open.result.objectStoreNames.contains(store)) open.result.createObjectStore(store, { keyPath: 'modelPath' });
    }
  };
  const db = await request(open);
  try {
    return await f(db);
  } finally {
    db.close();
  }
}

/** A model in the browser's database; the one that TensorFlow.js uses. */
function indexedDb(modelPath: string): IOHandler {
  return {
    save: (artifacts) =>
      withDatabase(async (db) => {
        const stored = { ...artifacts, weightData: concatenateArrayBuffers(artifacts.weightData ?? new ArrayBuffer(0)) };
        const modelArtifactsInfo = getModelArtifactsInfoForJSON(stored);
        // Both or neither.
        const transaction = db.transaction([MODELS, INFOS], 'readwrite');
        transaction.objectStore(MODELS).put({ modelPath, modelArtifacts: stored });
        transaction.objectStore(INFOS).put({ modelPath, modelArtifactsInfo });
        await new Promise<void>((resolve, reject) => {
          transaction.oncomplete = () => resolve();
          transaction.onabort = transaction.onerror = () => reject(transaction.error);
        });
        return { modelArtifactsInfo };
      }),
    load: () =>
      withDatabase(async (db) => {
        const found = await request(db.transaction(MODELS).objectStore(MODELS).get(modelPath));
        if (found === undefined) throw coded('format', `Cannot find model with path '${modelPath}' in IndexedDB.`);
        return found.modelArtifacts as ModelArtifacts;
      }),
  };
}

const LOCAL = 'tensorflowjs_models';

/** A model in the browser's local storage, weights in base64. */
function localStorageHandler(modelPath: string): IOHandler {
  const key = (part: string): string => `${LOCAL}/${modelPath}/${part}`;
  return {
    async save(artifacts) {
      const { weightSpecs = [], weightData = new ArrayBuffer(0), modelTopology, ...metadata } = artifacts;
      const bytes = new Uint8Array(concatenateArrayBuffers(weightData));
      let text = '';
      for (let i = 0; i < bytes.length; i += 0x8000) text += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
      const modelArtifactsInfo = getModelArtifactsInfoForJSON(artifacts);
      try {
        localStorage.setItem(key('info'), JSON.stringify(modelArtifactsInfo));
        localStorage.setItem(key('model_topology'), JSON.stringify(modelTopology));
        localStorage.setItem(key('weight_specs'), JSON.stringify(weightSpecs));
        localStorage.setItem(key('weight_data'), btoa(text));
        localStorage.setItem(key('model_metadata'), JSON.stringify(metadata));
      } catch (error) {
        for (const part of ['info', 'model_topology', 'weight_specs', 'weight_data', 'model_metadata']) localStorage.removeItem(key(part));
        throw coded('format', `Failed to save model '${modelPath}' to local storage: size quota being exceeded is a possible cause of this failure: ${bytes.length} bytes of weights (${String(error)}).`);
      }
      return { modelArtifactsInfo };
    },
    async load() {
      const read = (part: string): string => {
        const value = localStorage.getItem(key(part));
        if (value === null) throw coded('format', `In local storage, there is no model with name '${modelPath}'`);
        return value;
      };
      const weightData = Uint8Array.from(atob(read('weight_data')), (c) => c.charCodeAt(0)).buffer;
      return { modelTopology: JSON.parse(read('model_topology')), weightSpecs: JSON.parse(read('weight_specs')), weightData, ...JSON.parse(read('model_metadata')) };
    },
  };
}

/** A folder on disk, in Node. */
function fileSystem(path: string): IOHandler {
  const modules = async () => ({ fs: await import('node:fs/promises'), path: await import('node:path') });
  return {
    async save(artifacts) {
      const { fs, path: paths } = await modules();
      await fs.mkdir(path, { recursive: true });
      const { json, weights } = filesOf(artifacts, 'weights.bin');
      await fs.writeFile(paths.join(path, 'weights.bin'), new Uint8Array(weights));
      await fs.writeFile(paths.join(path, 'model.json'), JSON.stringify(json));
      return { modelArtifactsInfo: getModelArtifactsInfoForJSON(artifacts) };
    },
    async load() {
      const { fs, path: paths } = await modules();
      const read = async (file: string): Promise<ArrayBuffer> => {
        try {
          const data = await fs.readFile(file);
          return data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength) as ArrayBuffer;
        } catch (error) {
          throw coded('format', `${file} could not be read: ${String(error)}`);
        }
      };
      const json = JSON.parse(new TextDecoder().decode(await read(path))) as ModelJSON;
      return artifactsOf(json, path, (files) => Promise.all(files.map((file) => read(paths.join(paths.dirname(path), file)))));
    },
  };
}

type Router = (url: string | string[], options?: LoadOptions) => IOHandler | null;
const loadRouters: Router[] = [];
const saveRouters: Router[] = [];

/** Adds a place to load from. */
export function registerLoadRouter(router: Router): void {
  loadRouters.push(router);
}

/** Adds a place to save to. */
export function registerSaveRouter(router: Router): void {
  saveRouters.push(router);
}

function builtIn(url: string | string[], options?: LoadOptions): IOHandler | null {
  const path = Array.isArray(url) ? url[0] : url;
  if (path === undefined) return null;
  const [scheme, rest] = path.includes('://') ? (path.split(/:\/\/(.*)/s) as [string, string]) : ['', path];
  switch (scheme) {
    case 'indexeddb':
      return indexedDb(rest);
    case 'localstorage':
      return localStorageHandler(rest);
    case 'downloads':
      return downloads(rest);
    case 'file':
      return fileSystem(rest);
    case 'http':
    case 'https':
    case 'blob':
      return http(path, options);
    default:
      // A path relative to the page.
      return scheme === '' && typeof location !== 'undefined' ? http(new URL(path, location.href).href, options) : null;
  }
}

export function getLoadHandlers(url: string | string[], options?: LoadOptions): IOHandler[] {
  return [...loadRouters.map((router) => router(url, options)), builtIn(url, options)].filter((h): h is IOHandler => h?.load !== undefined);
}

export function getSaveHandlers(url: string | string[]): IOHandler[] {
  return [...saveRouters.map((router) => router(url)), builtIn(url)].filter((h): h is IOHandler => h?.save !== undefined);
}

/** The models that are stored in this browser, by URL. */
export async function listModels(): Promise<Record<string, ModelArtifactsInfo>> {
  const found: Record<string, ModelArtifactsInfo> = {};
  if (typeof indexedDB !== 'undefined') {
    const infos = await withDatabase((db) => request(db.transaction(INFOS).objectStore(INFOS).getAll()));
    for (const { modelPath, modelArtifactsInfo } of infos) found[`indexeddb://${modelPath}`] = modelArtifactsInfo;
  }
  if (typeof localStorage !== 'undefined') {
    for (const key of Object.keys(localStorage)) {
      const name = key.startsWith(`${LOCAL}/`) && key.endsWith('/info') ? key.slice(LOCAL.length + 1, -'/info'.length) : null;
      if (name !== null) found[`localstorage://${name}`] = JSON.parse(localStorage.getItem(key) ?? '{}');
    }
  }
  return found;
}

/** Deletes a stored model. */
export async function removeModel(url: string): Promise<ModelArtifactsInfo> {
  const info = (await listModels())[url];
  if (info === undefined) throw coded('format', `Cannot find model at '${url}'`);
  const path = url.slice(url.indexOf('://') + 3);
  if (url.startsWith('indexeddb://')) {
    await withDatabase(async (db) => {
      const transaction = db.transaction([MODELS, INFOS], 'readwrite');
      await request(transaction.objectStore(MODELS).delete(path));
      await request(transaction.objectStore(INFOS).delete(path));
    });
  } else {
    for (const part of ['info', 'model_topology', 'weight_specs', 'weight_data', 'model_metadata']) localStorage.removeItem(`${LOCAL}/${path}/${part}`);
  }
  return info;
}

async function transfer(source: string, destination: string, remove: boolean): Promise<ModelArtifactsInfo> {
  if (source === destination) throw coded('argument', `Old path and new path are the same: '${source}'`);
  const [from, to] = [getLoadHandlers(source)[0], getSaveHandlers(destination)[0]];
  if (from?.load === undefined || to?.save === undefined) throw coded('argument', `Cannot copy model from '${source}' to '${destination}'`);
  const { modelArtifactsInfo } = await to.save(await from.load());
  if (remove) await removeModel(source);
  return modelArtifactsInfo;
}

export const copyModel = (source: string, destination: string): Promise<ModelArtifactsInfo> => transfer(source, destination, false);
export const moveModel = (source: string, destination: string): Promise<ModelArtifactsInfo> => transfer(source, destination, true);
