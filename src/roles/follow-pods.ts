/** An engine whose targets are pods, kept in step with the cluster. */
import type { BreakerView } from "../core/breaker.ts";
import type { Evidence } from "../core/evidence.ts";
import type { Roster } from "../core/roster.ts";
import type { SidecarReport } from "../core/sidecar-report.ts";
import type { TargetId } from "../core/target.ts";
import type { Engine } from "../engine/engine.ts";
import type { PodWatch } from "./pod-watch.ts";
import type { Probing } from "./probing.ts";

/** What else passes a pod's gateway is not told here. */
const NOT_TOLD: Omit<Evidence, "copies" | "lastGoodAt"> = { lastFailedAt: null, succeeded: 0, failed: 0, inFlight: 0, oldestInFlightMs: 0 };

/** The Storefront API's breaker as most sidecars have it, since each has one of its own; none where they tell of none. */
export function storefrontBreaker(reports: readonly SidecarReport[]): readonly BreakerView[] {
  const told = reports.flatMap(({ breakers }) => breakers.filter(({ name }) => name === "egress:storefront"));
  const open = told.filter(({ state }) => state !== "closed");
  if (told.length === 0) return [];
  const position = open.length * 2 >= told.length ? "open" : "closed";
  const since = Math.min(...(position === "open" ? open : told).map((one) => one.since));
  return [{ name: "egress:storefront", effective: position, own: position, since, hold: null }];
}

/** Of each pod the engine knows the copies it holds, when its gateway last saw a good page, and how often the kubelet restarted it; of one that is gone nothing is kept. */
export function followPods(pods: Pick<PodWatch, "roster" | "follow" | "bornAt" | "restartedAt">, engine: Engine, { sidecars }: Pick<Probing, "sidecars">): void {
  let known: ReadonlySet<TargetId> = new Set();
  const take = ({ targets }: Roster): void => {
    const now = new Set(targets.flatMap(({ id, kind }) => (kind === "pod" ? [id] : [])));
    for (const id of now) {
      if (known.has(id)) continue;
      engine.evidenceFrom(id, () => ({ ...NOT_TOLD, lastGoodAt: sidecars?.lastGoodAt(id) ?? null, copies: sidecars?.last(id)?.copies ?? 0, restartedAt: pods.restartedAt(id) }));
      engine.processStarted(id, pods.bornAt(id) ?? Number.NEGATIVE_INFINITY);
    }
    known = now;
    sidecars?.retain(now);
  };
  // Pods may have come and gone since the engine was made.
  engine.enrol(pods.roster());
  take(pods.roster());
  engine.breakersFrom(() => storefrontBreaker([...known].flatMap((id) => sidecars?.last(id) ?? [])));
  pods.follow((roster) => {
    engine.enrol(roster);
    take(roster);
  });
}
