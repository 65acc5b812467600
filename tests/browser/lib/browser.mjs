// A headless browser with WebGPU on a software device, and what else `extra` asks for.
import { chromium } from 'playwright-core';

/** What canvases of WebGPU need on a software device, and so reading it at once: by default, Chromium draws pages on another
 *  device, and its GPU process ends where a page uses such a canvas. */
export const CANVASES = ['--enable-features=Vulkan', '--use-vulkan=swiftshader', '--use-angle=swiftshader'];

export function launch(extra = []) {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--enable-unsafe-webgpu',
      '--use-webgpu-adapter=swiftshader',
      '--ignore-gpu-blocklist',
      ...extra,
    ],
  });
}

/** Opens `path`, waits for `window.report`, and fails with what the page failed with. */
export async function reportOf(browser, address, patience = 60_000) {
  const page = await browser.newPage();
  const errors = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  try {
    await page.goto(address);
    const handle = await page.waitForFunction(() => window.report, null, { timeout: patience }).catch((error) => {
      throw new Error(`${address}: ${errors.join('; ') || error.message}`);
    });
    const report = await handle.jsonValue();
    if (report.failure !== undefined) throw new Error(`${address}: ${report.failure}`);
    return report;
  } finally {
    await page.close();
  }
}
