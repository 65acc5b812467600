// Runs a bundle of tests on `globalThis.tf`, in Node or in a page, and reports `{name, status, why}` of each.

/** Puts jasmine's functions in the global scope and returns what runs the tests declared since. */
export function prepare(jasmineRequire) {
  const jasmine = jasmineRequire.core(jasmineRequire);
  const env = jasmine.getEnv();
  Object.assign(globalThis, jasmineRequire.interface(jasmine, env), { jasmine });
  env.configure({ random: false });
  return async () => {
    const specs = [];
    env.addReporter({
      specDone({ fullName, status, failedExpectations }) {
        if (fullName.endsWith('__loads')) return;
        specs.push({ name: fullName, status, why: failedExpectations[0]?.message.slice(0, 300) ?? '' });
        globalThis.onSpec?.(specs.length);
      },
    });
    await env.execute();
    return specs;
  };
}
