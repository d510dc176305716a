/** How busy our own event loop is: what it delays must not be blamed on a target. */
import type { Ms } from "../core/time.ts";

export interface OwnLoad {
  /** Time the loop has spent running code since the process began; never decreases. */
  busyMs(): Ms;
}
