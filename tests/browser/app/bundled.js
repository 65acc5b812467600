// The package in a bundle: in the page, or in a worker with `?worker`.
import { answer } from './answer.js';

/** Asks the worker once it says that it listens: the package's import takes its time. */
function inWorker(backend) {
  const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => {
      if (data === 'listening') worker.postMessage(backend);
      else if (data.failure === undefined) resolve(data);
      else reject(new Error(data.failure));
    };
    worker.onerror = ({ message }) => reject(new Error(message));
  });
}

const inPage = async (backend) => (await import('./program.js')).program(backend);

await answer(new URLSearchParams(location.search).has('worker') ? inWorker : inPage);
