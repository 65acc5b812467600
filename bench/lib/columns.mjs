// The columns of the tables: to add a library, write www/adapters/<library>.js and its lines here.
//
// `group`: what is compared with what; ratios are taken within a group. T is the number of threads that --threads says.

const column = (library, backend, group, worker = false) => ({ library, backend, group, worker });

export const COLUMNS = {
  'headwater-1': column('headwater', 'cpu', 'one thread'),
  // Its threads need a worker: a page may not wait for them.
  'headwater-T': column('headwater', 'cpu', 'threads', true),
  'headwater-webgpu': column('headwater', 'webgpu', 'webgpu'),
  'tfjs-1': column('tfjs', 'wasm', 'one thread'),
  'tfjs-T': column('tfjs', 'wasm', 'threads'),
  'tfjs-js': column('tfjs', 'cpu', 'one thread'),
  'tfjs-webgl': column('tfjs', 'webgl', 'webgpu'),
  'tfjs-webgpu': column('tfjs', 'webgpu', 'webgpu'),
  'ort-1': column('ort', 'wasm', 'one thread'),
  'ort-T': column('ort', 'wasm', 'threads'),
  'ort-webgpu': column('ort', 'webgpu', 'webgpu'),
  'litert-1': column('litert', 'wasm', 'one thread'),
  'litert-T': column('litert', 'wasm', 'threads'),
  'litert-webgpu': column('litert', 'webgpu', 'webgpu'),
  'jax-1': column('jax', 'wasm', 'one thread'),
  'jax-T': column('jax', 'wasm', 'threads'),
  'jax-webgpu': column('jax', 'webgpu', 'webgpu'),
};

/** The address of a column's page. */
export function addressOf(origin, name, threads) {
  const { library, backend, group, worker } = COLUMNS[name];
  const query = new URLSearchParams({
    library,
    backend,
    threads: String(group === 'threads' ? threads : 1),
    worker: String(worker),
  });
  return `${origin}bench/www/bench.html?${query}`;
}
