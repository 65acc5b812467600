/** Events of a page's loading, which does not wait for modules that await. */

/** A page's `addEventListener`, as far as it matters here. */
type Listen = (this: EventTarget, type: string, listener: EventListenerOrEventListenerObject | null, options?: boolean | AddEventListenerOptions) => void;

/**
 * Waits, and then calls what the scripts that waited along set up for `DOMContentLoaded` and `load`, where these events passed meanwhile: scripts
 * that import the package can listen no earlier. What listened in time is not called again.
 */
export async function withPageEvents(wait: Promise<unknown>): Promise<void> {
  const page = globalThis.window as Window | undefined;
  const passed = new Map<string, Event>();
  const note = (event: Event): void => void passed.set(event.type, event);
  const types = ['DOMContentLoaded', 'load'];
  types.forEach((type) => page?.addEventListener(type, note));
  try {
    await wait;
  } finally {
    types.forEach((type) => page?.removeEventListener(type, note));
    if (page !== undefined && passed.size > 0) listenLate(page, passed);
  }
}

/** Until the scripts that import the package have run, which they do at once, new listeners hear of events that have passed. */
function listenLate(page: Window, passed: Map<string, Event>): void {
  const { onload } = page;
  const back = [page, page.document].map((target: EventTarget) => {
    const own = Object.hasOwn(target, 'addEventListener');
    const listen = target.addEventListener as Listen;
    target.addEventListener = function (this: EventTarget, ...args: Parameters<Listen>) {
      const [type, listener] = args;
      const event = passed.get(type);
      // Nothing loads at the document.
      if (event === undefined || listener === null || (type === 'load' && this === page.document)) return listen.apply(this ?? page, args);
      setTimeout(() => (typeof listener === 'function' ? listener.call(target, event) : listener.handleEvent(event)));
    } as Listen;
    return () => (own ? (target.addEventListener = listen) : delete (target as Partial<EventTarget>).addEventListener);
  });
  setTimeout(() => {
    back.forEach((restore) => restore());
    const event = passed.get('load');
    // After the listeners that were called before.
    if (event !== undefined && page.onload !== onload) setTimeout(() => page.onload?.(event));
  });
}
