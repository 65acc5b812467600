/** Sound from the page's microphone. */

import { tensor } from '../convert.js';
import type { Tensor } from '../tensor.js';
import { coded } from '../types.js';
import { LazyIterator } from './iterator.js';
import { END, type Step } from './step.js';

export interface MicrophoneConfig {
  /** Samples a second that the device must give; the device's own where it is not stated. */
  sampleRateHz?: number;
  /** Samples of a frame, and numbers of its spectrum: a power of two from 16 to 16384; 1024 by default. */
  fftSize?: number;
  /** Numbers of a spectrum that are kept, from the lowest frequency; all by default. */
  columnTruncateLength?: number;
  /** Frames of an element; 43 by default. */
  numFramesPerSpectrogram?: number;
  audioTrackConstraints?: MediaTrackConstraints;
  /** How much of the spectrum before remains in one; 0 by default. */
  smoothingTimeConstant?: number;
  /** True by default. */
  includeSpectrogram?: boolean;
  /** False by default. */
  includeWaveform?: boolean;
}

export interface Sound {
  /** float32 [frames, columns, 1], in decibels; -Infinity where there is no sound at all. */
  spectrogram?: Tensor;
  /** float32 [frames * fftSize, 1], from -1 to 1. */
  waveform?: Tensor;
}

/** What the stream is read with. */
interface Opened {
  stream: MediaStream;
  context: AudioContext;
  analyser: AnalyserNode;
}

/** Parts of sound, one after the other. */
export class MicrophoneIterator extends LazyIterator<Sound> {
  private readonly fftSize: number;
  private readonly frames: number;
  private readonly columns: number;
  private readonly spectrogram: boolean;
  private readonly waveform: boolean;
  private opened: Opened | null = null;
  /** The capture under way: one that is asked for meanwhile follows it. */
  private last: Promise<unknown> = Promise.resolve();

  protected constructor(private readonly config: MicrophoneConfig) {
    super();
    this.fftSize = config.fftSize || 1024;
    const power = Math.log2(this.fftSize);
    if (!(power >= 4 && power <= 14 && Number.isInteger(power))) {
      throw coded('argument', `Invalid fftSize: it must be a power of 2 between 2 to 4 and 2 to 14, but got ${this.fftSize}`);
    }
    this.frames = config.numFramesPerSpectrogram || 43;
    this.columns = Math.min(config.columnTruncateLength || this.fftSize, this.fftSize);
    this.spectrogram = config.includeSpectrogram !== false;
    this.waveform = config.includeWaveform === true;
    if (!this.spectrogram && !this.waveform) {
      throw coded('argument', 'Both includeSpectrogram and includeWaveform are false. At least one type of data should be returned.');
    }
  }

  /** Opens the microphone, with the user's permission. */
  static async create(config: MicrophoneConfig = {}): Promise<MicrophoneIterator> {
    const iterator = new MicrophoneIterator(config);
    await iterator.start();
    return iterator;
  }

  /** Opens the microphone again after `stop`. */
  async start(): Promise<void> {
    if (this.opened !== null) return;
    if (globalThis.navigator?.mediaDevices === undefined) {
      const hint = typeof document === 'undefined' ? '' : ' It needs a secure page (https or localhost).';
      throw coded('device', `microphone API is only supported in browser environment.${hint}`);
    }
    const { sampleRateHz, audioTrackConstraints = true, smoothingTimeConstant = 0 } = this.config;
    let stream: MediaStream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: audioTrackConstraints, video: false });
    } catch (error) {
      throw coded('device', `Error thrown while initializing video stream: ${(error as Error).message}`);
    }
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    this.opened = { stream, context, analyser };
    if (sampleRateHz && context.sampleRate !== sampleRateHz) {
      this.stop();
      throw coded('device', `Mismatch in sampling rate: Expected: ${sampleRateHz}; Actual: ${context.sampleRate}`);
    }
    // A spectrum has half as many numbers as it is made of samples.
    analyser.fftSize = this.fftSize * 2;
    analyser.smoothingTimeConstant = smoothingTimeConstant;
    context.createMediaStreamSource(stream).connect(analyser);
    // Some browsers start sound on request only.
    if (context.state === 'suspended') void context.resume();
  }

  override next(): Promise<Step<Sound>> {
    const read = (): Promise<Step<Sound>> => this.read();
    const mine = this.last.then(read, read);
    this.last = mine;
    return mine;
  }

  private async read(): Promise<Step<Sound>> {
    const { fftSize, frames, columns } = this;
    const spectra = new Float32Array(frames * columns);
    const samples = new Float32Array(frames * fftSize);
    const spectrum = new Float32Array(fftSize);
    let waits = 0;
    let due = performance.now();
    for (let frame = 0; frame < frames; ) {
      const { opened } = this;
      if (opened === null) return END;
      due += (fftSize / opened.context.sampleRate) * 1000;
      await new Promise((resolve) => setTimeout(resolve, due - performance.now()));
      opened.analyser.getFloatFrequencyData(spectrum);
      // Before sound arrives there is none at all; a microphone that is muted stays so.
      if (spectrum[0] === -Infinity && frame === 0 && waits++ < frames) continue;
      spectra.set(spectrum.subarray(0, columns), frame * columns);
      opened.analyser.getFloatTimeDomainData(samples.subarray(frame * fftSize, (frame + 1) * fftSize));
      frame += 1;
    }
    const value: Sound = {};
    if (this.spectrogram) value.spectrogram = tensor(spectra, [frames, columns, 1]);
    if (this.waveform) value.waveform = tensor(samples, [frames * fftSize, 1]);
    return { value, done: false };
  }

  /** The sound of the next frames. */
  async capture(): Promise<Sound> {
    const { value } = await this.next();
    if (value === null) throw coded('device', 'The microphone was stopped.');
    return value;
  }

  stop(): void {
    this.opened?.analyser.disconnect();
    void this.opened?.context.close();
    this.opened?.stream.getTracks().forEach((track) => track.stop());
    this.opened = null;
  }

  override async return(): Promise<Step<Sound>> {
    this.stop();
    return END;
  }

  override toArray(): Promise<Sound[]> {
    throw new Error('Can not convert infinite audio stream to array.');
  }

  getSampleRate(): number {
    return this.config.sampleRateHz ?? this.opened?.context.sampleRate ?? NaN;
  }
}

export const microphone = (config?: MicrophoneConfig): Promise<MicrophoneIterator> => MicrophoneIterator.create(config);
