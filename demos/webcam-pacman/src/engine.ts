import * as tf from 'headwater/lean';
import type { EnginePreference, EngineReport } from './protocol.js';

interface AdapterInfo {
  readonly vendor?: string;
  readonly architecture?: string;
  readonly device?: string;
  readonly description?: string;
  readonly isFallbackAdapter?: boolean;
}

/** What this browser offers by way of WebGPU. */
type Gpu =
  | { usable: true; name: string; software: boolean }
  | { usable: false; reason: string };

/**
 * Selects the engine asked for, or the next best one, and says which it is and why.
 *
 * @throws if not even the CPU engine can start.
 */
export async function selectEngine(preference: EnginePreference): Promise<EngineReport> {
  if (preference === 'cpu') return startCpu(preference, null);

  const gpu = await probeGpu();
  if (!gpu.usable) {
    return startCpu(preference, preference === 'webgpu' ? `${gpu.reason} Running on the CPU instead.` : null);
  }
  if (preference === 'auto' && gpu.software) {
    const reason = `The only WebGPU adapter (${gpu.name}) is emulated in software; the CPU engine is faster.`;
    return startCpu(preference, reason);
  }
  const failure = await start('webgpu');
  if (failure !== null) {
    return startCpu(preference, `WebGPU could not start: ${failure} Running on the CPU instead.`);
  }
  return { preference, active: 'webgpu', threads: null, adapter: gpu.name, fallback: null };
}

async function startCpu(preference: EnginePreference, reason: string | null): Promise<EngineReport> {
  const failure = await start('cpu');
  if (failure !== null) throw new Error(`The CPU engine could not start: ${failure}`);
  const { threads, threadsReason } = tf.backendInfo();
  const notes = [reason, threadsReason === '' ? null : `The CPU engine runs on one thread: ${sentence(threadsReason)}`];
  return {
    preference,
    active: 'cpu',
    threads,
    adapter: null,
    fallback: notes.filter((note) => note !== null).join(' ') || null,
  };
}

/** Starts an engine; the answer is null, or what went wrong as a sentence. */
async function start(name: 'cpu' | 'webgpu'): Promise<string | null> {
  try {
    if (!(await tf.setBackend(name))) {
      return sentence(tf.backendInfo().fallbackReason || `the ${name} engine did not initialise`);
    }
    await tf.ready();
    return null;
  } catch (error) {
    return sentence(error instanceof Error ? error.message : String(error));
  }
}

const sentence = (text: string): string => (text.endsWith('.') ? text : `${text}.`);

async function probeGpu(): Promise<Gpu> {
  const gpu = (navigator as { gpu?: { requestAdapter(): Promise<{ info?: AdapterInfo } | null> } }).gpu;
  if (gpu === undefined) {
    return {
      usable: false,
      reason: globalThis.isSecureContext
        ? 'This browser has no WebGPU.'
        : 'WebGPU needs a secure page (https or localhost).',
    };
  }
  try {
    const adapter = await gpu.requestAdapter();
    if (adapter === null) {
      return { usable: false, reason: 'This browser has WebGPU but found no graphics adapter for it.' };
    }
    const info = adapter.info ?? {};
    const name = [info.description, info.device, info.architecture, info.vendor].find(Boolean);
    const software =
      info.isFallbackAdapter === true || /swiftshader|llvmpipe|lavapipe/i.test(JSON.stringify(describe(info)));
    return { usable: true, name: name ?? 'unnamed adapter', software };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { usable: false, reason: `WebGPU refused an adapter (${message}).` };
  }
}

/** The getters of an adapter's info live on its prototype; this makes them plain properties. */
const describe = ({ vendor, architecture, device, description }: AdapterInfo): object => ({
  vendor,
  architecture,
  device,
  description,
});
