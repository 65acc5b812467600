/** Side of the square frames the model takes, in pixels. */
const FRAME_SIZE = 224;

/** Where frames come from. */
export interface FrameSource {
  readonly kind: 'camera' | 'clip';
  /** What shows the frames, and what they are read from. */
  readonly element: HTMLVideoElement | HTMLCanvasElement;
  stop(): void;
}

/** The camera cannot be used; the message says why in the user's words. */
export class CameraError extends Error {}

/** The largest square in the middle of the source's picture. */
export function centreSquare({ element }: FrameSource): { x: number; y: number; side: number } {
  const [width, height] =
    element instanceof HTMLVideoElement
      ? [element.videoWidth, element.videoHeight]
      : [element.width, element.height];
  const side = Math.min(width, height);
  return { x: (width - side) / 2, y: (height - side) / 2, side };
}

/** The centre square of the source's current picture at the model's size. */
export function grabFrame(source: FrameSource): Promise<ImageBitmap> {
  const { x, y, side } = centreSquare(source);
  return createImageBitmap(source.element, x, y, side, side, {
    resizeWidth: FRAME_SIZE,
    resizeHeight: FRAME_SIZE,
    resizeQuality: 'medium',
  });
}

/**
 * Starts the camera in `video`. `onEnd` is called if it goes away later, as when it is unplugged.
 *
 * @throws CameraError with the reason if it cannot be used.
 */
export async function startCamera(video: HTMLVideoElement, onEnd: () => void): Promise<FrameSource> {
  if (navigator.mediaDevices === undefined) {
    throw new CameraError(
      globalThis.isSecureContext
        ? 'This browser gives pages no camera.'
        : 'Browsers allow the camera only on secure pages (https or localhost).',
    );
  }
  let stream: MediaStream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({
      video: { width: { ideal: 640 }, height: { ideal: 480 }, facingMode: 'user' },
      audio: false,
    });
  } catch (error) {
    throw new CameraError(reasonOf(error));
  }
  for (const track of stream.getTracks()) track.addEventListener('ended', onEnd);
  video.srcObject = stream;
  await video.play();
  return {
    kind: 'camera',
    element: video,
    stop: () => {
      for (const track of stream.getTracks()) {
        track.removeEventListener('ended', onEnd);
        track.stop();
      }
      video.srcObject = null;
    },
  };
}

function reasonOf(error: unknown): string {
  const name = error instanceof DOMException ? error.name : '';
  switch (name) {
    case 'NotAllowedError':
      return 'The camera was refused. You can allow it in the browser’s site settings.';
    case 'NotFoundError':
    case 'OverconstrainedError':
      return 'No camera was found.';
    case 'NotReadableError':
    case 'AbortError':
      return 'The camera is in use by another program.';
    default:
      return `The camera could not start: ${error instanceof Error ? error.message : String(error)}.`;
  }
}

/** Pictures a second of the bundled clip. */
const CLIP_RATE = 30;

/**
 * Plays the motion-JPEG file at `url` in `canvas`, over and over. Decoding frame by frame needs no
 * video codec, and shows the same pictures everywhere.
 *
 * @throws if the file cannot be fetched or holds no pictures.
 */
export async function startClip(canvas: HTMLCanvasElement, url: URL): Promise<FrameSource> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`The sample clip could not be fetched (HTTP ${response.status}).`);
  const pictures = splitJpegs(new Uint8Array(await response.arrayBuffer()));
  const first = pictures[0];
  if (first === undefined) throw new Error('The sample clip holds no pictures.');
  const context = canvas.getContext('2d', { alpha: false });
  if (context === null) throw new Error('The browser gives no 2D context for the sample clip.');

  let playing = true;
  const show = async (picture: Blob): Promise<void> => {
    const bitmap = await createImageBitmap(picture);
    if (playing) {
      if (canvas.width !== bitmap.width) canvas.width = bitmap.width;
      if (canvas.height !== bitmap.height) canvas.height = bitmap.height;
      context.drawImage(bitmap, 0, 0);
    }
    bitmap.close();
  };
  await show(first);

  const started = performance.now();
  let shown = 0;
  let busy = false;
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - started) * CLIP_RATE) / 1000) % pictures.length;
    const picture = pictures[due];
    if (busy || due === shown || picture === undefined) return;
    busy = true;
    shown = due;
    show(picture).finally(() => {
      busy = false;
    });
  }, 1000 / CLIP_RATE);
  return {
    kind: 'clip',
    element: canvas,
    stop: () => {
      playing = false;
      clearInterval(timer);
    },
  };
}

/** Cuts a motion-JPEG stream at the start-of-image and end-of-image markers. */
export function splitJpegs(bytes: Uint8Array<ArrayBuffer>): Blob[] {
  const pictures: Blob[] = [];
  let start = -1;
  // Inside a picture every data byte 0xff is followed by 0x00, so the markers stand out.
  for (let at = bytes.indexOf(0xff); at !== -1; at = bytes.indexOf(0xff, at + 1)) {
    const marker = bytes[at + 1];
    if (marker === 0xd8 && start === -1) start = at;
    if (marker === 0xd9 && start !== -1) {
      pictures.push(new Blob([bytes.subarray(start, at + 2)], { type: 'image/jpeg' }));
      start = -1;
    }
  }
  return pictures;
}
