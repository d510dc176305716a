/**
 * A region as its own checks know it: whether it could sell, with how many instances, and whether it gives itself up.
 *
 * The site's own status turns with the first sick pod. A region is well while enough of its instances are, and what they share is.
 */
import type { LookView, Snapshot } from "../snapshot.ts";
import type { SiteStatus } from "../status.ts";
import type { Instant, Ms } from "../time.ts";
import type { OwnState, Parity } from "./fitness.ts";

/** The checks whose health is selling: the application's own answer, and the API it sells through. */
const APPLICATION = "application";
const STOREFRONT_API = "shopify_api";

/** Nobody serves for this long before a region gives itself up: the pods of a rollout change places within it. */
export const GIVES_UP_AFTER: Ms = 5_000;

const serves = ({ verdict }: LookView): boolean => verdict === "healthy" || verdict === "degraded";

/**
 * @param floor instances that must serve.
 * @param emptySince since when no instance has been there at all; null: there are some, or nobody can see.
 */
export function ownStateOf(snapshot: Pick<Snapshot, "looks" | "targets">, floor: number, parity: Parity, emptySince: Instant | null, now: Instant): OwnState {
  const instances = new Set(snapshot.targets.filter(({ kind }) => kind !== "workload").map(({ id }) => id));
  const active = snapshot.looks.filter((look) => look.inactive === null);
  const applications = active.filter((look) => look.check === APPLICATION && instances.has(look.target));
  const ready = new Set(applications.filter(serves).map(({ target }) => target)).size;
  const shared = active.filter((look) => look.critical && !instances.has(look.target));
  return {
    status: worst([...shared.map(({ verdict }) => verdict), ofInstances(applications, ready, floor)]),
    selling: ready > 0 && active.filter((look) => look.check === STOREFRONT_API).every(serves),
    ready,
    parity,
    givesUp: emptySince !== null && now - emptySince >= GIVES_UP_AFTER ? "it has no instance left" : null,
  };
}

function ofInstances(applications: readonly LookView[], ready: number, floor: number): SiteStatus {
  if (ready >= floor) return "healthy";
  // A daemon that has just begun has not looked at all of them: those it does not know may be well.
  const unseen = applications.filter(({ verdict }) => verdict === "unknown").length;
  if (ready > 0) return ready + unseen >= floor ? "unknown" : "degraded";
  return applications.some(({ verdict }) => verdict === "unhealthy") || applications.length === 0 ? "unhealthy" : "unknown";
}

function worst(all: readonly SiteStatus[]): SiteStatus {
  return (["unhealthy", "unknown", "degraded"] as const).find((status) => all.includes(status)) ?? "healthy";
}
