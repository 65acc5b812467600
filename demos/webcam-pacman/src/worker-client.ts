import type { CallName, Calls, WorkerEvent, WorkerMessage } from './protocol.js';

interface Pending {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

/** The page's end of the worker: one promise a call. */
export class WorkerClient {
  /** Called for progress in between. */
  onEvent: (event: WorkerEvent) => void = () => {};

  private readonly worker: Worker;
  private readonly pending = new Map<number, Pending>();
  private nextId = 1;
  private failure: Error | null = null;

  constructor(url: URL) {
    this.worker = new Worker(url, { type: 'module', name: 'headwater' });
    this.worker.addEventListener('message', ({ data }: MessageEvent<WorkerMessage>) => this.receive(data));
    this.worker.addEventListener('error', (event) => {
      this.fail(`The worker could not run: ${event.message || 'its script failed to load'}.`);
    });
    this.worker.addEventListener('messageerror', () => this.fail('A message from the worker was unreadable.'));
  }

  /** Calls the worker; what is in `transfer` moves there. */
  call<Name extends CallName>(
    name: Name,
    args: Calls[Name]['args'],
    transfer: Transferable[] = [],
  ): Promise<Calls[Name]['result']> {
    if (this.failure !== null) return Promise.reject(this.failure);
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      this.pending.set(id, { resolve: (result) => resolve(result as Calls[Name]['result']), reject });
      this.worker.postMessage({ id, name, args }, transfer);
    });
  }

  private receive(message: WorkerMessage): void {
    if (message.kind === 'event') {
      this.onEvent(message.event);
      return;
    }
    const call = this.pending.get(message.id);
    this.pending.delete(message.id);
    if (message.kind === 'reply') call?.resolve(message.result);
    else call?.reject(new Error(message.message));
  }

  /** A worker that died answers no more: every call, also a later one, fails with the reason. */
  private fail(reason: string): void {
    this.failure = new Error(reason);
    for (const { reject } of this.pending.values()) reject(this.failure);
    this.pending.clear();
  }
}
