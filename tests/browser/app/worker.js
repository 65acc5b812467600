import { program } from './program.js';

onmessage = async ({ data: { backend, threads } }) => {
  try {
    postMessage(await program(backend, threads));
  } catch (error) {
    postMessage({ failure: String(error?.stack ?? error) });
  }
};
