/**
 * A region as its own checks know it: whether it could sell, with how many instances, and whether it gives itself up.
 */
import type { Snapshot } from "../snapshot.ts";
import type { Instant, Ms } from "../time.ts";
import type { OwnState, Parity } from "./fitness.ts";

/** The checks whose health is selling: the application's own answer, and the API it sells through. */
const APPLICATION = "application";
const STOREFRONT_API = "shopify_api";

/** Nobody serves for this long before a region gives itself up: the pods of a rollout change places within it. */
export const GIVES_UP_AFTER: Ms = 5_000;

/**
 * @param emptySince since when no instance has been there at all; null: there are some, or nobody can see.
 */
export function ownStateOf(snapshot: Pick<Snapshot, "status" | "looks" | "targets">, parity: Parity, emptySince: Instant | null, now: Instant): OwnState {
  const instances = new Set(snapshot.targets.filter(({ kind }) => kind !== "workload").map(({ id }) => id));
  const healthy = snapshot.looks.filter((look) => look.check === APPLICATION && look.inactive === null && look.verdict === "healthy" && instances.has(look.target));
  const api = snapshot.looks.filter((look) => look.check === STOREFRONT_API && look.inactive === null);
  const ready = new Set(healthy.map(({ target }) => target)).size;
  const empty = emptySince !== null && now - emptySince >= GIVES_UP_AFTER;
  return {
    status: snapshot.status,
    selling: ready > 0 && api.every((look) => look.verdict === "healthy" || look.verdict === "degraded"),
    ready,
    parity,
    givesUp: empty ? "it has no instance left" : null,
  };
}
