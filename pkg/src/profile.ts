/** What operations and kernels take: bytes, tensors and time. */

import { GpuHost } from './gpu-host.js';
import { passTimer } from './gpu-times.js';
import { kernelOf } from './kernel_of.js';
import { wasm } from './runtime.js';
import { memory, tensorsIn, watch } from './tensor.js';
import type { Shape } from './types.js';
import { now } from './util.js';

GpuHost.timer = passTimer;

const NO_TIMES = { error: 'This adapter does not tell when its kernels run.' };

/** A kernel that ran: one operation or several fused. */
export interface KernelEvent {
  /** The names of its operations, joined by `+`. */
  name: string;
  /** When it began, since the first of the trace. */
  startMs: number;
  durationMs: number;
}

/** Measures the kernels of `f` and of what it leaves to be computed; null where the engine cannot. */
async function timed<T>(f: () => T | Promise<T>): Promise<{ result: T; events: KernelEvent[] | null; wallMs: number }> {
  const engine = wasm();
  engine.flush();
  const able = engine.timeKernels(true);
  try {
    const begun = now();
    const result = await f();
    // A read waits for the device; what is not read may not have run.
    await Promise.all(tensorsIn(result).map((t) => t.data()));
    engine.flush();
    const wallMs = now() - begun;
    return { result, events: able ? await events() : null, wallMs };
  } finally {
    engine.timeKernels(false);
  }
}

async function events(): Promise<KernelEvent[]> {
  const [labels, numbers] = await wasm().takeTimes();
  const count = numbers.length / 2;
  const first = numbers[0] ?? 0;
  const names = labels.split('\n');
  return Array.from({ length: count }, (_, i) => ({
    name: names[i] as string,
    startMs: (numbers[2 * i] as number) - first,
    durationMs: numbers[2 * i + 1] as number,
  }));
}

/** What a trace measured. */
export interface Trace<T = unknown> {
  /** What the function returned. */
  result: T;
  /** The kernels in the order they ran. */
  events: KernelEvent[];
  wallMs: number;
  /** The trace as text in Chrome's trace event format, for chrome://tracing and ui.perfetto.dev. */
  toChromeTrace(): string;
}

/**
 * Runs `f` and records when each kernel ran: by the clock on the CPU engine, by the GPU's timestamps on WebGPU.
 *
 * Throws where the adapter has no timestamps.
 */
export async function trace<T>(f: () => T | Promise<T>): Promise<Trace<T>> {
  const { result, events, wallMs } = await timed(f);
  if (events === null) throw new Error(NO_TIMES.error);
  const toChromeTrace = (): string => {
    const traceEvents = events.map(({ name, startMs, durationMs }) => ({ name, cat: 'kernel', ph: 'X', ts: startMs * 1e3, dur: durationMs * 1e3, pid: 1, tid: 1 }));
    return JSON.stringify({ traceEvents, displayTimeUnit: 'ms' });
  };
  return { result, events, wallMs, toChromeTrace };
}

const sum = (events: readonly KernelEvent[]): number => events.reduce((total, { durationMs }) => total + durationMs, 0);

export interface TimingInfo {
  /** The time kernels ran, or why that is not known. */
  kernelMs: number | { error: string };
  wallMs: number;
}

/** How long `f` takes, with everything that it leaves to be computed. */
export async function time(f: () => unknown): Promise<TimingInfo> {
  const { events, wallMs } = await timed(f);
  return { kernelMs: events === null ? NO_TIMES : sum(events), wallMs };
}

export interface KernelProfile {
  name: string;
  bytesAdded: number;
  totalBytesSnapshot: number;
  tensorsAdded: number;
  totalTensorsSnapshot: number;
  inputShapes: (Shape | null)[];
  outputShapes: Shape[];
  kernelTimeMs: number | { error: string };
  extraInfo: string;
}
export interface ProfileInfo {
  newBytes: number;
  newTensors: number;
  peakBytes: number;
  kernels: KernelProfile[];
  kernelNames: string[];
  result: unknown;
}

/** Runs `f` and tells what its operations took. Operations are computed one by one, not fused. */
export async function profile(f: () => unknown): Promise<ProfileInfo> {
  const list: KernelProfile[] = [];
  const kernelsBefore: number[] = [];
  const launched = (): number => wasm().stats()[2] as number;
  const start = memory();
  let before = start;
  wasm().flush();
  const first = launched();
  const { result, events } = await timed(async () => {
    watch((op, inputs, results) => {
      kernelsBefore.push(launched() - first);
      wasm().flush();
      const after = memory();
      // Tensors made and disposed between operations are not an operation's.
      const bytes = results.reduce((sum, t) => sum + t.size * 4, 0);
      list.push({
        name: kernelOf(op),
        bytesAdded: bytes,
        totalBytesSnapshot: after.numBytes,
        tensorsAdded: results.length,
        totalTensorsSnapshot: after.numTensors,
        inputShapes: inputs.map((t) => t.shape),
        outputShapes: results.map((t) => t.shape),
        kernelTimeMs: NO_TIMES,
        extraInfo: '',
      });
      before = after;
    });
    try {
      return await f();
    } finally {
      watch(null);
    }
  });
  if (events !== null) {
    // An operation's kernels are those launched by the flush that followed it.
    list.forEach((kernel, i) => {
      const ran = events.slice(kernelsBefore[i], kernelsBefore[i + 1]);
      kernel.kernelTimeMs = sum(ran);
      kernel.extraInfo = ran.map(({ name }) => name).join(', ');
    });
  }
  const end = memory();
  return {
    newBytes: end.numBytes - start.numBytes,
    newTensors: end.numTensors - start.numTensors,
    peakBytes: Math.max(before.numBytes, ...list.map((k) => k.totalBytesSnapshot)) - start.numBytes,
    kernels: list,
    kernelNames: [...new Set(list.map((k) => k.name))],
    result,
  };
}
