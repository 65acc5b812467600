/** How a model is compiled, as a message. */

import * as tf from '../index.js';
import { coded } from '../types.js';

/** Functions by the names that both sides know them by. */
export type Functions = Record<string, unknown>;

/** Losses or metrics as `compile` takes them: by a name of its own, or by one that a function is found by. */
type Term = { name: string } | { function: string } | { metric: string; config: object } | { list: Term[] } | { entries: [output: string, term: Term][] } | null;

/** What a model was compiled with. */
export interface Compiled {
  optimizer: { className: string; config: object; factors: number[] };
  loss: Term;
  metrics: Term;
  weightedMetrics: Term;
  lossWeights: number[] | Record<string, number> | undefined;
}

/** Losses and metrics of the package itself. */
const tables = (): [string, Record<string, unknown>][] => [['losses', tf.losses], ['metrics', tf.metrics]];

/** A configuration without classes: what has a configuration of its own becomes its class name and that. */
function plain(value: unknown): unknown {
  if (typeof value === 'function') throw coded('argument', 'An optimizer whose learning rate is a function cannot be sent to a worker; use one of tf.train.schedules.');
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof tf.Serialized) return { className: value.getClassName(), config: plain(value.getConfig()) };
  if (value !== null && typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([key, v]) => [key, plain(v)]));
  return value;
}

/** What a model was compiled with; null where it was not. */
export function readCompiled(model: tf.LayersModel, functions: Functions): Compiled | null {
  const { optimizer, compileArgs } = model;
  if (optimizer === null || compileArgs === null) return null;
  const names = new Map<unknown, string>(Object.entries(functions).map(([name, f]) => [f, name]));
  for (const [table, members] of tables()) for (const [name, f] of Object.entries(members)) names.set(f, `${table}.${name}`);
  const term = (value: unknown): Term => {
    if (value === undefined || value === null) return null;
    if (typeof value === 'string') return { name: value };
    if (Array.isArray(value)) return { list: value.map(term) };
    if (value instanceof tf.metrics.Metric) return { metric: value.getClassName(), config: value.getConfig() };
    if (Object.getPrototypeOf(value) === Object.prototype) return { entries: Object.entries(value).map(([output, v]) => [output, term(v)]) };
    const name = names.get(value) ?? (typeof value === 'function' ? value.name : '');
    if (name === '') throw coded('argument', 'A loss or metric that is no named function cannot be sent to a worker: give it a name in { functions }, and have a module export it under that name.');
    return { function: name };
  };
  return {
    optimizer: {
      className: optimizer.getClassName(),
      config: plain(optimizer.getConfig()) as object,
      factors: model.orderedWeights.map((w) => optimizer.extras?.factor(w.variable.name) ?? 1),
    },
    loss: term(compileArgs.loss),
    metrics: term(compileArgs.metrics),
    weightedMetrics: term(compileArgs.weightedMetrics),
    lossWeights: compileArgs.lossWeights,
  };
}

/** A metric with a state, of the package or of a registered class. */
function metricOf(className: string, config: object): unknown {
  const cls = (tf.metrics as Record<string, any>)[className] ?? tf.serialization.SerializationMap.getMap().classNameMap[className]?.[0];
  if (cls === undefined) throw coded('argument', `The worker has no metric '${className}': a module of { modules } registers its class with tf.serialization.registerClass.`);
  return cls.fromConfig === undefined ? new cls(config) : cls.fromConfig(cls, config);
}

/** Compiles a model as another is. */
export function compile(model: tf.LayersModel, { optimizer: stored, loss, metrics, weightedMetrics, lossWeights }: Compiled, functions: Functions): void {
  const found: Functions = Object.fromEntries(tables().flatMap(([table, members]) => Object.entries(members).map(([name, f]) => [`${table}.${name}`, f])));
  const resolve = (term: Term): any => {
    if (term === null) return undefined;
    if ('name' in term) return term.name;
    if ('metric' in term) return metricOf(term.metric, term.config);
    if ('list' in term) return term.list.map(resolve);
    if ('entries' in term) return Object.fromEntries(term.entries.map(([output, t]) => [output, resolve(t)]));
    const f = found[term.function] ?? functions[term.function];
    if (typeof f !== 'function') throw coded('argument', `The worker has no loss or metric '${term.function}'. It finds a function that a module of { modules } exports under that name.`);
    return f;
  };
  const optimizer = tf.train.deserialize(stored.className, stored.config as Record<string, unknown>);
  if (stored.factors.some((f) => f !== 1)) {
    const rateMultipliers = Object.fromEntries(model.orderedWeights.map((w, i) => [w.variable.name, stored.factors[i] ?? 1]));
    tf.train.withOptions(optimizer, { ...stored.config, rateMultipliers });
  }
  model.optimizer?.dispose();
  model.compile({ optimizer, loss: resolve(loss), metrics: resolve(metrics), weightedMetrics: resolve(weightedMetrics), lossWeights });
}
