// One open page for each column.
import { within } from './browser.mjs';
import { addressOf } from './columns.mjs';

const PATIENCE = 120;

export class Pages {
  #browser;
  #settings;
  #pages = new Map();
  #failures = new Map();

  /** @param {{origin: string, threads: number}} settings */
  constructor(browser, settings) {
    this.#browser = browser;
    this.#settings = settings;
  }

  /** Calls a method of www/session.js with the parameters in a column's page; a page that does not answer is closed. */
  async call(column, method, ...parameters) {
    const page = await this.#open(column);
    const call = page.evaluate(([name, values]) => window.bench.call(name, values), [method, parameters]);
    try {
      return await within(PATIENCE, call, `${column} ${method}`);
    } catch (error) {
      if (/nothing after/.test(error.message)) await this.close(column);
      throw error;
    }
  }

  async close(column) {
    await this.#pages.get(column)?.close();
    this.#pages.delete(column);
  }

  async #open(column) {
    if (this.#failures.has(column)) throw this.#failures.get(column);
    try {
      return this.#pages.get(column) ?? (await this.#start(column));
    } catch (error) {
      // A library that does not start is not tried again for every row.
      this.#failures.set(column, error);
      throw error;
    }
  }

  async #start(column) {
    const page = await this.#browser.newPage();
    this.#pages.set(column, page);
    await page.goto(addressOf(this.#settings.origin, column, this.#settings.threads));
    await page.waitForFunction(() => window.bench !== undefined || window.failure !== undefined, null, { timeout: PATIENCE * 1000 });
    const failure = await page.evaluate(() => window.failure);
    if (failure !== undefined) throw new Error(failure);
    return page;
  }
}
