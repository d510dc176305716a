/**
 * Can this instance serve buyers? Not when nothing listens, and not when its application is
 * down and there is no copy to serve instead.
 */
import type { Evidence } from "../core/evidence.ts";
import type { Snapshot } from "../core/snapshot.ts";
import type { Readiness } from "../server/health-listener.ts";

/**
 * @param ingressPort null: no gateway runs here, so the application itself is what is ready.
 */
export function readinessOf(snapshot: Snapshot, started: boolean, ingressPort: number | null, evidence: Evidence | null): Readiness {
  if (!started) return { ready: false, reason: "starting" };
  const well = snapshot.status !== "unhealthy";
  if (ingressPort === null) return { ready: well, reason: `the site is ${snapshot.status}` };
  if (well) return { ready: true, reason: `the gateway listens and the site is ${snapshot.status}` };
  const copies = evidence?.copies ?? 0;
  return copies > 0 ? { ready: true, reason: `the site is unhealthy; ${copies} stored pages are served` } : { ready: false, reason: "the site is unhealthy and there is no stored page to serve" };
}
