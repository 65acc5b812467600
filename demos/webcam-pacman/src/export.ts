import { io } from 'headwater/lean';
import type { HeadFiles } from './protocol.js';

/** Offers the head as two downloads, `webcam-pacman-head.json` and `webcam-pacman-head.weights.bin`. */
export async function downloadHead(files: HeadFiles): Promise<void> {
  const [handler] = io.getSaveHandlers('downloads://webcam-pacman-head');
  if (handler?.save === undefined) throw new Error('This browser offers no downloads.');
  await handler.save(files as io.ModelArtifacts);
}
