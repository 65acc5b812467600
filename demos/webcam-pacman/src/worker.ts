// The worker's entry: listens first and loads the rest then. Importing the library starts its engine, and a message that
// comes before there is a listener would be lost.
import { post } from './post.js';
import type { Request } from './protocol.js';

const loaded = import('./handlers.js');
// Each call that comes reports the failure.
loaded.catch(() => {});

async function answer({ id, name, args }: Request): Promise<void> {
  try {
    const { handlers } = await loaded;
    // Name and arguments belong together by the type of a request.
    const handler = handlers[name] as (args: unknown) => Promise<unknown>;
    post({ kind: 'reply', id, result: await handler(args) });
  } catch (error) {
    post({ kind: 'failure', id, message: error instanceof Error ? error.message : String(error) });
  }
}

/** Calls are carried out one after the other; only a stop must not wait for what it stops. */
let queue: Promise<void> = Promise.resolve();
globalThis.addEventListener('message', ({ data }: MessageEvent<Request>) => {
  if (data.name === 'stopTraining') void answer(data);
  else queue = queue.then(() => answer(data));
});
