/** Where bytes come from. */

import { env } from '../env.js';
import { nodeModule } from '../node-module.js';
import { coded } from '../types.js';
import { LazyIterator } from './iterator.js';
import { END, type Step } from './step.js';

/** A source of bytes that is read part by part, any number of times. */
export abstract class DataSource {
  abstract iterator(): Promise<LazyIterator<Uint8Array>>;
}

export interface FileOptions {
  /** Where to begin. */
  offset?: number;
  /** Bytes that are read at a time. */
  chunkSize?: number;
}

const isLocalPath = (source: unknown): source is string => typeof source === 'string' && source.startsWith('file://');

/** The bytes between two offsets: fewer where the file ends before, none after its end. */
type Read = (from: number, to: number) => Promise<Uint8Array>;

/** How to read a file. It is open only while it is read: a stream that is left holds nothing. */
async function reader(input: string | Blob | Uint8Array): Promise<Read> {
  if (input instanceof Uint8Array) return async (from, to) => input.slice(from, to);
  if (typeof Blob !== 'undefined' && input instanceof Blob) return async (from, to) => new Uint8Array(await input.slice(from, to).arrayBuffer());
  if (!isLocalPath(input)) throw coded('argument', `A FileDataSource reads a File, a Blob, a Uint8Array or the path of a file as file://path, but got ${String(input)}`);
  if (!env().getBool('IS_NODE')) throw coded('argument', `The file ${input} cannot be read: paths of files are for Node.`);
  const { open } = await nodeModule<typeof import('node:fs/promises')>('fs/promises');
  const path = input.slice('file://'.length);
  return async (from, to) => {
    const file = await open(path);
    try {
      const { buffer, bytesRead } = await file.read(new Uint8Array(to - from), 0, to - from, from);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  };
}

class ChunkIterator extends LazyIterator<Uint8Array> {
  constructor(
    private readonly read: Read,
    private at: number,
    private readonly size: number,
  ) {
    super();
  }

  override async next(): Promise<Step<Uint8Array>> {
    const from = this.at;
    this.at += this.size;
    const value = await this.read(from, this.at);
    return value.length === 0 ? END : { value, done: false };
  }
}

/** A file that a user chose, a blob, bytes, or in Node the path of a file as `file://path`. */
export class FileDataSource extends DataSource {
  constructor(
    readonly input: string | Blob | Uint8Array,
    readonly options: FileOptions = {},
  ) {
    super();
  }

  override async iterator(): Promise<LazyIterator<Uint8Array>> {
    const { offset = 0, chunkSize = 1024 * 1024 } = this.options;
    if (!(chunkSize > 0) || !Number.isInteger(chunkSize)) throw coded('argument', `chunkSize is a positive integer, but got ${chunkSize}`);
    return new ChunkIterator(await reader(this.input), offset, chunkSize);
  }
}

/** The parts of a body, as they arrive. */
class BodyIterator extends LazyIterator<Uint8Array> {
  private readonly reader: ReadableStreamDefaultReader<Uint8Array>;

  constructor(body: ReadableStream<Uint8Array>) {
    super();
    this.reader = body.getReader();
  }

  override async next(): Promise<Step<Uint8Array>> {
    const { value } = await this.reader.read();
    return value === undefined ? END : { value, done: false };
  }

  /** Ends the request, and with it a read that waits. */
  override async return(): Promise<Step<Uint8Array>> {
    await this.reader.cancel();
    return END;
  }
}

/** What is at a URL; in Node also a file, as `file://path`. The body is read as it arrives. */
export class URLDataSource extends DataSource {
  constructor(
    readonly url: string | Request,
    readonly fileOptions: FileOptions = {},
  ) {
    super();
  }

  override async iterator(): Promise<LazyIterator<Uint8Array>> {
    const { url } = this;
    if (isLocalPath(url)) return new FileDataSource(url, this.fileOptions).iterator();
    const { platform } = env();
    // A request can be sent once; every iteration sends its own.
    const response = typeof url === 'string' ? await platform.fetch(url) : await platform.fetch(url.url, url.clone());
    if (!response.ok) throw coded('format', `Request to ${typeof url === 'string' ? url : url.url} failed with status code ${response.status}.`);
    // A platform's own fetch may give bodies of other kinds, or none.
    const { body } = response;
    return typeof body?.getReader === 'function' ? new BodyIterator(body) : new FileDataSource(new Uint8Array(await response.arrayBuffer()), this.fileOptions).iterator();
  }
}
