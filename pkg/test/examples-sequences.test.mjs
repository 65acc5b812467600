// TensorFlow.js's examples of sequences, with calls as they make them: text that goes on, dates read with attention,
// weather, sentiment, translation from state to state.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import * as tf from '../dist/index.js';
import { leftBehind, normalOf, randomOf } from './examples-data.mjs';

test('lstm-text-generation: the next character is learned, drawn at a temperature, saved', async (t) => {
  tf.setSeed(3);
  const text = 'the quick brown fox jumps over the lazy dog. '.repeat(40);
  const characters = [...new Set(text)];
  const sampleLength = 10;
  const random = randomOf(61);
  const epochOf = (examples) => {
    const xs = new tf.TensorBuffer([examples, sampleLength, characters.length]);
    const ys = new tf.TensorBuffer([examples, characters.length]);
    for (let i = 0; i < examples; i++) {
      const at = Math.floor(random() * (text.length - sampleLength - 1));
      for (let k = 0; k < sampleLength; k++) xs.set(1, i, k, characters.indexOf(text[at + k]));
      ys.set(1, i, characters.indexOf(text[at + sampleLength]));
    }
    return [xs.toTensor(), ys.toTensor()];
  };
  const sizes = [24, 24];
  const model = tf.sequential();
  sizes.forEach((units, i) =>
    model.add(tf.layers.lstm({ units, returnSequences: i < sizes.length - 1, inputShape: i === 0 ? [sampleLength, characters.length] : undefined })),
  );
  model.add(tf.layers.dense({ units: characters.length, activation: 'softmax' }));
  model.compile({ optimizer: tf.train.rmsprop(0.01), loss: 'categoricalCrossentropy' });
  assert.deepEqual(model.layers.slice(0, -1).map((layer) => layer.units), sizes);
  assert.deepEqual(model.inputs[0].shape, [null, sampleLength, characters.length]);

  const losses = [];
  let batches = 0;
  const epoch = async () => {
    const [xs, ys] = epochOf(512);
    await model.fit(xs, ys, {
      epochs: 1, batchSize: 64, validationSplit: 0.0625, verbose: 0,
      callbacks: { onBatchEnd: async () => void (batches += 1), onEpochEnd: async (_, logs) => void losses.push(logs.val_loss) },
    });
    xs.dispose();
    ys.dispose();
  };
  for (let i = 0; i < 24; i++) await epoch();
  // Small steps at the end: the loss of single batches jumps at the first rate.
  model.optimizer.learningRate = 0.001;
  for (let i = 0; i < 8; i++) await epoch();
  assert.equal(batches, 32 * 8);
  t.diagnostic(`loss ${losses.map((v) => v.toFixed(2))}`);
  assert.ok(losses.at(-1) < 0.3, String(losses));
  assert.equal(await leftBehind(epoch), 0);

  const sample = (probabilities, temperature) =>
    tf.tidy(() => {
      const logits = tf.div(tf.log(probabilities), Math.max(temperature, 1e-6));
      return tf.multinomial(logits, 1, null, false).dataSync()[0];
    });
  const generate = (length, temperature) => {
    let indices = [...text.slice(0, sampleLength)].map((c) => characters.indexOf(c));
    let written = '';
    while (written.length < length) {
      const buffer = new tf.TensorBuffer([1, sampleLength, characters.length]);
      indices.forEach((c, i) => buffer.set(1, 0, i, c));
      const input = buffer.toTensor();
      const output = model.predict(input);
      const squeezed = tf.squeeze(output);
      const next = sample(squeezed, temperature);
      tf.dispose([input, output, squeezed]);
      written += characters[next];
      indices = [...indices.slice(1), next];
    }
    return written;
  };
  const cold = generate(40, 0.1);
  const right = [...cold].filter((c, i) => c === text[sampleLength + i]).length;
  t.diagnostic(`at 0.1: "${cold}"`);
  assert.ok(right >= 30, cold);
  assert.equal(generate(20, 0), text.slice(sampleLength, sampleLength + 20), 'near zero the likeliest is drawn');
  assert.equal(await leftBehind(() => void generate(3, 0.75)), 0);
  // One distribution at many temperatures: the hotter, the more even.
  const p = tf.tensor1d([0.7, 0.2, 0.1]);
  const drawn = [0.2, 1, 5].map((temperature) => Array.from({ length: 300 }, () => sample(p, temperature)).filter((i) => i === 0).length / 300);
  assert.ok(drawn[0] > 0.95 && drawn[1] > 0.6 && drawn[1] < 0.8 && drawn[2] < 0.55, String(drawn));

  const folder = await mkdtemp(join(tmpdir(), 'headwater-'));
  try {
    await model.save(`file://${folder}`);
    const loaded = await tf.loadLayersModel(`file://${folder}/model.json`);
    const [xs] = epochOf(4);
    assert.deepEqual(loaded.predict(xs).arraySync(), model.predict(xs).arraySync());
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('date-conversion-attention: digits are copied in another order by attention', async (t) => {
  tf.setSeed(4);
  // "31/12/99" to "99-12-31": what the example does with whole dates.
  const [inputs, outputs] = [' 0123456789/', ' 0123456789-^'];
  const [inputLength, outputLength, units] = [8, 8, 24];
  const random = randomOf(67);
  const two = (n) => String(n).padStart(2, '0');
  const dates = Array.from({ length: 1200 }, () => [1 + Math.floor(28 * random()), 1 + Math.floor(12 * random()), Math.floor(100 * random())]);
  const questions = dates.map(([d, m, y]) => `${two(d)}/${two(m)}/${two(y)}`);
  const answers = dates.map(([d, m, y]) => `${two(y)}-${two(m)}-${two(d)}`);
  const encode = (texts, alphabet, length) => {
    const buffer = tf.buffer([texts.length, length]);
    texts.forEach((text, i) => [...text].forEach((c, k) => buffer.set(alphabet.indexOf(c), i, k)));
    return buffer.toTensor();
  };
  class LastStep extends tf.layers.Layer {
    static get className() {
      return 'LastStep';
    }
    constructor(config) {
      super(config ?? {});
      this.supportMasking = true;
    }
    computeOutputShape(shape) {
      return [shape[0], shape[2]];
    }
    call(input) {
      const x = Array.isArray(input) ? input[0] : input;
      return tf.tidy(() => x.gather([x.shape[1] - 1], 1).squeeze([1]));
    }
  }
  tf.serialization.registerClass(LastStep);
  const encoderInput = tf.input({ shape: [inputLength] });
  const decoderInput = tf.input({ shape: [outputLength] });
  const embed = (alphabet, length, x) => tf.layers.embedding({ inputDim: alphabet.length, outputDim: units, inputLength: length, maskZero: true }).apply(x);
  const encoder = tf.layers.lstm({ units, returnSequences: true }).apply(embed(inputs, inputLength, encoderInput));
  const last = new LastStep({ name: 'encoderLast' }).apply(encoder);
  const decoder = tf.layers.lstm({ units, returnSequences: true }).apply(embed(outputs, outputLength, decoderInput), { initialState: [last, last] });
  const scores = tf.layers.dot({ axes: [2, 2] }).apply([decoder, encoder]);
  const attention = tf.layers.activation({ activation: 'softmax', name: 'attention' }).apply(scores);
  const context = tf.layers.dot({ axes: [2, 1], name: 'context' }).apply([attention, encoder]);
  const both = tf.layers.concatenate().apply([context, decoder]);
  const hidden = tf.layers.timeDistributed({ layer: tf.layers.dense({ units, activation: 'tanh' }) }).apply(both);
  const output = tf.layers.timeDistributed({ layer: tf.layers.dense({ units: outputs.length, activation: 'softmax' }) }).apply(hidden);
  const model = tf.model({ inputs: [encoderInput, decoderInput], outputs: output });
  model.compile({ loss: 'categoricalCrossentropy', optimizer: tf.train.adam(0.01) });
  assert.deepEqual(attention.shape, [null, outputLength, inputLength]);

  const shifted = answers.map((a) => `^${a.slice(0, -1)}`);
  const x = [encode(questions, inputs, inputLength), encode(shifted, outputs, outputLength)];
  const y = tf.oneHot(encode(answers, outputs, outputLength).toInt(), outputs.length).toFloat();
  const { history } = await model.fit(x, y, { epochs: 9, batchSize: 64, shuffle: true, validationSplit: 0.1, verbose: 0, callbacks: null });
  t.diagnostic(`loss ${history.val_loss.map((v) => v.toFixed(2))}`);
  assert.ok(history.val_loss.at(-1) < 0.25, String(history.val_loss));

  // Decoded step by step, with what attention looked at.
  const seen = tf.model({ inputs: model.inputs, outputs: [model.output, attention] });
  const read = (question) =>
    tf.tidy(() => {
      const source = encode([question], inputs, inputLength);
      let found = '';
      let looked;
      for (let k = 0; k < outputLength; k++) {
        const [next, weights] = seen.predict([source, encode([`^${found}`], outputs, outputLength)]);
        found += outputs[next.gather([k], 1).argMax(-1).dataSync()[0]];
        looked = weights;
      }
      return { found, looked: looked.sum(-1).arraySync()[0] };
    });
  let right = 0;
  for (const i of [1190, 1191, 1192, 1193, 1194, 1195, 1196, 1197, 1198, 1199]) {
    const { found, looked } = read(questions[i]);
    right += found === answers[i] ? 1 : 0;
    looked.forEach((sum) => assert.ok(Math.abs(sum - 1) < 1e-4));
  }
  t.diagnostic(`${right} of 10 dates`);
  assert.ok(right >= 6, String(right));
});

test('jena-weather: models of a time series beat its last value', async (t) => {
  tf.setSeed(5);
  const normal = normalOf(71);
  const [count, lookBack, delay] = [1400, 24, 6];
  // A day of 24 hours; pressure tells the temperature that comes.
  const pressure = Array.from({ length: count + delay }, normal);
  const rows = Array.from({ length: count }, (_, i) => [Math.sin((2 * Math.PI * i) / 24) + 0.3 * (pressure[i] ?? 0), pressure[i + delay], 0.1 * normal()]);
  const batches = (from, to, size, shuffle) => {
    const random = randomOf(73 + from);
    return tf.data.generator(function* () {
      const samples = [];
      for (let at = from + lookBack; at < to - delay; at++) samples.push(shuffle ? from + lookBack + Math.floor(random() * (to - delay - from - lookBack)) : at);
      for (let k = 0; k < samples.length; k += size) {
        const part = samples.slice(k, k + size);
        const [xs, ys] = [tf.buffer([part.length, lookBack, 3]), tf.buffer([part.length, 1])];
        part.forEach((at, i) => {
          for (let s = 0; s < lookBack; s++) for (let f = 0; f < 3; f++) xs.set(rows[at - lookBack + 1 + s][f], i, s, f);
          ys.set(rows[at + delay][0], i, 0);
        });
        yield { xs: xs.toTensor(), ys: ys.toTensor() };
      }
    });
  };
  const baseline = async () => {
    const dataset = batches(1000, count, 64, false);
    let [sum, seen] = [0, 0];
    await dataset.forEachAsync(({ xs, ys }) => {
      const error = tf.tidy(() => tf.losses.absoluteDifference(ys, xs.gather([lookBack - 1], 1).gather([0], 2).squeeze([2])).mul(ys.shape[0]));
      sum += error.dataSync()[0];
      seen += ys.shape[0];
      tf.dispose([xs, ys, error]);
    });
    return sum / seen;
  };
  const models = {
    mlp: [
      tf.layers.flatten({ inputShape: [lookBack, 3] }),
      tf.layers.dense({ units: 32, kernelRegularizer: tf.regularizers.l2({ l2: 1e-4 }), activation: 'relu' }),
      tf.layers.dropout({ rate: 0.1 }),
      tf.layers.dense({ units: 1 }),
    ],
    simpleRNN: [tf.layers.simpleRNN({ units: 32, inputShape: [lookBack, 3] }), tf.layers.dense({ units: 1 })],
    gru: [tf.layers.gru({ units: 32, inputShape: [lookBack, 3], dropout: 0, recurrentDropout: 0 }), tf.layers.dense({ units: 1 })],
  };
  const naive = await baseline();
  for (const [name, layers] of Object.entries(models)) {
    const model = tf.sequential();
    layers.forEach((layer) => model.add(layer));
    model.compile({ loss: 'meanAbsoluteError', optimizer: tf.train.rmsprop(0.003) });
    const { history } = await model.fitDataset(batches(0, 1000, 64, true), {
      batchesPerEpoch: 14, epochs: 1, validationData: batches(1000, count, 64, false), verbose: 0,
      callbacks: tf.callbacks.earlyStopping({ monitor: 'val_loss', patience: 3 }),
    });
    const longer = await model.fitDataset(batches(0, 1000, 64, true), { epochs: 9, validationData: batches(1000, count, 64, false), verbose: 0 });
    const found = longer.history.val_loss.at(-1);
    t.diagnostic(`${name}: ${found.toFixed(3)} where the last value is off by ${naive.toFixed(3)}`);
    assert.ok(found < 0.4 * naive && found < history.val_loss[0], `${name}: ${found}, last value ${naive}`);
  }
});

test('sentiment: words to opinions by every kind of model the example has', async (t) => {
  const [vocabulary, length] = [40, 12];
  const random = randomOf(79);
  const reviews = Array.from({ length: 600 }, () => Array.from({ length }, () => 1 + Math.floor(random() * (vocabulary - 1))));
  // Words under 8 praise, those from 8 to 15 blame; the rest say nothing.
  const opinion = (words) => words.reduce((s, w) => s + (w < 8 ? 1 : w < 16 ? -1 : 0), 0);
  const clear = reviews.filter((words) => opinion(words) !== 0);
  const sequences = tf.tensor2d(clear, [clear.length, length], 'int32');
  const counts = tf.buffer([clear.length, vocabulary]);
  clear.forEach((words, i) => words.forEach((w) => counts.set(1, i, w)));
  const y = tf.tensor2d(clear.map((words) => [opinion(words) > 0 ? 1 : 0]));
  const embedded = (...layers) => [tf.layers.embedding({ inputDim: vocabulary, outputDim: 16, inputLength: length }), ...layers];
  const kinds = {
    multihot: [tf.layers.dense({ units: 16, activation: 'relu', inputShape: [vocabulary] }), tf.layers.dense({ units: 16, activation: 'relu' })],
    flatten: embedded(tf.layers.flatten()),
    cnn: embedded(
      tf.layers.dropout({ rate: 0.2 }),
      tf.layers.conv1d({ filters: 32, kernelSize: 3, strides: 1, padding: 'valid', activation: 'relu' }),
      tf.layers.globalMaxPool1d({}),
      tf.layers.dense({ units: 32, activation: 'relu' }),
    ),
    simpleRNN: embedded(tf.layers.simpleRNN({ units: 16 })),
    lstm: embedded(tf.layers.lstm({ units: 16 })),
    bidirectionalLSTM: embedded(tf.layers.bidirectional({ layer: tf.layers.lstm({ units: 16 }), mergeMode: 'concat' })),
  };
  for (const [kind, layers] of Object.entries(kinds)) {
    tf.setSeed(6);
    const model = tf.sequential();
    layers.forEach((layer) => model.add(layer));
    model.add(tf.layers.dense({ units: 1, activation: 'sigmoid' }));
    model.compile({ loss: 'binaryCrossentropy', optimizer: tf.train.adam(0.02), metrics: ['acc'] });
    const { history } = await model.fit(kind === 'multihot' ? counts.toTensor() : sequences, y, { epochs: 10, batchSize: 32, validationSplit: 0.2, verbose: 0 });
    const best = Math.max(...history.val_acc);
    t.diagnostic(`${kind}: ${(100 * best).toFixed(1)} %`);
    assert.ok(best >= 0.85, `${kind}: ${history.val_acc}`);
  }
});

test('translation: encoder and decoder are taken from a trained model and run from state to state', async (t) => {
  tf.setSeed(7);
  // Reverses words of three letters.
  const [letters, length, units] = ['abcd', 3, 32];
  const [start, end] = [letters.length, letters.length + 1];
  const tokens = letters.length + 2;
  const words = [...letters].flatMap((a) => [...letters].flatMap((b) => [...letters].map((c) => a + b + c)));
  const encode = (lists, steps) => {
    const buffer = tf.buffer([lists.length, steps, tokens]);
    lists.forEach((list, i) => list.forEach((token, k) => buffer.set(1, i, k, token)));
    return buffer.toTensor();
  };
  const indices = (word) => [...word].map((c) => letters.indexOf(c));
  const reversed = words.map((word) => indices(word).reverse());
  const encoderInputs = tf.layers.input({ shape: [null, tokens], name: 'encoderInputs' });
  const [, h, c] = tf.layers.lstm({ units, returnState: true, name: 'encoderLstm' }).apply(encoderInputs);
  const decoderInputs = tf.layers.input({ shape: [null, tokens], name: 'decoderInputs' });
  const [decoded] = tf.layers.lstm({ units, returnSequences: true, returnState: true, name: 'decoderLstm' }).apply([decoderInputs, h, c]);
  const outputs = tf.layers.dense({ units: tokens, activation: 'softmax', name: 'decoderDense' }).apply(decoded);
  const trained = tf.model({ inputs: [encoderInputs, decoderInputs], outputs, name: 'seq2seq' });
  trained.compile({ optimizer: tf.train.adam(0.01), loss: 'categoricalCrossentropy' });
  await trained.fit(
    [encode(words.map(indices), length), encode(reversed.map((list) => [start, ...list]), length + 1)],
    encode(reversed.map((list) => [...list, end]), length + 1),
    { epochs: 70, batchSize: 16, verbose: 0 },
  );

  // As the page does it with a loaded model.
  let artifacts;
  await trained.save(tf.io.withSaveHandler(async (all) => ((artifacts = all), { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } })));
  const model = await tf.loadLayersModel(tf.io.fromMemory(artifacts));
  const [, stateH, stateC] = model.layers[2].output;
  const encoder = tf.model({ inputs: model.input[0], outputs: [stateH, stateC] });
  const states = ['h', 'c'].map((name) => tf.input({ shape: [units], name: `decoder_state_input_${name}` }));
  const decoderLstm = model.layers[3];
  const decoderInput = decoderLstm.input[0];
  const [sequence, ...next] = decoderLstm.apply(decoderInput, { initialState: states });
  const decoder = tf.model({ inputs: [decoderInput, ...states], outputs: [model.layers[4].apply(sequence), ...next] });
  const translate = (word) =>
    tf.tidy(() => {
      let carried = encoder.predict(encode([indices(word)], length));
      const found = [];
      for (let token = start; found.length < length + 1 && token !== end; ) {
        const [scores, ...after] = decoder.predict([encode([[token]], 1), ...carried]);
        carried = after;
        token = scores.argMax(-1).dataSync()[0];
        if (token !== end) found.push(token);
      }
      return found.map((i) => letters[i]).join('');
    });
  const right = words.filter((word) => translate(word) === [...word].reverse().join('')).length;
  t.diagnostic(`${right} of ${words.length} words`);
  assert.ok(right >= 0.9 * words.length, String(right));
});
