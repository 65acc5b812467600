/** Configurations as bytes: the form that `crates/web/src/value.rs` describes. */

const NULL = 0;
const FALSE = 1;
const TRUE = 2;
const NUMBER = 3;
const TEXT = 4;
const LIST = 5;
const MAP = 6;

/** Bytes of what JSON could hold; functions and undefined are null, as in a list of JSON. */
export function encode(value: unknown): Uint8Array {
  const bytes: number[] = [];
  const scratch = new DataView(new ArrayBuffer(8));
  const put = (count: number): void => {
    for (let i = 0; i < count; i++) bytes.push(scratch.getUint8(i));
  };
  const size = (n: number): void => {
    scratch.setUint32(0, n, true);
    put(4);
  };
  const text = (value: string): void => {
    const utf8 = new TextEncoder().encode(value);
    size(utf8.length);
    for (const byte of utf8) bytes.push(byte);
  };
  const write = (value: unknown): void => {
    if (typeof value === 'boolean') bytes.push(value ? TRUE : FALSE);
    else if (typeof value === 'number') {
      bytes.push(NUMBER);
      scratch.setFloat64(0, value, true);
      put(8);
    } else if (typeof value === 'string') {
      bytes.push(TEXT);
      text(value);
    } else if (Array.isArray(value)) {
      bytes.push(LIST);
      size(value.length);
      // Over what it lacks, too: a shape's unknown size may be a hole.
      for (const item of value) write(item);
    } else if (typeof value === 'object' && value !== null) {
      const entries = Object.entries(value);
      bytes.push(MAP);
      size(entries.length);
      for (const [key, inner] of entries) {
        text(key);
        write(inner);
      }
    } else bytes.push(NULL);
  };
  write(value);
  return Uint8Array.from(bytes);
}

/** What `bytes` hold. */
export function decode(bytes: Uint8Array): any {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const size = (): number => view.getUint32((at += 4) - 4, true);
  const text = (): string => {
    const length = size();
    return new TextDecoder().decode(bytes.subarray(at, (at += length)));
  };
  const read = (): unknown => {
    const kind = bytes[at++];
    if (kind === NUMBER) return view.getFloat64((at += 8) - 8, true);
    if (kind === TEXT) return text();
    if (kind === LIST) return Array.from({ length: size() }, read);
    if (kind === MAP) return Object.fromEntries(Array.from({ length: size() }, () => [text(), read()]));
    return kind === NULL ? null : kind === TRUE;
  };
  return read();
}
