// One column at work: loads its library and does what the tables ask for, in a page or in a worker.
//
// An adapter exports
//   start(options)   -> a line about what was started
//   kernel(name)     -> {run(count), check(), dispose()}      `run` resolves to milliseconds a call
//   model()          -> the same; every run reads its result
//   training(name, network) -> {step(), dispose()}            a step resolves to the loss once it is done
// and leaves out what its library cannot do.
import { NETWORKS } from './networks/list.js';

/** @returns {Promise<Record<string, Function>>} what the tables call */
export async function open(options) {
  let current = null;
  let training = null;
  const adapter = await import(`/bench/.build/adapters/${options.library}.js`);
  const info = await adapter.start({ ...options, threads: Number(options.threads ?? 1) });

  function supported(name) {
    if (adapter[name] === undefined) throw new Error(`unsupported: ${options.library} has no ${name} here`);
    return adapter[name];
  }

  /** Prepares, and times the first result. */
  async function prepare(make) {
    const start = performance.now();
    current = await make();
    const ready = performance.now();
    const check = await current.check();
    return { load: ready - start, first: performance.now() - ready, check };
  }

  return {
    describe: () => info,
    prepareKernel: (name) => prepare(() => supported('kernel')(name)),
    prepareModel: () => prepare(() => supported('model')()),
    run: (count) => current.run(count),
    async dispose() {
      await current?.dispose();
      current = null;
    },
    async startTraining(name) {
      training = await supported('training')(name, NETWORKS[name]);
    },
    async train(steps) {
      const start = performance.now();
      let loss;
      for (let step = 0; step < steps; step++) loss = await training.step();
      return { ms: (performance.now() - start) / steps, loss };
    },
    async endTraining() {
      training?.dispose();
      training = null;
    },
  };
}
