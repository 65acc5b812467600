/** Images in files, with their folders as labels. */

import { fromPixels, type PixelData } from '../browser.js';
import { nodeModule } from '../node-module.js';
import { host } from '../platform.js';
import { resizeBilinear } from '../ops/core.js';
import { generator, seedOf } from '../random.js';
import { Tensor, tidy } from '../tensor.js';
import { coded } from '../types.js';
import { Dataset } from './dataset.js';
import { fromFunction, fromGenerator, fromItems, type LazyIterator } from './iterator.js';

/** An image before it is decoded. */
export interface ImageFile {
  /** Its path, or its URL. */
  readonly name: string;
  /** The folder that it lies in. */
  readonly folder: string;
  bytes(): Promise<Uint8Array>;
}

export interface ImagesConfig {
  /** The height and width that all images are scaled to (bilinear); one number for squares. Batches need it. */
  size?: number | [number, number];
  /** Whether elements are `{ xs, ys }`, with the place of the image's folder in `classNames()` as its label. */
  labelsFromFolders?: boolean;
  /** The folders in the order of their labels, where not all are to be used, or not in the order of the alphabet. */
  classNames?: string[];
  /**
   * Gives the pixels of a file: a tensor [height, width, channels], or four bytes a pixel. Browsers decode what they can show;
   * Node decodes nothing of itself, and needs this (from sharp, jpeg-js, pngjs and their like).
   */
  decode?: (bytes: Uint8Array, name: string) => Tensor | PixelData | Promise<Tensor | PixelData>;
  /** Images that are read and decoded at a time; 4 by default. */
  parallelism?: number;
  /** The part of the images that is for validation. Each is drawn by its name and folder, so that those of a run are those of the next. */
  validationSplit?: number;
  /** Which images are given with `validationSplit`: those for training, by default, or those for validation. */
  subset?: 'training' | 'validation';
  /** What `validationSplit` draws from. */
  seed?: number;
}

const IMAGE = /\.(jpe?g|png|gif|webp|bmp|avif)$/i;

/** Files that a source lists, folder by folder. */
interface Listing {
  folders(): Promise<string[]>;
  /** The files of one folder; of all, without a folder. */
  files(folder?: string): LazyIterator<ImageFile>;
}

/** A folder in Node: its own images, and those of the folders in it. Names are listed as they are asked for. */
function folderListing(root: string): Listing {
  const modules = async () => ({ fs: await nodeModule<typeof import('node:fs/promises')>('fs/promises'), path: await nodeModule<typeof import('node:path')>('path') });
  async function* walk(folder: string): AsyncGenerator<ImageFile, void> {
    const { fs, path } = await modules();
    for await (const entry of await fs.opendir(folder)) {
      const name = path.join(folder, entry.name);
      if (entry.isDirectory()) yield* walk(name);
      else if (IMAGE.test(name)) yield { name, folder: path.basename(folder), bytes: () => fs.readFile(name) };
    }
  }
  return {
    async folders() {
      const entries = await (await modules()).fs.readdir(root, { withFileTypes: true });
      return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
    },
    files: (folder) =>
      fromGenerator(
        (async function* () {
          const { path } = await modules();
          for await (const file of walk(folder === undefined ? root : path.join(root, folder))) yield { ...file, folder: folder ?? file.folder };
        })(),
      ),
  };
}

/** Files that are named one by one. */
function givenListing(files: ImageFile[]): Listing {
  return {
    folders: async () => [...new Set(files.map(({ folder }) => folder))],
    files: (folder) => fromItems(folder === undefined ? files : files.filter((file) => file.folder === folder)),
  };
}

const folderOf = (path: string): string => path.split(/[?#]/)[0]?.split('/').at(-2) ?? '';

const urlFile = (url: string): ImageFile => ({
  name: url,
  folder: folderOf(url),
  async bytes() {
    const response = await host.platform.fetch(url);
    if (!response.ok) throw coded('format', `Request to ${url} failed with status code ${response.status}.`);
    return new Uint8Array(await response.arrayBuffer());
  },
});

const isImage = (file: File): boolean => file.type.startsWith('image/') || IMAGE.test(file.name);

const chosenFile = (file: File): ImageFile => {
  const name = file.webkitRelativePath || file.name;
  return { name, folder: folderOf(name), bytes: async () => new Uint8Array(await file.arrayBuffer()) };
};

async function decodeInBrowser(bytes: Uint8Array, name: string): Promise<Tensor> {
  if (typeof createImageBitmap === 'undefined') {
    throw coded('argument', `tf.data.images cannot decode ${name}: outside of browsers the option \`decode\` gives the pixels of a file's bytes.`);
  }
  const bitmap = await createImageBitmap(new Blob([bytes as Uint8Array<ArrayBuffer>]));
  try {
    return fromPixels(bitmap);
  } finally {
    bitmap.close();
  }
}

/** The images of a subset. */
function partOf(listing: Listing, { validationSplit, subset = 'training', seed = 0 }: ImagesConfig): Listing {
  if (validationSplit === undefined) return listing;
  if (!(validationSplit >= 0 && validationSplit <= 1)) throw coded('argument', `tf.data.images takes a validationSplit from 0 to 1, received ${validationSplit}`);
  const drawn = ({ name, folder }: ImageFile): number => generator(seedOf(`${seed} ${folder}/${name.split(/[\\/]/).at(-1)}`))();
  return {
    folders: () => listing.folders(),
    files: (folder) => listing.files(folder).filter((file) => drawn(file) < validationSplit === (subset === 'validation')),
  };
}

/** Images as tensors [height, width, channels], with values from 0 to 255: int32 as decoded, float32 where they are scaled. */
export class ImageDataset extends Dataset<any> {
  private readonly listing: Listing;

  constructor(
    listing: Listing,
    private readonly config: ImagesConfig,
  ) {
    super();
    this.listing = partOf(listing, config);
  }

  /** The folders, in the order of their labels. */
  async classNames(): Promise<string[]> {
    return this.config.classNames ?? (await this.listing.folders()).sort();
  }

  override async iterator(): Promise<LazyIterator<any>> {
    const { labelsFromFolders, parallelism = 4 } = this.config;
    if (!labelsFromFolders) return this.listing.files().mapAsync((file) => this.load(file), parallelism);
    const classes = await this.classNames();
    if (classes.length === 0) throw coded('argument', 'tf.data.images finds no folders to take labels from.');
    const load = async ({ file, label }: { file: ImageFile; label: number }): Promise<object> => ({ xs: await this.load(file), ys: label });
    return inTurn(classes.map((folder, label) => this.listing.files(folder).map((file) => ({ file, label })))).mapAsync(load, parallelism);
  }

  private async load(file: ImageFile): Promise<Tensor> {
    const { size, decode = decodeInBrowser } = this.config;
    let decoded: Tensor | PixelData;
    try {
      decoded = await decode(await file.bytes(), file.name);
    } catch (error) {
      if (error instanceof Error) error.message = `${file.name}: ${error.message}`;
      throw error;
    }
    const image = decoded instanceof Tensor ? decoded : fromPixels(decoded);
    if (size === undefined) return image;
    const scaled = tidy(() => resizeBilinear(image.toFloat(), typeof size === 'number' ? [size, size] : size));
    image.dispose();
    return scaled;
  }
}

/** One element of each stream in turn: the classes come mixed, not one after the other. */
function inTurn<T>(streams: LazyIterator<T>[]): LazyIterator<T> {
  let turn = 0;
  const left = [...streams];
  return fromFunction<T>(
    async () => {
      while (left.length > 0) {
        turn %= left.length;
        const step = await (left[turn] as LazyIterator<T>).next();
        if (!step.done) {
          turn += 1;
          return step;
        }
        left.splice(turn, 1);
      }
      return { value: undefined, done: true };
    },
    () => Promise.all(streams.map((s) => s.return())),
  ).serial();
}

/**
 * The images of a folder (Node: its path, with or without `file://`), of files that a user chose, or at URLs. They are read,
 * and the folders listed, as they are asked for. With `labelsFromFolders` the folders take turns.
 */
export function images(source: string | ArrayLike<File | string>, config: ImagesConfig = {}): ImageDataset {
  if (typeof source === 'string') return new ImageDataset(folderListing(source.replace(/^file:\/\//, '')), config);
  const files = Array.from(source).filter((file) => typeof file === 'string' || isImage(file));
  return new ImageDataset(givenListing(files.map((file) => (typeof file === 'string' ? urlFile(file) : chosenFile(file)))), config);
}
