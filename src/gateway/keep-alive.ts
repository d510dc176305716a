import type { Ms } from "../core/time.ts";

/** How long an idle connection of a buyer is kept: above the 60 s that load balancers keep theirs, so that they close first. */
export const KEEP_ALIVE: Ms = 75_000;
