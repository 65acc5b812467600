import type { WorkerMessage } from './protocol.js';

/** Sends a message from the worker to the page. */
export const post = (message: WorkerMessage): void => globalThis.postMessage(message, {});
