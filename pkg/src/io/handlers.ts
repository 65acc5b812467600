/** Where models come from and go to. */

import { lacks } from '../lacking.js';
import { coded } from '../types.js';
import { assert } from '../util.js';
import { artifactsOf, filesOf } from './artifacts.js';
import { basename } from './buffers.js';
import { http } from './http.js';
import { removeModel, stored } from './stores.js';
import type { IOHandler, IOHandlerSync, LoadOptions, ModelArtifacts, ModelArtifactsInfo, ModelJSON, SaveResult, WeightData, WeightsManifestEntry } from './types.js';

/** A model in files that a user chose: model.json first, then its shards. */
export function browserFiles(files: File[]): IOHandler {
  assert(files?.length > 0, `When calling browserFiles, at least 1 file is required, but received ${files}`);
  const [first, ...rest] = files as [File, ...File[]];
  const check = (condition: boolean, message: string): void => {
    if (!condition) throw coded('format', message);
  };
  return {
    async load() {
      const json = JSON.parse(await first.text()) as ModelJSON;
      check(json.modelTopology != null, `modelTopology field is missing from file ${first.name}`);
      check(json.weightsManifest != null, `weightManifest field is missing from file ${first.name}`);
      if (rest.length === 0) return { modelTopology: json.modelTopology as object };
      return artifactsOf(json, first.name, (paths) => {
        const names = paths.map(basename);
        const chosen = names.map((name, i) => {
          check(names.indexOf(name) === i, `Duplicate file basename found in weights manifest: '${name}'`);
          const file = rest.find((f) => f.name === name);
          check(file !== undefined, `Weight file with basename '${name}' is not provided.`);
          return file as File;
        });
        check(names.length === rest.length, `Mismatch in the number of files in weights manifest (${names.length}) and the number of weight files provided (${rest.length}).`);
        return Promise.all(chosen.map((file) => file.arrayBuffer()));
      });
    },
  };
}

/** A model in memory, at once. */
export function fromMemorySync(artifacts: ModelArtifacts | object, weightSpecs?: WeightsManifestEntry[], weightData?: WeightData, trainingConfig?: object): IOHandlerSync {
  const given = artifacts as ModelArtifacts;
  const whole = weightSpecs === undefined && (given.modelTopology ?? given.weightSpecs) != null;
  const model = whole ? given : { modelTopology: artifacts, weightSpecs, weightData, trainingConfig };
  return { load: () => model };
}

/** A model in memory. */
export function fromMemory(...args: Parameters<typeof fromMemorySync>): IOHandler {
  const { load } = fromMemorySync(...args) as Required<IOHandlerSync>;
  return { load: async () => load() };
}

/** Hands a saved model to a function. */
export const withSaveHandler = (save: (artifacts: ModelArtifacts) => Promise<SaveResult>): IOHandler => ({ save });

/** Hands a saved model to a function, at once. */
export const withSaveHandlerSync = (save: (artifacts: ModelArtifacts) => SaveResult): IOHandlerSync => ({ save });

/** Has a page offer a file. */
export async function download(data: BlobPart, type: string, file: string): Promise<void> {
  if (typeof document === 'undefined') throw coded('argument', 'Browser downloads are not supported in this environment since `document` is not present');
  const anchor = document.createElement('a');
  anchor.href = URL.createObjectURL(new Blob([data], { type }));
  anchor.download = file;
  // Firefox saves only the last of downloads that begin at once.
  await new Promise((resolve) => setTimeout(resolve));
  anchor.dispatchEvent(new MouseEvent('click'));
}

/** Two downloads: a JSON and the weights. */
function downloads(name: string): IOHandler {
  return {
    async save(artifacts) {
      const base = name === '' ? 'model' : name;
      const { json, weights, modelArtifactsInfo } = filesOf(artifacts, `./${base}.weights.bin`);
      await download(json, 'application/json', `${base}.json`);
      if (weights) await download(weights, 'application/octet-stream', `${base}.weights.bin`);
      return { modelArtifactsInfo };
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

let files: (path: string) => IOHandler = lacks('Models in files');

/** Has models stored in files. */
export function installFiles(by: typeof files): void {
  files = by;
}

function builtIn(url: string | string[], options?: LoadOptions): IOHandler | null {
  const path = [url].flat()[0];
  if (path === undefined) return null;
  const [, scheme, rest = ''] = /^(.*?):\/\/(.*)/s.exec(path) ?? [, '', path];
  switch (scheme) {
    case 'downloads':
      return downloads(rest);
    case 'file':
      return files(rest);
    case 'http':
    case 'https':
      return http(path, options);
    case '':
      // A path relative to the page.
      return typeof location === 'undefined' ? null : { load: http(new URL(path, location.href).href, options).load };
    default:
      return path.startsWith('blob:') ? http(path, options) : stored(scheme as string, rest);
  }
}

export function getLoadHandlers(url: string | string[], options?: LoadOptions): IOHandler[] {
  return [...loadRouters.map((router) => router(url, options)), builtIn(url, options)].filter((h): h is IOHandler => h?.load !== undefined);
}

export function getSaveHandlers(url: string | string[]): IOHandler[] {
  return [...saveRouters.map((router) => router(url)), builtIn(url)].filter((h): h is IOHandler => h?.save !== undefined);
}

async function transfer(source: string, destination: string, remove: boolean): Promise<ModelArtifactsInfo> {
  assert(source !== destination, `Old path and new path are the same: '${source}'`);
  const from = source.includes('://') ? getLoadHandlers(source)[0] : undefined;
  const to = getSaveHandlers(destination)[0];
  if (!from?.load) throw coded('argument', `Copying failed because no load handler is found for source URL ${source}.`);
  if (!to?.save) throw coded('argument', `Copying failed because no save handler is found for destination URL ${destination}.`);
  const { modelArtifactsInfo } = await to.save(await from.load());
  if (remove) await removeModel(source);
  return modelArtifactsInfo;
}

/** Copies a model from one URL to another. */
export const copyModel = (source: string, destination: string): Promise<ModelArtifactsInfo> => transfer(source, destination, false);

/** Moves a model from one URL to another. */
export const moveModel = (source: string, destination: string): Promise<ModelArtifactsInfo> => transfer(source, destination, true);
