/** The OwnLoad port on the idle time of Node's event loop, which costs no timer. */
import { performance } from "node:perf_hooks";
import type { OwnLoad } from "../ports/own-load.ts";

/** As `eventLoopUtilization().active`, without the objects that makes: it is asked twice a look. */
export function createEventLoopLoad(): OwnLoad {
  const { nodeTiming } = performance;
  let began = -1;
  return {
    busyMs: () => {
      // -1 until the loop has started.
      if (began < 0) began = nodeTiming.loopStart;
      return began < 0 ? 0 : performance.now() - began - nodeTiming.idleTime;
    },
  };
}
