// Stands in for TensorFlow.js's jasmine_util: one environment, the package under test.
const { tf } = globalThis;
const env = { name: 'ours', backendName: globalThis.HEADWATER_BACKEND, isDataSync: true };
const never = { predicate: () => false };
const always = { predicate: () => true };

module.exports = {
  ALL_ENVS: {},
  NODE_ENVS: always,
  HAS_NODE_WORKER: always,
  CHROME_ENVS: never,
  BROWSER_ENVS: never,
  HAS_WORKER: never,
  SYNC_BACKEND_ENVS: { predicate: (e) => e.isDataSync === true },
  TEST_ENVS: [env],
  setTestEnvs() {},
  setupTestFilters() {},
  runWithLock: (f) => f,
  TestKernelBackend: class extends tf.KernelBackend {
    dispose() {}
  },
  describeWithFlags(name, constraints, tests) {
    if (constraints?.predicate && !constraints.predicate(env)) return;
    describe(`${name} ${env.name} {}`, () => {
      beforeAll(async () => {
        tf.engine().reset();
        tf.env().set('IS_TEST', true);
        await tf.setBackend(env.backendName);
      });
      beforeEach(() => tf.engine().startScope());
      afterEach(() => {
        tf.engine().endScope();
        tf.disposeVariables();
      });
      afterAll(() => tf.engine().reset());
      tests(env);
    });
  },
};
