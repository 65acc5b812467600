/** Starting a worker, and the ends of it. */

import { nodeModule } from '../node-module.js';
import { coded } from '../types.js';
import type { Port } from './channel.js';
import type { Settings } from './protocol.js';

/** The script of the worker, beside this file. Written by the build. */
declare const SCRIPT: string;

/** A Worker of the browser, or one of Node. */
export type AnyWorker = Worker | import('node:worker_threads').Worker;

/** A worker as this package uses it. */
export interface Opened {
  port: Port;
  /** Whether something is expected of it: it keeps a program of Node alive only then. */
  busy(busy: boolean): void;
  /** Is called if it fails. */
  failed(handler: (error: Error) => void): void;
  terminate(): void;
}

export const isNode = typeof process !== 'undefined' && process.versions?.node !== undefined;

/** What the page says before it imports the package holds for the worker too. */
function settingsOf(threads?: number): Settings {
  const { wasmPath, threads: wanted = threads } = (globalThis as { headwater?: Settings }).headwater ?? {};
  const path = wasmPath === undefined ? undefined : new URL(wasmPath, globalThis.location?.href).href;
  return JSON.parse(JSON.stringify({ wasmPath: path, threads: threads ?? wanted })) as Settings;
}

/** Starts the package's own script, in a form that bundlers recognise. */
function start(): Worker {
  try {
    return new Worker(new URL(SCRIPT, import.meta.url), { type: 'module', name: 'headwater' });
  } catch (error) {
    if ((error as Error).name !== 'SecurityError') throw error;
    // A script of another origin may be imported, not started. A bundler that saw a second URL would copy the script as it is.
    const here = import.meta.url;
    const url = URL.createObjectURL(new Blob([`import ${JSON.stringify(new URL(SCRIPT, here).href)};`], { type: 'text/javascript' }));
    const worker = new Worker(url, { type: 'module', name: 'headwater' });
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
    return worker;
  }
}

/** Waits until a worker serves models. */
export async function open(given: AnyWorker | undefined, threads?: number): Promise<Opened> {
  const settings = settingsOf(threads);
  const opened = isNode ? await ofNode(given as import('node:worker_threads').Worker | undefined, settings) : ofBrowser((given as Worker | undefined) ?? start());
  if (!isNode && given === undefined) opened.port.post({ settings }, []);
  try {
    await new Promise<void>((resolve, reject) => {
      opened.failed(reject);
      opened.port.listen(({ method }) => method === 'ready' && resolve());
    });
  } catch (error) {
    opened.terminate();
    throw error;
  }
  return opened;
}

function ofBrowser(worker: Worker): Opened {
  return {
    port: {
      post: (message, transfer) => worker.postMessage(message, transfer),
      listen: (handler) => worker.addEventListener('message', ({ data }) => handler(data)),
    },
    busy() {},
    failed: (handler) =>
      worker.addEventListener('error', (event) => {
        event.preventDefault();
        handler(failure(event.message || `its script could not be loaded: beside the page's script there must be ${SCRIPT}, or give a worker of your own as { worker }`));
      }),
    terminate: () => worker.terminate(),
  };
}

async function ofNode(given: import('node:worker_threads').Worker | undefined, settings: Settings): Promise<Opened> {
  const threads = await nodeModule<typeof import('node:worker_threads')>('worker_threads');
  // A path of the disk: bundlers leave it alone.
  const here = import.meta.url;
  const worker = given ?? new threads.Worker(new URL(SCRIPT, here), { name: 'headwater', execArgv: [], workerData: { settings } });
  return {
    port: {
      post: (message, transfer) => worker.postMessage(message, transfer),
      listen: (handler) => worker.on('message', handler),
    },
    busy: (busy) => (busy ? worker.ref() : worker.unref()),
    failed: (handler) => {
      worker.on('error', (error) => handler(failure(error.message)));
      worker.on('exit', (code) => handler(failure(`it ended with code ${code}`)));
    },
    terminate: () => void worker.terminate(),
  };
}

const failure = (why: string): Error => coded('worker', `The worker failed: ${why}.`);
