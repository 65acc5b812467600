/** Timestamps of compute passes. */

import type { PassTimer } from './gpu-host.js';

/** Passes of one query set, which holds at most 4,096 queries. */
const PASSES = 2048;
/** GPUBufferUsage. */
const USAGE = { MAP_READ: 0x1, COPY_SRC: 0x4, COPY_DST: 0x8, QUERY_RESOLVE: 0x200 };

/** Times so many passes of one submission. */
export function passTimer(device: GPUDevice, passes: number): PassTimer {
  const sets: GPUQuerySet[] = [];
  for (let first = 0; first < passes; first += PASSES) {
    sets.push(device.createQuerySet({ type: 'timestamp', count: 2 * Math.min(passes - first, PASSES) }));
  }
  const staging = device.createBuffer({ size: passes * 16, usage: USAGE.MAP_READ | USAGE.COPY_DST });
  const resolved: GPUBuffer[] = [];
  return {
    writes: (n) => ({
      querySet: sets[Math.floor(n / PASSES)] as GPUQuerySet,
      beginningOfPassWriteIndex: 2 * (n % PASSES),
      endOfPassWriteIndex: 2 * (n % PASSES) + 1,
    }),
    resolve(encoder) {
      sets.forEach((set, i) => {
        const buffer = device.createBuffer({ size: set.count * 8, usage: USAGE.QUERY_RESOLVE | USAGE.COPY_SRC });
        resolved.push(buffer);
        encoder.resolveQuerySet(set, 0, set.count, buffer, 0);
        encoder.copyBufferToBuffer(buffer, 0, staging, i * PASSES * 16, set.count * 8);
      });
    },
    async read() {
      try {
        await staging.mapAsync(1 /* GPUMapMode.READ */);
        return Float64Array.from(new BigUint64Array(staging.getMappedRange()), (nanoseconds) => Number(nanoseconds) / 1e6);
      } finally {
        [staging, ...resolved].forEach((buffer) => buffer.destroy());
        sets.forEach((set) => set.destroy());
      }
    },
  };
}
