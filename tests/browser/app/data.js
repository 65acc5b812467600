// Camera, microphone, files and images of a page.
import * as tf from 'headwater';
import { answer } from './answer.js';

const range = async (t) => [Math.min(...(await t.data())), Math.max(...(await t.data()))];
const failure = (promise) => promise.then(() => 'no error', (error) => error.message);

/** A picture of one colour, as a file. */
async function picture(path, colour) {
  const canvas = new OffscreenCanvas(6, 4);
  const drawing = canvas.getContext('2d');
  drawing.fillStyle = colour;
  drawing.fillRect(0, 0, 6, 4);
  const file = new File([await canvas.convertToBlob()], path.split('/').at(-1), { type: 'image/png' });
  return Object.defineProperty(file, 'webkitRelativePath', { value: path });
}

/** The range of what is cut from and scaled of a frame of 40 by 20 whose middle quarter is white, for an element of 6 by 4. */
async function pixels() {
  const canvas = Object.assign(document.createElement('canvas'), { width: 40, height: 20 });
  const drawing = canvas.getContext('2d');
  const { mediaDevices } = navigator;
  mediaDevices.getUserMedia = async () => canvas.captureStream();
  const ranges = [];
  for (const centerCrop of [true, false]) {
    drawing.fillStyle = 'black';
    drawing.fillRect(0, 0, 40, 20);
    drawing.fillStyle = 'white';
    drawing.fillRect(10, 5, 20, 10);
    const video = Object.assign(document.createElement('video'), { width: 6, height: 4 });
    const iterator = await tf.data.webcam(video, { resizeWidth: 3, resizeHeight: 2, centerCrop });
    ranges.push(await range(await iterator.capture()));
    iterator.stop();
  }
  delete mediaDevices.getUserMedia;
  return ranges;
}

async function camera() {
  const whole = await tf.data.webcam();
  const frame = await whole.capture();
  const stepped = await whole.next();
  whole.stop();
  const stopped = [await failure(whole.capture()), await whole.next()];
  await whole.start();
  const again = (await whole.next()).value.shape;
  whole.stop();
  const small = await tf.data.webcam(undefined, { resizeWidth: 20, resizeHeight: 10 });
  const scaled = await small.capture();
  small.stop();
  const cropped = await tf.data.webcam(document.createElement('video'), { resizeWidth: 20, resizeHeight: 10, centerCrop: true });
  const cut = await cropped.capture();
  cropped.stop();
  return {
    pixels: await pixels(),
    frame: [frame.dtype, frame.shape[2]],
    same: stepped.value.shape.join() === frame.shape.join(),
    scaled: [scaled.dtype, ...scaled.shape],
    cut: cut.shape,
    differs: tf.sub(scaled, cut).abs().max().dataSync()[0] > 0,
    stopped,
    again: again.join() === frame.shape.join(),
  };
}

async function microphone() {
  // Long enough for a beep, of which there is one a second.
  const audioTrackConstraints = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  const sound = await tf.data.microphone({ fftSize: 512, numFramesPerSpectrogram: 110, columnTruncateLength: 100, includeWaveform: true, audioTrackConstraints });
  const sampleRate = sound.getSampleRate();
  const { spectrogram, waveform } = await sound.capture();
  const report = { sampleRate, spectrogram: spectrogram.shape, waveform: waveform.shape, decibels: await range(spectrogram), amplitudes: await range(waveform) };
  // Two that are asked for at once come one after the other.
  const short = await tf.data.microphone({ fftSize: 256, numFramesPerSpectrogram: 5 });
  const two = await Promise.all([short.next(), short.next()]);
  report.two = two.map(({ value, done }) => [done, ...value.spectrogram.shape]);
  report.only = Object.keys(two[0].value);
  short.stop();
  sound.stop();
  report.stopped = [await failure(sound.capture()), (await sound.next()).done];
  await sound.start();
  report.again = (await sound.capture()).waveform.shape;
  sound.stop();
  report.rate = await failure(tf.data.microphone({ sampleRateHz: 12345 }));
  return report;
}

async function images() {
  const files = await Promise.all([picture('pets/cats/1.png', '#ff0000'), picture('pets/dogs/1.png', '#0000ff')]);
  const labelled = tf.data.images(files, { size: [2, 3], labelsFromFolders: true });
  const [batch] = await labelled.batch(2).toArray();
  const urls = files.map((file) => URL.createObjectURL(file));
  const fetched = await tf.data.images(urls).map((image) => image.mean([0, 1])).toArray();
  return {
    shape: batch.xs.shape,
    colours: batch.xs.mean([1, 2]).arraySync().map((c) => c.map(Math.round)),
    labels: batch.ys.arraySync(),
    fetched: fetched.map((t) => t.arraySync().map(Math.round)),
  };
}

async function tables() {
  const text = 'x,y\r\n1,"a\nb"\r\n2,c';
  const url = URL.createObjectURL(new Blob([text]));
  return Promise.all([tf.data.csv(url).toArray(), tf.data.csv(new File([text], 'table.csv')).toArray()]);
}

await answer(async () => {
  await tf.setBackend('cpu');
  return { camera: await camera(), microphone: await microphone(), images: await images(), tables: await tables() };
});
