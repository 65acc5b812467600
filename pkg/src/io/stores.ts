/** Models in the browser's storage. */

import { coded } from '../types.js';
import { assert } from '../util.js';
import { common, getModelArtifactsInfoForJSON } from './artifacts.js';
import { arrayBufferToBase64String, base64StringToArrayBuffer, CompositeArrayBuffer, concatenateArrayBuffers } from './buffers.js';
import type { IOHandler, ModelArtifacts, ModelArtifactsInfo } from './types.js';

/** A place that holds models by their paths. */
interface Store {
  available: () => boolean;
  handler: (path: string) => IOHandler;
  list: () => Promise<Record<string, ModelArtifactsInfo>>;
  /** Resolves to undefined where there is no such model. */
  remove: (path: string) => Promise<ModelArtifactsInfo | undefined>;
  missing: (path: string) => string;
}

const requirePath = (path: string, where: string): void => assert(path.length > 0, `For ${where}, modelPath must not be null, undefined or empty.`);

const DATABASE = 'tensorflowjs';
const MODELS = 'models_store';
const INFOS = 'model_info_store';

function request<T>(operation: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    operation.onsuccess = () => resolve(operation.result);
    operation.onerror = () => reject(operation.error);
  });
}

/** Does something with the models and what is told of them. */
async function withStores<T>(mode: IDBTransactionMode, f: (models: IDBObjectStore, infos: IDBObjectStore) => Promise<T>): Promise<T> {
  const open = indexedDB.open(DATABASE, 1);
  open.onupgradeneeded = () => {
    for (const store of [MODELS, INFOS]) {
      if (!open.result.objectStoreNames.contains(store)) open.result.createObjectStore(store, { keyPath: 'modelPath' });
    }
  };
  const db = await request(open);
  try {
    const transaction = db.transaction([MODELS, INFOS], mode);
    return await f(transaction.objectStore(MODELS), transaction.objectStore(INFOS));
  } finally {
    db.close();
  }
}

const inIndexedDb: Store = {
  available: () => typeof indexedDB !== 'undefined',
  missing: (path) => `Cannot find model with path '${path}' in IndexedDB.`,
  handler(modelPath) {
    requirePath(modelPath, 'IndexedDB');
    return {
      async save(artifacts) {
        const modelArtifactsInfo = getModelArtifactsInfoForJSON(artifacts);
        const { weightData } = artifacts;
        const modelArtifacts = weightData == null ? artifacts : { ...artifacts, weightData: concatenateArrayBuffers(weightData) };
        await withStores('readwrite', (models, infos) =>
          Promise.all([request(infos.put({ modelPath, modelArtifactsInfo })), request(models.put({ modelPath, modelArtifacts, modelArtifactsInfo }))]),
        );
        return { modelArtifactsInfo };
      },
      async load() {
        const found = await withStores('readonly', (models) => request(models.get(modelPath)));
        if (found === undefined) throw coded('missing', inIndexedDb.missing(modelPath));
        return found.modelArtifacts as ModelArtifacts;
      },
      remove: () => inIndexedDb.remove(modelPath),
    };
  },
  async list() {
    const infos = await withStores('readonly', (_, infos) => request(infos.getAll()));
    return Object.fromEntries(infos.map(({ modelPath, modelArtifactsInfo }) => [modelPath, modelArtifactsInfo]));
  },
  remove: (path) =>
    withStores('readwrite', async (models, infos) => {
      const found = await request(infos.get(path));
      await Promise.all([request(infos.delete(path)), request(models.delete(path))]);
      return found?.modelArtifactsInfo;
    }),
};

const LOCAL = 'tensorflowjs_models';
const PARTS = ['info', 'model_topology', 'weight_specs', 'weight_data', 'model_metadata'];

const inLocalStorage: Store = {
  available: () => typeof localStorage !== 'undefined',
  missing: (path) => `Cannot find model at path '${path}'`,
  /** The weights are in base64. */
  handler(modelPath) {
    requirePath(modelPath, 'local storage');
    const key = (part: string): string => `${LOCAL}/${modelPath}/${part}`;
    return {
      async save(artifacts) {
        const modelArtifactsInfo = getModelArtifactsInfoForJSON(artifacts);
        const { weightSpecs = [], weightData } = artifacts;
        const { modelTopology, ...metadata } = common(artifacts);
        const values = [modelArtifactsInfo, modelTopology, weightSpecs, null, metadata].map((value) => JSON.stringify(value));
        values[3] = arrayBufferToBase64String(CompositeArrayBuffer.join(weightData));
        const former = PARTS.map((part) => localStorage.getItem(key(part)));
        try {
          PARTS.forEach((part, i) => localStorage.setItem(key(part), values[i] as string));
        } catch (error) {
          for (const part of PARTS) localStorage.removeItem(key(part));
          former.forEach((value, i) => value !== null && localStorage.setItem(key(PARTS[i] as string), value));
          const { weightDataBytes } = modelArtifactsInfo;
          throw coded('format', `Failed to save model '${modelPath}' to local storage: size quota being exceeded is a possible cause of this failure: ${weightDataBytes} bytes of weights (${String(error)}).`);
        }
        return { modelArtifactsInfo };
      },
      async load() {
        const name = `model '${modelPath}'`;
        const missing = [`there is no model with name '${modelPath}'`, `the topology of ${name} is missing.`, `the weight specs of ${name} are missing.`, `the binary weight values of ${name} are missing.`];
        const [, modelTopology, weightSpecs, weightData, metadata] = PARTS.map((part, i) => {
          const value = localStorage.getItem(key(part)) ?? (i === 4 ? '{}' : null);
          if (value === null) throw coded(i === 0 ? 'missing' : 'format', `In local storage, ${missing[i]}`);
          return value;
        }) as [string, string, string, string, string];
        return { modelTopology: JSON.parse(modelTopology), weightSpecs: JSON.parse(weightSpecs), weightData: base64StringToArrayBuffer(weightData), ...JSON.parse(metadata) };
      },
      remove: () => inLocalStorage.remove(modelPath),
    };
  },
  async list() {
    const found: Record<string, ModelArtifactsInfo> = {};
    for (const key of Object.keys(localStorage)) {
      if (key.startsWith(`${LOCAL}/`) && key.endsWith('/info')) found[key.slice(LOCAL.length + 1, -'/info'.length)] = JSON.parse(localStorage.getItem(key) ?? '{}');
    }
    return found;
  },
  async remove(path) {
    const info = (await inLocalStorage.list())[path];
    for (const part of PARTS) localStorage.removeItem(`${LOCAL}/${path}/${part}`);
    return info;
  },
};

const STORES: Record<string, Store> = { indexeddb: inIndexedDb, localstorage: inLocalStorage };

/** The handler of a model in storage; null where the scheme names none, or one that is not here. */
export function stored(scheme: string, path: string): IOHandler | null {
  const store = STORES[scheme];
  return store?.available() ? store.handler(path) : null;
}

/** The models that are stored in this browser, by URL. */
export async function listModels(): Promise<Record<string, ModelArtifactsInfo>> {
  const found: Record<string, ModelArtifactsInfo> = {};
  for (const [scheme, store] of Object.entries(STORES)) {
    if (!store.available()) continue;
    for (const [path, info] of Object.entries(await store.list())) found[`${scheme}://${path}`] = info;
  }
  return found;
}

/** Deletes a stored model. */
export async function removeModel(url: string): Promise<ModelArtifactsInfo> {
  const [, scheme = '', path = ''] = /^(.*?):\/\/(.*)/s.exec(url) ?? [];
  if (!url.includes('://')) throw coded('argument', `The url string provided does not contain a scheme. Supported schemes are: ${Object.keys(STORES)}`);
  const store = STORES[scheme];
  if (!store?.available()) throw coded('argument', `Cannot find model manager for scheme '${scheme}'`);
  const info = await store.remove(path);
  if (info === undefined) throw coded('missing', store.missing(path));
  return info;
}
