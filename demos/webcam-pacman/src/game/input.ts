import type { Direction } from './direction.js';

const ARROWS: Readonly<Record<string, Direction>> = {
  ArrowUp: 'up',
  ArrowDown: 'down',
  ArrowLeft: 'left',
  ArrowRight: 'right',
};

/** A swipe shorter than this many CSS pixels is a tap. */
const SWIPE_PIXELS = 24;

/** Whether arrow keys mean something to the focused element itself. */
const usesArrows = (target: EventTarget | null): boolean =>
  target instanceof HTMLInputElement || target instanceof HTMLSelectElement;

/**
 * Calls `steer` for arrow keys pressed while `active()` holds, and for swipes over `surface`.
 */
export function listenForSteering(
  surface: HTMLElement,
  active: () => boolean,
  steer: (direction: Direction) => void,
): void {
  document.addEventListener('keydown', (event) => {
    const direction = ARROWS[event.key];
    if (direction === undefined || !active() || usesArrows(event.target)) return;
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    steer(direction);
  });

  let from: { x: number; y: number } | null = null;
  surface.addEventListener('pointerdown', (event) => {
    from = { x: event.clientX, y: event.clientY };
  });
  surface.addEventListener('pointermove', (event) => {
    if (from === null || !active()) return;
    const dx = event.clientX - from.x;
    const dy = event.clientY - from.y;
    if (Math.hypot(dx, dy) < SWIPE_PIXELS) return;
    if (Math.abs(dx) > Math.abs(dy)) steer(dx > 0 ? 'right' : 'left');
    else steer(dy > 0 ? 'down' : 'up');
    // A long swipe may turn the corner.
    from = { x: event.clientX, y: event.clientY };
  });
  for (const end of ['pointerup', 'pointercancel', 'pointerleave'] as const) {
    surface.addEventListener(end, () => {
      from = null;
    });
  }
}
