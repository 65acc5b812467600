import { program } from './program.js';

onmessage = async ({ data: backend }) => {
  try {
    postMessage(await program(backend));
  } catch (error) {
    postMessage({ failure: String(error?.stack ?? error) });
  }
};
postMessage('listening');
