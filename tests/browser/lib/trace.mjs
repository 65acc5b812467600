// What the main thread of a page was busy with, in processor time: it does not depend on what else the machine does.

const CATEGORIES = ['toplevel', 'devtools.timeline', 'disabled-by-default-devtools.timeline', 'blink.user_timing'];

/**
 * Opens `address`, waits for `window.report`, and gives it with the milliseconds of processor time of each task of the page's main thread within each of the
 * page's measures (`performance.measure`), by the measures' names.
 */
export async function traced(browser, address, patience = 60_000) {
  const page = await browser.newPage();
  const errors = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  try {
    await browser.startTracing(page, { categories: CATEGORIES });
    let report;
    let trace;
    try {
      await page.goto(address);
      const handle = await page.waitForFunction(() => window.report, null, { timeout: patience });
      report = await handle.jsonValue();
    } catch (error) {
      throw new Error(`${address}: ${errors.join('; ') || error.message}`);
    } finally {
      trace = await browser.stopTracing();
    }
    if (report.failure !== undefined) throw new Error(`${address}: ${report.failure}`);
    return { report, tasks: tasksOf(JSON.parse(trace.toString()).traceEvents) };
  } finally {
    await page.close();
  }
}

function tasksOf(events) {
  const tasks = {};
  for (const { name, ph, id2, cat, ts, pid, tid } of events) {
    if (ph !== 'b' || !cat.includes('user_timing')) continue;
    const end = events.find((e) => e.ph === 'e' && e.name === name && e.pid === pid && e.id2?.local === id2?.local)?.ts ?? Infinity;
    tasks[name] = events
      .filter((e) => e.ph === 'X' && e.name === 'RunTask' && e.pid === pid && e.tid === tid && e.ts + e.dur > ts && e.ts < end)
      // The shortest have none.
      .map(({ tdur = 0 }) => tdur / 1000);
  }
  return tasks;
}
