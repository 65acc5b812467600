// What the tests of a file share.
import { after } from 'node:test';
import { launch } from './browser.mjs';
import { serve } from './serve.mjs';

/** A browser, with what else `extra` asks for, and a server; both are gone after the last test of the file. */
export async function siteOf(extra) {
  const [browser, server] = await Promise.all([launch(extra), serve({ isolated: false })]);
  after(async () => {
    await browser.close();
    server.close();
  });
  return { browser, server };
}
