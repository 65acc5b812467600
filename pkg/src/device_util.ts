/** What is known of the device: `tf.device_util`. */

interface NavigatorLike {
  product?: string;
  userAgent?: string;
  vendor?: string;
  userAgentData?: { mobile?: boolean };
}

let mocked: boolean | undefined;

/** Has `isMobile` give an answer, until called with undefined. */
export function mockIsMobile(value?: boolean): void {
  mocked = value;
}

/** Whether this is a telephone or the like. */
export function isMobile(nav: NavigatorLike | undefined = (globalThis as { navigator?: NavigatorLike }).navigator): boolean {
  if (mocked !== undefined) return mocked;
  if (!nav) return false;
  if (nav.product === 'ReactNative') return true;
  const agent = nav.userAgent || nav.vendor;
  if (!agent) return nav.userAgentData?.mobile ?? false;
  return /android.+mobile|mobile.+firefox|ip(hone|od)|iemobile|windows (ce|phone)|blackberry|bb\d+.+mobile|kindle|silk|opera m(ob|in)i|palm|symbian|nokia|webos/i.test(agent);
}

/** Whether this runs in a page or in a worker of one. */
export const isBrowser = (): boolean =>
  typeof document !== 'undefined' || typeof (globalThis as { WorkerGlobalScope?: unknown }).WorkerGlobalScope !== 'undefined';
