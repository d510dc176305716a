/** The OwnLoad port on Node's event loop utilisation, which costs no timer. */
import { performance } from "node:perf_hooks";
import type { OwnLoad } from "../ports/own-load.ts";

export function createEventLoopLoad(): OwnLoad {
  return { busyMs: () => performance.eventLoopUtilization().active };
}
