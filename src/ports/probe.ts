/** One kind of look at the world. `src/probes/index.ts` is the catalogue. */
import type { Observation } from "../core/observation.ts";
import type { Ms } from "../core/time.ts";
import type { Target } from "../core/target.ts";

/** What the engine hands a probe for one look. Settings were bound when the probe was prepared. */
export type Look = {
  readonly target: Target;
  readonly deadlineMs: Ms;
  /** Counts the looks of this check at this target from 0; every 10th uses a new connection. */
  readonly ordinal: number;
  readonly signal: AbortSignal;
};

/** A probe bound to its settings and ports. Never rejects: what breaks inside is an `unknown` observation. */
export interface PreparedProbe {
  run(look: Look): Promise<Observation>;
  close(): Promise<void>;
}
