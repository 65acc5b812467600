import { program } from './sync-program.js';

program().then(postMessage, (error) => postMessage({ failure: String(error?.stack ?? error) }));
