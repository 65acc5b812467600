// The package in a bundle: in the page, or in a worker with `?worker`.
import { answer } from './answer.js';
import { program } from './program.js';

function inWorker(backend, threads) {
  const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => (data.failure === undefined ? resolve(data) : reject(new Error(data.failure)));
    worker.onerror = ({ message }) => reject(new Error(message));
    worker.postMessage({ backend, threads });
  });
}

await answer(new URLSearchParams(location.search).has('worker') ? inWorker : program);
