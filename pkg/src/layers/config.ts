/** Between TensorFlow.js's camelCase arguments and Keras's snake_case configurations. */

export type Config = Record<string, unknown>;

/** An initializer, a regularizer or a constraint: a Keras class name and its parameters. */
export class Serialized {
  constructor(
    readonly className: string,
    private readonly config: Config = {},
  ) {}

  getClassName(): string {
    return this.className;
  }

  getConfig(): Config {
    return this.config;
  }
}

/** What is given of arguments: null says as little as undefined, as in TensorFlow.js. */
export const givenOf = <T extends object>(args: T | null | undefined): T => Object.fromEntries(Object.entries(args ?? {}).filter(([, value]) => value !== null)) as T;

export const toSnake = (name: string): string => name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase();
export const toCamel = (name: string): string => name.replace(/_([a-z0-9])/g, (_, c: string) => c.toUpperCase());

/** Values that are words of the configuration language rather than names. */
const WORDS: Record<string, string> = {
  channelsLast: 'channels_last', channelsFirst: 'channels_first', fanIn: 'fan_in', fanOut: 'fan_out', fanAvg: 'fan_avg', truncatedNormal: 'truncated_normal',
};

/** A layer, as an argument of one that contains it. */
interface Nested {
  getClassName(): string;
  kerasConfig(): Config;
}

const isNested = (value: unknown): value is Nested => typeof (value as Nested | null)?.kerasConfig === 'function';

/** Arguments as a Keras configuration. */
export function toKeras(value: unknown): unknown {
  if (isNested(value)) return { class_name: value.getClassName(), config: value.kerasConfig() };
  if (value instanceof Serialized) return { class_name: value.className, config: toKeras(value.getConfig()) };
  if (typeof value === 'string') return WORDS[value] ?? value;
  if (Array.isArray(value)) return value.map(toKeras);
  if (value !== null && typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype) {
    return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined).map(([k, v]) => [toSnake(k), toKeras(v)]));
  }
  return value;
}

/** A Keras configuration as arguments. */
export function fromKeras(value: unknown): unknown {
  if (typeof value === 'string' && WORDS[toCamel(value)] === value) return toCamel(value);
  if (Array.isArray(value)) return value.map(fromKeras);
  if (value !== null && typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([k, v]) => [toCamel(k), fromKeras(v)]));
  return value;
}
