/** Data from the page: the camera. */

import { fromPixels } from '../browser.js';
import { resizeBilinear, slice } from '../ops/core.js';
import { type Tensor, tidy } from '../tensor.js';
import { coded } from '../types.js';

export interface WebcamConfig {
  facingMode?: 'user' | 'environment';
  deviceId?: string;
  resizeWidth?: number;
  resizeHeight?: number;
  /** Whether a frame is cut around its centre, to the part that the size is of the video element's, rather than scaled as a whole. */
  centerCrop?: boolean;
}

/** Why a camera could not be had, in words. */
function reason(error: unknown): string {
  const name = (error as { name?: string }).name;
  switch (name) {
    case 'NotAllowedError':
      return 'Permission to use the camera was refused.';
    case 'NotFoundError':
      return 'No camera was found.';
    case 'NotReadableError':
      return 'The camera is in use by another program.';
    default:
      return `The camera could not be opened: ${String(error)}`;
  }
}

/** Frames of a camera. */
export class WebcamIterator {
  private stream: MediaStream | null = null;

  private constructor(
    private readonly video: HTMLVideoElement,
    private readonly config: WebcamConfig,
  ) {}

  /** Opens the camera, with the user's permission. */
  static async create(video?: HTMLVideoElement | null, config: WebcamConfig = {}): Promise<WebcamIterator> {
    if (globalThis.navigator?.mediaDevices === undefined) {
      const hint = typeof document === 'undefined' ? '' : ' It needs a secure page (https or localhost).';
      throw coded('device', `tf.data.webcam is only supported in browser environment.${hint}`);
    }
    const iterator = new WebcamIterator(video ?? document.createElement('video'), config);
    await iterator.start();
    return iterator;
  }

  /** Opens the camera again after `stop`. */
  async start(): Promise<void> {
    if (this.stream !== null) return;
    const { video, config } = this;
    const { facingMode = 'user', deviceId, resizeWidth, resizeHeight } = config;
    const size = { width: video.width || resizeWidth || 224, height: video.height || resizeHeight || 224 };
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({ video: { ...size, ...(deviceId === undefined ? { facingMode } : { deviceId }) } });
    } catch (error) {
      throw coded('device', reason(error));
    }
    video.srcObject = this.stream;
    video.muted = true;
    await video.play();
  }

  /** The current frame: int32 [height, width, 3], or float32 at the configured size. */
  async capture(): Promise<Tensor> {
    if (this.stream === null) throw coded('device', 'The camera was stopped.');
    const { video, config } = this;
    const { resizeWidth, resizeHeight, centerCrop } = config;
    return tidy(() => {
      const frame = fromPixels(video);
      if (resizeWidth === undefined || resizeHeight === undefined) return frame;
      const size: [number, number] = [resizeHeight, resizeWidth];
      const shown = [video.height, video.width];
      // The part of the frame that `size` is of the element; of one that is smaller, all.
      const cut = frame.shape.slice(0, 2).map((d, i) => (centerCrop ? Math.min(d, Math.round(((size[i] as number) * d) / (shown[i] || d))) : d));
      const from = cut.map((d, i) => ((frame.shape[i] ?? 0) - d) >> 1);
      return resizeBilinear(slice(frame, [...from, 0], [...cut, -1]).toFloat(), size, true);
    });
  }

  async next(): Promise<{ value: Tensor; done: false } | { value: null; done: true }> {
    return this.stream === null ? { value: null, done: true } : { value: await this.capture(), done: false };
  }

  /** Closes the camera: `next` is at its end until `start`. */
  stop(): void {
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = null;
    this.video.srcObject = null;
  }
}

export const webcam = (video?: HTMLVideoElement | null, config?: WebcamConfig): Promise<WebcamIterator> => WebcamIterator.create(video, config);
