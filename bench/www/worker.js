// A session for the page that started this worker.
import { open } from './session.js';

let session = null;

onmessage = async ({ data: { method, values } }) => {
  try {
    if (method === 'open') {
      session = await open(...values);
      postMessage({});
    } else {
      postMessage({ result: await session[method](...values) });
    }
  } catch (error) {
    postMessage({ failure: String(error?.stack ?? error) });
  }
};
postMessage({ result: 'listening' });
