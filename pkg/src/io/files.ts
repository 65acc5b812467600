/** Models on disk, in Node. */

import { nodeModule } from '../node-module.js';
import { coded } from '../types.js';
import { artifactsOf, filesOf } from './artifacts.js';
import type { IOHandler, ModelJSON } from './types.js';

/** What an error of the file system says of itself. */
const codeOf = (error: unknown): unknown => (error as { code?: unknown } | null)?.code;

/**
 * The folder that a model is saved to, or the JSON that it is loaded from. Saving over a model is done at once, whenever the
 * program may end: the new files lie beside the old ones until both are whole, which renaming the JSON to `model.json.new`
 * says, and what an ended program left of renaming them further is done by the next one.
 */
export function fileSystem(path: string): IOHandler {
  const modules = async () => ({ fs: await nodeModule<typeof import('node:fs/promises')>('fs/promises'), ...(await nodeModule<typeof import('node:path')>('path')) });
  const files = async () => {
    const { fs, join } = await modules();
    const [json, weights] = [join(path, 'model.json'), join(path, 'weights.bin')];
    const replace = (file: string): Promise<void> =>
      fs.rename(`${file}.new`, file).catch((error) => {
        if (codeOf(error) !== 'ENOENT') throw error;
      });
    /** Puts new files in the places of the old ones, where they are whole. */
    const settle = async (): Promise<void> => {
      if (!(await fs.stat(`${json}.new`).catch(() => null))) return;
      await replace(weights);
      await replace(json);
    };
    return { fs, json, weights, settle };
  };
  return {
    async save(artifacts) {
      const { fs, json, weights, settle } = await files();
      const { json: text, weights: bytes, modelArtifactsInfo } = filesOf(artifacts, 'weights.bin');
      // In storage before they are renamed.
      const flush = { flush: true };
      await fs.mkdir(path, { recursive: true });
      await settle();
      if (bytes) await fs.writeFile(`${weights}.new`, new Uint8Array(bytes), flush);
      else await fs.rm(`${weights}.new`, { force: true });
      await fs.writeFile(`${json}.part`, text, flush);
      await fs.rename(`${json}.part`, `${json}.new`);
      await settle();
      return { modelArtifactsInfo };
    },
    async load() {
      const { fs, join, dirname } = await modules();
      /** The bytes of a file; where it is not there, an error with a code. */
      const read = async (file: string, absent: string): Promise<ArrayBuffer> => {
        try {
          const data = await fs.readFile(file);
          return data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength) as ArrayBuffer;
        } catch (error) {
          throw coded(codeOf(error) === 'ENOENT' ? absent : 'format', `${file} could not be read: ${String(error)}`);
        }
      };
      const folder = (await fs.stat(path).catch(() => null))?.isDirectory() === true;
      const file = folder ? join(path, 'model.json') : path;
      /** A file of a model that was saved in part: the new one, where it is not in its place yet. */
      const newest: typeof read = (name, absent) => read(`${name}.new`, absent).catch(() => read(name, absent));
      const readPart = (await fs.stat(`${file}.new`).catch(() => null)) ? newest : read;
      const text = new TextDecoder().decode(await readPart(file, 'missing'));
      let json: ModelJSON;
      try {
        json = JSON.parse(text);
      } catch (error) {
        throw coded('format', `${file} holds no model: ${String(error)}`);
      }
      return artifactsOf(json, file, (shards) => Promise.all(shards.map((shard) => readPart(join(dirname(file), shard), 'format'))));
    },
    async remove() {
      const { fs, json, weights } = await files();
      const all = [json, `${json}.new`, `${json}.part`, weights, `${weights}.new`];
      for (const file of all) await fs.rm(file, { force: true });
      // The folder goes with its last file.
      await fs.rmdir(path).catch(() => {});
    },
  };
}
