/** An engine whose targets are pods, kept in step with the cluster. */
import type { Evidence } from "../core/evidence.ts";
import type { Roster } from "../core/roster.ts";
import type { TargetId } from "../core/target.ts";
import type { Engine } from "../engine/engine.ts";
import type { PodWatch } from "./pod-watch.ts";
import type { Probing } from "./probing.ts";

/** What passes a pod's gateway is not told here. */
const NOTHING_SEEN: Omit<Evidence, "copies"> = { lastGoodAt: null, lastFailedAt: null, succeeded: 0, failed: 0, inFlight: 0, oldestInFlightMs: 0 };

/** Of each pod the engine knows the copies it holds; of one that is gone nothing is kept. */
export function followPods(pods: PodWatch, engine: Engine, { sidecars }: Probing): void {
  let known: ReadonlySet<TargetId> = new Set();
  const take = ({ targets }: Roster): void => {
    const now = new Set(targets.flatMap(({ id, kind }) => (kind === "pod" ? [id] : [])));
    for (const id of now) if (!known.has(id)) engine.evidenceFrom(id, () => ({ ...NOTHING_SEEN, copies: sidecars?.last(id)?.copies ?? 0 }));
    known = now;
    sidecars?.retain(now);
  };
  take(pods.roster());
  // Of those that come while it looks the engine knows when; of these only their nodes do.
  for (const id of known) engine.processStarted(id, pods.bornAt(id) ?? Number.NEGATIVE_INFINITY);
  pods.follow((roster) => {
    engine.enrol(roster);
    take(roster);
  });
}
