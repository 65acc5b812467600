// In the page, or in a worker with `?where=worker`.
import { answer } from './answer.js';

const inWorker = new URLSearchParams(location.search).get('where') === 'worker';

await answer(async () => {
  if (!inWorker) return (await import('./sync-program.js')).program();
  const worker = new Worker(new URL('./sync-worker.js', import.meta.url), { type: 'module' });
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => (data.failure === undefined ? resolve(data) : reject(new Error(data.failure)));
    worker.onerror = ({ message }) => reject(new Error(message));
  });
});
