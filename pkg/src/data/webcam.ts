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
  /** Whether a frame is cut around its centre to the size, and not scaled to it. */
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
  private constructor(
    private readonly video: HTMLVideoElement,
    private stream: MediaStream | null,
    private readonly config: WebcamConfig,
  ) {}

  /** Opens the camera, with the user's permission. */
  static async create(video?: HTMLVideoElement, config: WebcamConfig = {}): Promise<WebcamIterator> {
    if (globalThis.navigator?.mediaDevices === undefined) {
      const hint = typeof document === 'undefined' ? '' : ' It needs a secure page (https or localhost).';
      throw coded('device', `tf.data.webcam is only supported in browser environment.${hint}`);
    }
    const element = video ?? document.createElement('video');
    const size = { width: element.width || config.resizeWidth || 224, height: element.height || config.resizeHeight || 224 };
    let stream: MediaStream;
    try {
      const { facingMode = 'user', deviceId } = config;
      stream = await navigator.mediaDevices.getUserMedia({ video: { ...size, ...(deviceId === undefined ? { facingMode } : { deviceId }) } });
    } catch (error) {
      throw coded('device', reason(error));
    }
    element.srcObject = stream;
    element.muted = true;
    await element.play();
    return new WebcamIterator(element, stream, config);
  }

  /** The current frame: int32 [height, width, 3], or float32 at the configured size. */
  async capture(): Promise<Tensor> {
    if (this.stream === null) throw coded('device', 'The camera was stopped.');
    const { resizeWidth, resizeHeight, centerCrop } = this.config;
    return tidy(() => {
      const frame = fromPixels(this.video);
      if (resizeWidth === undefined || resizeHeight === undefined) return frame;
      const size: [number, number] = [resizeHeight, resizeWidth];
      // Of a frame that is smaller than the size, all is scaled.
      const cut = size.map((d, i) => (centerCrop ? Math.min(d, frame.shape[i] ?? 0) : (frame.shape[i] ?? 0)));
      const from = cut.map((d, i) => ((frame.shape[i] ?? 0) - d) >> 1);
      return resizeBilinear(slice(frame, [...from, 0], [...cut, -1]).toFloat(), size);
    });
  }

  async next(): Promise<{ value: Tensor; done: boolean }> {
    return { value: await this.capture(), done: this.stream === null };
  }

  stop(): void {
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = null;
    this.video.srcObject = null;
  }
}

export const webcam = (video?: HTMLVideoElement, config?: WebcamConfig): Promise<WebcamIterator> => WebcamIterator.create(video, config);
