// The page of one column. A library whose threads need a worker runs in one, as its users would have it.
import { open } from './session.js';

const options = Object.fromEntries(new URLSearchParams(location.search));

async function openInWorker() {
  const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
  const answer = (listening) =>
    new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => (data.failure === undefined ? resolve(data.result) : reject(new Error(data.failure)));
      worker.onerror = ({ message }) => reject(new Error(message));
      listening?.();
    });
  await answer();
  const call = (method, ...values) => answer(() => worker.postMessage({ method, values }));
  await call('open', options);
  return call;
}

try {
  if (options.worker === 'true') {
    const call = await openInWorker();
    window.bench = { call: (method, values) => call(method, ...values) };
  } else {
    const session = await open(options);
    window.bench = { call: (method, values) => session[method](...values) };
  }
} catch (error) {
  window.failure = String(error?.stack ?? error);
}
