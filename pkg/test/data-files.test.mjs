import assert from 'node:assert/strict';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import * as tf from '../dist/index.js';

const range = (n) => Array.from({ length: n }, (_, i) => i);
const later = (ms = 1) => new Promise((resolve) => setTimeout(resolve, ms));
const values = (tensors) => tensors.map((t) => t.arraySync());

const csv = (text, config, chunkSize = 3) => new tf.data.CSVDataset(new tf.data.FileDataSource(new TextEncoder().encode(text), { chunkSize }), config);
const rows = (...args) => csv(...args).toArray();

test('csv: numbers, strings and what is missing', async () => {
  assert.deepEqual(await rows('a,b,c\n1,x,\n,2.5,-3e2\n'), [{ a: 1, b: 'x', c: undefined }, { a: undefined, b: 2.5, c: -300 }]);
  assert.deepEqual(await csv('a,b\n1,2').columnNames(), ['a', 'b']);
  assert.deepEqual(await rows('é,β\nü,日本'), [{ é: 'ü', β: '日本' }]);
  assert.deepEqual(await rows('\ufeffa,b\n1,2'), [{ a: 1, b: 2 }]);
  assert.deepEqual(await rows('1,2', { hasHeader: false, columnNames: ['p', 'q'] }), [{ p: 1, q: 2 }]);
  assert.deepEqual(await rows('a,b\n1,2', { columnNames: ['p', 'q'] }), [{ p: 1, q: 2 }]);
  assert.deepEqual(await rows('a;b\n1;2,5', { delimiter: ';' }), [{ a: 1, b: '2,5' }]);
  assert.deepEqual(await rows('a\n1\n\n2', {}), [{ a: 1 }, { a: undefined }, { a: 2 }]);
  assert.deepEqual(await rows('a,b\n1,2\n\n3,4\r\n\r\n', {}), [{ a: 1, b: 2 }, { a: 3, b: 4 }]);
  assert.deepEqual(await rows('a,b\n  , x '), [{ a: '  ', b: ' x ' }]);
});

test('csv: quotes, line ends and delimiters within them, at every place where a part may end', async () => {
  const text = 'a,b,c\r\n"1","x, y","say ""hi"""\r\n2,"two\nlines","cr\r\nlf"\n3,"","a"b"c"\r\n"4",v,\rw';
  const expected = [
    { a: 1, b: 'x, y', c: 'say "hi"' },
    { a: 2, b: 'two\nlines', c: 'cr\r\nlf' },
    { a: 3, b: undefined, c: 'a"b"c' },
    { a: 4, b: 'v', c: '\rw' },
  ];
  for (let size = 1; size <= text.length; size++) assert.deepEqual(await rows(text, {}, size), expected, `parts of ${size}`);
  await assert.rejects(rows('a,b\n1,"open\n2,3'), (e) => e.code === 'format' && /The quoted field that begins with "open/.test(e.message));
  assert.deepEqual(await rows('a,b\n1,"x"\r\n3,"y"\r', {}, 1), [{ a: 1, b: 'x' }, { a: 3, b: 'y' }]);
});

test('csv: blanks as delimiters', async () => {
  const text = 'A B    C\n1 2\t 3  \r\n  4 5 6\n\n7 "8 8"  9 ';
  for (const size of [1, 2, 5, 99]) {
    assert.deepEqual(await rows(text, { delimWhitespace: true }, size), [{ A: 1, B: 2, C: 3 }, { A: 4, B: 5, C: 6 }, { A: 7, B: '8 8', C: 9 }]);
  }
  assert.throws(() => csv('', { delimWhitespace: true, delimiter: ',' }), /Delimiter should not be provided when delimWhitespace is true\./);
  assert.throws(() => csv('', { delimiter: '||' }), /A delimiter is one character/);
});

test('csv: columns by configuration', async () => {
  const text = 'a,b,c,d\n1,2.7,True,9\n3,-2.7,0,8';
  const columnConfigs = { d: { isLabel: true }, b: { dtype: 'int32' }, c: { dtype: 'bool' }, a: { dtype: 'string' } };
  assert.deepEqual(await rows(text, { columnConfigs }), [
    { xs: { a: '1', b: 2, c: 1 }, ys: { d: 9 } },
    { xs: { a: '3', b: -3, c: 0 }, ys: { d: 8 } },
  ]);
  const some = { configuredColumnsOnly: true, columnConfigs: { c: { dtype: 'bool' } } };
  assert.deepEqual([await rows(text, some), await csv(text, some).columnNames()], [[{ c: 1 }, { c: 0 }], ['c']]);
  assert.deepEqual(await rows('a,b\n,1', { columnConfigs: { a: { default: -1 } } }), [{ a: -1, b: 1 }]);
  for (const config of [{ required: true }, { isLabel: true }]) {
    await assert.rejects(rows('a,b\nx,', { columnConfigs: { b: config } }), /Required column b is empty in this line: x,/);
  }
  const [{ xs, ys }] = await csv(text, { columnConfigs }).map(({ xs, ys }) => ({ xs: [xs.b, xs.c], ys: Object.values(ys) })).batch(2).toArray();
  assert.deepEqual(values([xs, ys]), [[[2, 1], [-3, 0]], [[9], [8]]]);
});

test('csv: errors name what is wrong', async () => {
  await assert.rejects(rows('', {}), /No data was found for CSV parsing\./);
  await assert.rejects(rows('1,2', { hasHeader: false }), /Column names must be provided if there is no header line\./);
  await assert.rejects(rows('a,b\n', { columnNames: ['x'] }), /The length of provided columnNames \(1\) does not match the length of the header line read from file \(2\)\./);
  await assert.rejects(rows('a,b,a\n'), /Duplicate column names found: a/);
  await assert.rejects(rows('a,b\n', { columnConfigs: { z: {} } }), /The key "z" provided in columnConfigs does not match any of the column names \(a,b\)\./);
  await assert.rejects(rows('a,b,c\n2,\n'), /Invalid row in csv file\. Should have 3 elements in a row, but got 2,/);
  // A row that is wrong is left out where an error is handled.
  const stream = (await csv('a,b\n1,2\n3\n4,5').iterator()).handleErrors(() => true);
  assert.deepEqual(await stream.toArray(), [{ a: 1, b: 2 }, { a: 4, b: 5 }]);
});

test('text and tables come from files, blobs, bytes and servers, as they arrive', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'headwater-'));
  const path = `file://${join(folder, 'table.csv')}`;
  const text = `n,word\n${range(2000).map((i) => `${i},wörd${i}`).join('\n')}`;
  await writeFile(path.slice(7), text);
  let requests = 0;
  let closed = 0;
  const server = createServer((request, response) => {
    requests += 1;
    response.on('close', () => (closed += 1));
    if (request.url !== '/table.csv') return response.writeHead(404).end();
    response.write(text.slice(0, 100));
    // The rest never comes unless the reader asks for all of it.
    if (request.headers.whole) response.end(text.slice(100));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const url = `http://127.0.0.1:${server.address().port}/table.csv`;
  const whole = () => new Request(url, { headers: { whole: '1' } });
  const bytes = new TextEncoder().encode(text);
  for (const source of [path, whole(), new Blob([text]), bytes, new tf.data.FileDataSource(path, { chunkSize: 7 })]) {
    const ds = tf.data.csv(source);
    for (let round = 0; round < 2; round++) {
      const all = await ds.toArray();
      assert.equal(all.length, 2000);
      assert.deepEqual(all.at(-1), { n: 1999, word: 'wörd1999' });
    }
  }
  // One request an iteration, the header being part of it.
  assert.equal(requests, 2);
  assert.deepEqual(await tf.data.csv(url).take(2).toArray(), [{ n: 0, word: 'wörd0' }, { n: 1, word: 'wörd1' }]);
  // Also one that was asked for more than came.
  for await (const { n } of tf.data.csv(url).prefetch(50)) {
    assert.equal(n, 0);
    break;
  }
  for (let i = 0; i < 100 && closed < 4; i++) await later(5);
  assert.equal(closed, 4, 'a stream that is left ends its request');
  await assert.rejects(tf.data.csv(`${url}.gz`).toArray(), (e) => e.code === 'format' && /table\.csv\.gz failed with status code 404/.test(e.message));
  await assert.rejects(tf.data.csv('file:///nowhere.csv').toArray(), /ENOENT/);
  const lines = new tf.data.TextLineDataset(new tf.data.FileDataSource(new TextEncoder().encode('ä\r\nb\n\nlast'), { chunkSize: 1 }));
  assert.deepEqual(await lines.toArray(), ['ä', 'b', '', 'last']);
  await assert.rejects(new tf.data.FileDataSource('table.csv').iterator(), /A FileDataSource reads a File, a Blob/);
});

test('what a platform fetches may come without a stream, and then in parts of the size that was asked for', async (t) => {
  const { platform } = tf.env();
  const bytes = new TextEncoder().encode('a,b\n1,2\n3,4');
  const bodies = [{}, { body: null }, { body: { pipe() {} } }];
  t.mock.method(platform, 'fetch', async () => ({ ok: true, arrayBuffer: async () => bytes.buffer, ...bodies.shift() }));
  assert.deepEqual(await tf.data.csv('somewhere').toArray(), [{ a: 1, b: 2 }, { a: 3, b: 4 }]);
  for (let i = 0; i < 2; i++) {
    const parts = await (await new tf.data.URLDataSource('somewhere', { chunkSize: 5 }).iterator()).toArray();
    assert.deepEqual(parts.map((part) => part.length), [5, 5, 1]);
  }
});

test('a camera and a microphone are for browsers', async () => {
  await assert.rejects(tf.data.webcam(), { message: 'tf.data.webcam is only supported in browser environment.' });
  await assert.rejects(tf.data.microphone(), { message: 'microphone API is only supported in browser environment.' });
  await assert.rejects(tf.data.microphone({ fftSize: 1000 }), /Invalid fftSize: it must be a power of 2 between 2 to 4 and 2 to 14, but got 1000/);
  await assert.rejects(tf.data.microphone({ includeSpectrogram: false }), /Both includeSpectrogram and includeWaveform are false/);
});

test('images in folders stream, with their folders as labels', async () => {
  const root = await mkdtemp(join(tmpdir(), 'headwater-'));
  for (const [folder, count] of [['dogs', 3], ['cats', 2]]) {
    await mkdir(join(root, folder, 'more'), { recursive: true });
    for (let i = 0; i < count; i++) await writeFile(join(root, folder, i === 0 ? 'more' : '', `${i}.png`), Uint8Array.of(folder === 'dogs' ? 100 + i : i));
    await writeFile(join(root, folder, 'notes.txt'), 'no image');
  }
  let decoded = 0;
  const decode = async ([level], name) => {
    assert.match(name, /\d\.png$/);
    decoded += 1;
    return { width: 2, height: 1, data: new Uint8ClampedArray(8).fill(level) };
  };
  const ds = tf.data.images(root, { size: [4, 3], labelsFromFolders: true, decode, parallelism: 1 });
  assert.deepEqual(await ds.classNames(), ['cats', 'dogs']);
  const before = tf.memory().numTensors;
  const all = await ds.map(({ xs, ys }) => ({ shape: xs.shape, level: xs.mean().dataSync()[0], ys })).toArray();
  assert.ok(all.every(({ shape, level, ys }) => `${shape}` === '4,3,3' && (level >= 100) === (ys === 1)));
  // The folders take turns until one has no more.
  assert.deepEqual(all.map(({ ys }) => ys), [0, 1, 0, 1, 1]);
  decoded = 0;
  for await (const { xs } of ds.take(2)) xs.dispose();
  assert.ok(decoded <= 3, `${decoded} images were decoded for two`);
  assert.equal(tf.memory().numTensors, before);
  const [batch] = await ds.batch(5).toArray();
  assert.deepEqual([batch.xs.shape, batch.ys.shape], [[5, 4, 3, 3], [5]]);
  assert.deepEqual((await tf.data.images(`file://${root}`, { decode: () => tf.zeros([1, 1, 1]) }).toArray()).map((t) => `${t.shape}`), Array(5).fill('1,1,1'));
  assert.deepEqual(await tf.data.images(root, { labelsFromFolders: true, classNames: ['dogs'], decode }).map(({ ys }) => ys).toArray(), [0, 0, 0]);
  const file = (path) => Object.assign(new File([Uint8Array.of(9)], path.split('/').at(-1), { type: 'image/png' }), { webkitRelativePath: path });
  const chosen = tf.data.images([file('pets/cats/1.png'), file('pets/dogs/1.png'), new File([], '.DS_Store')], { labelsFromFolders: true, decode });
  assert.deepEqual((await chosen.toArray()).map(({ xs, ys }) => [xs.arraySync()[0][0][0], ys]), [[9, 0], [9, 1]]);
  const names = Array.from({ length: 400 }, (_, i) => file(`pets/cats/${i}.png`));
  const part = async (config) => (await tf.data.images(names, { decode: () => tf.zeros([1, 1, 1]), validationSplit: 0.25, ...config }).toArray()).length;
  const [training, validation] = [await part(), await part({ subset: 'validation' })];
  assert.ok(training + validation === 400 && Math.abs(validation - 100) < 30, `${validation} of 400 are for validation`);
  assert.equal(await part({ subset: 'validation' }), validation);
  assert.notEqual(await part({ subset: 'validation', seed: 1 }), validation);
  assert.throws(() => tf.data.images(names, { validationSplit: 2 }), /a validationSplit from 0 to 1, received 2/);
  await assert.rejects(tf.data.images(root).toArray(), /cannot decode .*\.png: outside of browsers the option `decode`/);
  await assert.rejects(tf.data.images(join(root, 'cats', 'more'), { labelsFromFolders: true, decode }).toArray(), /finds no folders to take labels from/);
});
