/** Calls between a program and its worker, in both directions, over messages. */

/** What both ends of a worker offer, in browsers and in Node. */
export interface Port {
  post(message: unknown, transfer: ArrayBuffer[]): void;
  listen(handler: (message: any) => void): void;
}

/** What is sent, and the buffers that move with it rather than being copied. */
export interface Packet {
  value: unknown;
  transfer: ArrayBuffer[];
}

export const packet = (value?: unknown, transfer: ArrayBuffer[] = []): Packet => ({ value, transfer });

/** Answers a call. */
export type Handler = (value: any) => Promise<Packet> | Packet;

interface Message {
  /** Which call it makes or answers; a message without one wants no answer. */
  id?: number;
  /** What is called; without it, the message is an answer. */
  method?: string;
  value?: unknown;
  error?: { name: string; message: string; stack?: string; code?: string };
}

interface Waiting {
  resolve(value: any): void;
  reject(error: unknown): void;
}

/** One end. */
export class Channel {
  private next = 0;
  private readonly waiting = new Map<number, Waiting>();
  private closed: Error | null = null;

  constructor(
    private readonly port: Port,
    private readonly handlers: Record<string, Handler>,
    /** Told whether any call is waiting for its answer, when that changes. */
    private readonly busy: (busy: boolean) => void = () => {},
  ) {
    port.listen((message: Message) => void this.receive(message));
  }

  /** Calls a method of the other end; fails with its error. */
  call(method: string, { value, transfer }: Packet): Promise<any> {
    if (this.closed !== null) return Promise.reject(this.closed);
    const id = this.next++;
    const answer = new Promise((resolve, reject) => this.waiting.set(id, { resolve, reject }));
    if (this.waiting.size === 1) this.busy(true);
    try {
      this.port.post({ id, method, value }, transfer);
    } catch (error) {
      this.take(id)?.reject(error);
    }
    return answer;
  }

  /** Calls a method that gives no answer. */
  tell(method: string, value?: unknown): void {
    if (this.closed === null) this.port.post({ method, value }, []);
  }

  /** Fails what is waiting, and every later call. */
  close(error: Error): void {
    this.closed ??= error;
    for (const id of [...this.waiting.keys()]) this.take(id)?.reject(this.closed);
  }

  private take(id: number): Waiting | undefined {
    const found = this.waiting.get(id);
    if (this.waiting.delete(id) && this.waiting.size === 0) this.busy(false);
    return found;
  }

  private async receive({ id, method, value, error }: Message): Promise<void> {
    if (method === undefined) {
      const waiting = id === undefined ? undefined : this.take(id);
      if (error === undefined) waiting?.resolve(value);
      // As it was thrown, with the stack of its own side.
      else waiting?.reject(Object.assign(new Error(error.message), error));
      return;
    }
    // Messages of the program's own may come the same way.
    const handler = Object.hasOwn(this.handlers, method) ? this.handlers[method] : undefined;
    if (handler === undefined) return;
    let answer: Message = { id };
    let transfer: ArrayBuffer[] = [];
    try {
      ({ value: answer.value, transfer } = await handler(value));
    } catch (thrown) {
      const { name, message, stack, code } = (thrown instanceof Error ? thrown : new Error(String(thrown))) as Error & { code?: string };
      answer = { id, error: { name, message, stack, ...(code === undefined ? {} : { code }) } };
    }
    if (id !== undefined && this.closed === null) this.port.post(answer, transfer);
  }
}
