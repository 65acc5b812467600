// A page that runs the tests on an engine of the package.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { CANVASES, launch } from '../browser/lib/browser.mjs';
import { serve } from '../browser/lib/serve.mjs';

const require = createRequire(import.meta.url);

/** The specs of a bundle, run in headless Chromium on the engine `backend`. */
export async function inBrowser(code, backend, log = () => {}) {
  const [browser, site] = await Promise.all([launch(CANVASES), serve({ isolated: true })]);
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(1_400_000);
    page.on('pageerror', (error) => log(`page: ${error.message.slice(0, 200)}`));
    await page.goto(`${site.origin}tests/tensorflowjs/page.html`);
    await page.evaluate(async (name) => {
      globalThis.tf = await import('/pkg/dist/index.js');
      globalThis.HEADWATER_BACKEND = name;
      globalThis.runner = await import('./run.mjs');
      if (!(await tf.setBackend(name))) throw new Error(tf.backendInfo().fallbackReason);
      // Read once while the flag stands: specs reset flags.
      tf.env().set('WEBGPU_CANVAS_ON_SOFTWARE', true);
      tf.tidy(() => tf.ones([2]).mul(2).dataSync());
    }, backend);
    await page.addScriptTag({ content: `var module = undefined;\n${readFileSync(require.resolve('jasmine-core/lib/jasmine-core/jasmine.js'), 'utf8')}` });
    await page.evaluate(() => {
      globalThis.run = globalThis.runner.prepare(globalThis.getJasmineRequireObj());
    });
    await page.addScriptTag({ content: code });
    return await page.evaluate(() => globalThis.run());
  } finally {
    await browser.close();
    site.close();
  }
}
