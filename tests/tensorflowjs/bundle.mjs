// The tests that @tensorflow/tfjs-core ships, bundled with every import of the library itself replaced by this package's
// exports: they judge the public API and nothing inside it.
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-core/package.json')), 'dist');

/** Modules of the library, by where a package offers what they export. */
const PLACES = {
  tf: [
    'index', 'ops/ops', 'tensor', 'environment', 'ops/tensor1d', 'ops/tensor2d', 'ops/tensor3d', 'ops/scalar', 'ops/gather_nd', 'ops/ensure_shape',
    'ops/bitwise_and', 'backends/backend', 'optimizers/optimizer', 'optimizers/sgd_optimizer', 'types', 'ops/operation',
  ],
  '{ ...tf.util, ...tf.tensor_util }': ['util', 'tensor_util', 'tensor_util_env'],
  '{ ...tf.backend_util, ...tf.slice_util }': [
    'ops/reduce_util', 'ops/axis_util', 'ops/broadcast_util', 'ops/conv_util', 'ops/concat_util', 'ops/slice_util', 'ops/selu_util',
    'backends/complex_util', 'backends/non_max_suppression_util',
  ],
  'tf.io': ['io/composite_array_buffer', 'io/io_utils', 'io/http', 'io/router_registry'],
  '{ ...tf, ...tf.serialization }': ['serialization'],
  'tf.device_util': ['device_util'],
  '{ ENGINE: tf.engine(), Engine: tf.engine().constructor }': ['engine'],
  'tf.test_util': ['test_util'],
};

/** What stands in for a module, or undefined where it is the tests' own. */
function standIn(module) {
  if (module === 'jasmine_util') return `module.exports = require(${JSON.stringify(join(here, 'environment.cjs'))});`;
  const place = Object.keys(PLACES).find((key) => PLACES[key].includes(module));
  return place && `const tf = globalThis.tf; module.exports = ${place};`;
}

/** A script that declares every test whose path contains `pattern`, for `globalThis.tf`. */
export async function bundle(platform, pattern = '') {
  const tests = readdirSync(root, { recursive: true }).map(String).filter((file) => file.endsWith('_test.js') && file.includes(pattern)).sort();
  const entry = tests.map((test) => `describe('@@${test.slice(0, -3)}@@', () => { it('__loads', () => {}); require(${JSON.stringify(join(root, test))}); });`);
  const { outputFiles } = await build({
    stdin: { contents: entry.join('\n'), resolveDir: here },
    bundle: true,
    write: false,
    platform,
    format: 'iife',
    ignoreAnnotations: true,
    mainFields: ['module', 'main'],
    external: ['*.node.js', '@tensorflow/tfjs'],
    logLevel: 'error',
    define: platform === 'browser' ? { global: 'globalThis' } : {},
    plugins: [{
      name: 'stand-ins',
      setup(build) {
        build.onResolve({ filter: /^\./ }, ({ importer, path }) => {
          if (!importer.startsWith(root) || !/(_test|image_test_util|rand_util)\.js$/.test(importer)) return undefined;
          const module = relative(root, resolve(dirname(importer), path));
          return standIn(module) === undefined ? undefined : { path: module, namespace: 'stand-in' };
        });
        build.onLoad({ filter: /.*/, namespace: 'stand-in' }, ({ path }) => ({ contents: standIn(path), resolveDir: here }));
      },
    }],
  });
  return outputFiles[0].text;
}
