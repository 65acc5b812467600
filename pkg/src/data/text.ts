/** Text, and its lines. */

import { Dataset } from './dataset.js';
import { fromGenerator, type LazyIterator } from './iterator.js';
import type { DataSource } from './sources.js';

/** Bytes as text in UTF-8, part by part; a byte order mark at the start is none of it. */
export async function* decodeUTF8(chunks: LazyIterator<Uint8Array>): AsyncGenerator<string, void> {
  const decoder = new TextDecoder();
  for await (const chunk of chunks) yield decoder.decode(chunk, { stream: true });
  const rest = decoder.decode();
  if (rest !== '') yield rest;
}

/** The lines of a text, which end in LF or CR LF. */
async function* linesOf(parts: AsyncGenerator<string, void>): AsyncGenerator<string, void> {
  const line = (text: string): string => (text.endsWith('\r') ? text.slice(0, -1) : text);
  let rest = '';
  for await (const part of parts) {
    const lines = (rest + part).split('\n');
    rest = lines.pop() ?? '';
    for (const text of lines) yield line(text);
  }
  if (rest !== '') yield line(rest);
}

/** The lines of a text file. */
export class TextLineDataset extends Dataset<string> {
  constructor(protected readonly input: DataSource) {
    super();
  }

  override async iterator(): Promise<LazyIterator<string>> {
    const chunks = await this.input.iterator();
    return fromGenerator(linesOf(decodeUTF8(chunks)), chunks);
  }
}
