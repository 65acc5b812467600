/** Flags, as TensorFlow.js has them: registered with what evaluates them, set by programs or by the page's address. */

import { isBrowser } from './device_util.js';
import { host, type Platform, standard } from './platform.js';
import { coded } from './types.js';

export type { Platform } from './platform.js';

export type FlagValue = number | boolean | string;
type Flags = Record<string, FlagValue>;

interface Entry {
  evaluate: () => FlagValue | Promise<FlagValue>;
  setHook?: (value: FlagValue) => void;
}

/** The parameters of an address. */
export function getQueryParams(query: string): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(query));
}

export class Environment {
  private flags: Flags = {};
  private registry: Record<string, Entry> = {};
  private urlFlags: Flags = {};
  platformName = '';
  platform!: Platform;
  /** Overridden by tests. */
  getQueryParams = getQueryParams;

  constructor(public global: any) {
    this.readUrl();
  }

  setPlatform(name: string, platform: Platform): void {
    this.platformName = name;
    this.platform = platform;
  }

  registerFlag(name: string, evaluate: Entry['evaluate'], setHook?: Entry['setHook']): void {
    this.registry[name] = { evaluate, ...(setHook && { setHook }) };
    const given = this.urlFlags[name];
    if (given !== undefined) this.set(name, given);
  }

  private entry(name: string): Entry {
    const entry = this.registry[name];
    if (entry === undefined) throw coded('unknown', `Cannot evaluate flag '${name}': no evaluation function found.`);
    return entry;
  }

  async getAsync(name: string): Promise<FlagValue> {
    return (this.flags[name] ??= await this.entry(name).evaluate());
  }

  get(name: string): FlagValue {
    if (name in this.flags) return this.flags[name] as FlagValue;
    const value = this.entry(name).evaluate();
    if (value instanceof Promise) throw coded('argument', `Flag ${name} cannot be synchronously evaluated. Please use getAsync() instead.`);
    return (this.flags[name] = value);
  }

  getNumber(name: string): number {
    return this.get(name) as number;
  }

  getBool(name: string): boolean {
    return this.get(name) as boolean;
  }

  getString(name: string): string {
    return this.get(name) as string;
  }

  getFlags(): Flags {
    return this.flags;
  }

  /** For code written for older versions. */
  get features(): Flags {
    return this.flags;
  }

  set(name: string, value: FlagValue): void {
    if (!(name in this.registry)) throw coded('unknown', `Cannot set flag ${name} as it has not been registered.`);
    this.flags[name] = value;
    this.registry[name]?.setHook?.(value);
  }

  setFlags(flags: Flags): void {
    this.flags = { ...flags };
  }

  reset(): void {
    this.flags = {};
    this.urlFlags = {};
    this.readUrl();
  }

  private readUrl(): void {
    const given = this.getQueryParams(this.global?.location?.search ?? '')['tfjsflags'];
    for (const pair of given?.split(',') ?? []) {
      const [name = '', value = ''] = pair.split(':');
      const low = value.toLowerCase();
      this.urlFlags[name] = low === 'true' || low === 'false' ? low === 'true' : `${Number(low)}` === low ? Number(low) : value;
    }
  }
}

/** The flags of this program, as an older name of `env()`. */
export const ENV = new Environment(globalThis);

/** The flags of this program. */
export const env = (): Environment => ENV;

ENV.registerFlag('DEBUG', () => false);
ENV.registerFlag('IS_BROWSER', isBrowser);
ENV.registerFlag('IS_NODE', () => typeof process !== 'undefined' && typeof process.versions?.node === 'string');
ENV.registerFlag('PROD', () => false);
ENV.registerFlag('TENSORLIKE_CHECK_SHAPE_CONSISTENCY', () => ENV.getBool('DEBUG'));
ENV.registerFlag('DEPRECATION_WARNINGS_ENABLED', () => true);
ENV.registerFlag('IS_TEST', () => false);
ENV.registerFlag('CHECK_COMPUTATION_FOR_ERRORS', () => ENV.getBool('DEBUG'));
ENV.registerFlag('WRAP_TO_IMAGEBITMAP', () => false);
ENV.registerFlag('CANVAS2D_WILL_READ_FREQUENTLY_FOR_GPU', () => false);
ENV.registerFlag('USE_SETTIMEOUTCUSTOM', () => false);

ENV.setPlatform(ENV.getBool('IS_NODE') ? 'node' : 'browser', standard);
Object.defineProperty(host, 'platform', { get: () => ENV.platform });
host.debugging = () => ENV.getBool('DEBUG');

export function enableProdMode(): void {
  ENV.set('PROD', true);
}

export function enableDebugMode(): void {
  ENV.set('DEBUG', true);
}

export function disableDeprecationWarnings(): void {
  ENV.set('DEPRECATION_WARNINGS_ENABLED', false);
  console.warn('TensorFlow.js deprecation warnings have been disabled.');
}

export function deprecationWarn(message: string): void {
  if (ENV.getBool('DEPRECATION_WARNINGS_ENABLED')) console.warn(`${message} You can disable deprecation warnings with tf.disableDeprecationWarnings().`);
}

export function setPlatform(name: string, platform: Platform): void {
  ENV.setPlatform(name, platform);
}
