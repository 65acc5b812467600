/**
 * Records of TensorBoard's event files: TFRecord framing around messages of event.proto and summary.proto. The messages have a handful of
 * fields, which are written here by their numbers.
 */

/** A part of a message. */
type Bytes = number[];

const utf8 = new TextEncoder();

function varint(value: number): Bytes {
  const bytes: Bytes = [];
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
  return [...bytes, value];
}

function littleEndian(size: 4 | 8, write: (view: DataView) => void): Bytes {
  const view = new DataView(new ArrayBuffer(size));
  write(view);
  return [...new Uint8Array(view.buffer)];
}

// Fields: number and wire type, then the value.
const whole = (field: number, value: number): Bytes => [...varint(field * 8), ...varint(value)];
const float = (field: number, value: number): Bytes => [...varint(field * 8 + 5), ...littleEndian(4, (view) => view.setFloat32(0, value, true))];
const float64 = (value: number): Bytes => littleEndian(8, (view) => view.setFloat64(0, value, true));
const double = (field: number, value: number): Bytes => [...varint(field * 8 + 1), ...float64(value)];
const message = (field: number, bytes: Iterable<number>): Bytes => {
  const content = [...bytes];
  return [...varint(field * 8 + 2), ...varint(content.length), ...content];
};
const text = (field: number, value: string): Bytes => message(field, utf8.encode(value));
const doubles = (field: number, values: readonly number[]): Bytes => message(field, values.flatMap(float64));

/** Event: its time in seconds, and what it has. */
const event = (seconds: number, content: Bytes): Uint8Array => Uint8Array.from([...double(1, seconds), ...content]);

/** Event.summary of one Summary.Value. A description for people is in its metadata, together with the plugin that shows the value. */
const summary = (tag: string, step: number, value: Bytes, plugin: string, description?: string): Bytes => {
  const metadata = description ? message(9, [...message(1, text(1, plugin)), ...text(3, description)]) : [];
  return [...whole(2, step), ...message(5, message(1, [...text(1, tag), ...value, ...metadata]))];
};

/** What a file begins with. */
export const versionEvent = (seconds: number): Uint8Array => event(seconds, text(3, 'brain.Event:2'));

export const scalarEvent = (seconds: number, tag: string, value: number, step: number, description?: string): Uint8Array =>
  event(seconds, summary(tag, step, float(2, value), 'scalars', description));

/** How many of the finite values lie in each of `buckets` equal parts of their range. */
export function histogramEvent(seconds: number, tag: string, given: Iterable<number>, step: number, buckets: number, description?: string): Uint8Array {
  const values = Array.from(given).filter(Number.isFinite);
  const min = values.reduce((a, b) => Math.min(a, b), Infinity);
  const max = values.reduce((a, b) => Math.max(a, b), -Infinity);
  const parts = values.length === 0 ? 0 : max === min ? 1 : buckets;
  const counts = new Array<number>(parts).fill(0);
  for (const value of values) {
    const part = max === min ? 0 : Math.min(Math.floor(((value - min) / (max - min)) * parts), parts - 1);
    counts[part] = (counts[part] ?? 0) + 1;
  }
  const limits = counts.map((_, i) => (i === parts - 1 ? max : min + ((max - min) * (i + 1)) / parts));
  const [sum, squares] = values.reduce(([s, q], v) => [s + v, q + v * v], [0, 0]) as [number, number];
  const range = parts === 0 ? [] : [...double(1, min), ...double(2, max)];
  const histogram = [...range, ...double(3, values.length), ...double(4, sum), ...double(5, squares), ...doubles(6, limits), ...doubles(7, counts)];
  return event(seconds, summary(tag, step, message(5, histogram), 'histograms', description));
}

/** Remainders of bytes by Castagnoli's polynomial. */
const TABLE = /* @__PURE__ */ Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
});

/** CRC-32C, rotated and moved as TFRecord has it, in four bytes. */
function masked(bytes: Uint8Array): Bytes {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ (TABLE[(crc ^ byte) & 255] as number);
  crc = ~crc;
  return littleEndian(4, (view) => view.setUint32(0, (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0, true));
}

/** A message in a TFRecord: length, its checksum, the message, its checksum. */
export function record(data: Uint8Array): Uint8Array {
  const length = Uint8Array.from(littleEndian(8, (view) => view.setBigUint64(0, BigInt(data.length), true)));
  return Uint8Array.from([...length, ...masked(length), ...data, ...masked(data)]);
}
