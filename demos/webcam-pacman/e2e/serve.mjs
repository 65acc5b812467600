// A static file server for the built page, with the headers that allow threads (COOP and COEP).
//   node e2e/serve.mjs [folder] [port]        PLAIN=1 leaves the headers out.
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
};

/**
 * Serves `root` on this machine only.
 *
 * @param {string} root folder with the built page
 * @param {{port?: number, isolated?: boolean}} [options] port 0 takes a free one
 * @returns {Promise<{url: string, close: () => void}>}
 */
export async function serve(root, { port = 0, isolated = true } = {}) {
  const server = createServer(async (request, response) => {
    try {
      const { pathname } = new URL(request.url ?? '/', 'http://localhost');
      let file = normalize(join(root, decodeURIComponent(pathname)));
      if (file !== root && !file.startsWith(root + sep)) throw new Error('outside');
      if ((await stat(file)).isDirectory()) file = join(file, 'index.html');
      const { size } = await stat(file);
      response.writeHead(200, {
        'content-type': TYPES[extname(file)] ?? 'application/octet-stream',
        'content-length': size,
        ...(isolated && {
          'cross-origin-opener-policy': 'same-origin',
          'cross-origin-embedder-policy': 'require-corp',
        }),
      });
      createReadStream(file).pipe(response);
    } catch {
      response.writeHead(404).end('not found');
    }
  });
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  const address = server.address();
  return { url: `http://127.0.0.1:${address.port}/`, close: () => server.close() };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = normalize(join(process.cwd(), process.argv[2] ?? 'dist'));
  const { url } = await serve(root, {
    port: Number(process.argv[3] ?? 8080),
    isolated: process.env.PLAIN !== '1',
  });
  console.log(`Serving ${root} at ${url}`);
}
