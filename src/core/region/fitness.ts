/**
 * May buyers be led to this region? Asked of one's own, and of another by what its daemon reports.
 *
 * `unknown` is not healthy here: nobody is led to where nobody looked. What is degraded still serves, and a parity that
 * failed is doubt, not an outage: both block while the primary still answers anybody, and only warn once it is wholly down.
 */
import type { SiteStatus } from "../status.ts";
import type { OutsideVerdict } from "./outside.ts";
import type { RegionSpec } from "./region.ts";

/** What the verifier proved of the region: that it answers as the primary does. `not_measured` where none runs. */
export type Parity = "proven" | "failed" | "not_measured";

/** A region as its own daemon knows it. */
export type OwnState = {
  /** Of its own checks. */
  readonly status: SiteStatus;
  /** Its application and its Storefront API checks are healthy: it could sell. */
  readonly selling: boolean;
  /** Pods ready to serve. */
  readonly ready: number;
  readonly parity: Parity;
  /** Why it gives itself up; null: it does not. */
  readonly givesUp: string | null;
};

/** `unfit_unseen`: nobody knows yet, as when a daemon has just begun to lead. */
export type UnfitCode = "unfit_unseen" | "unfit_checks" | "unfit_path" | "unfit_degraded" | "unfit_capacity" | "unfit_parity" | "unfit_gave_up";

export type Doubt = { readonly code: UnfitCode; readonly text: string };

export type Fitness = { readonly fit: boolean; readonly blocks: readonly Doubt[]; readonly warns: readonly Doubt[] };

export type Asked = {
  /** What the region's own probe sees of its own public path. */
  readonly outside: OutsideVerdict;
  /** As of the incident's start: later traffic is an outage's. */
  readonly parity: Parity;
  /** The primary serves nobody, by the observers. */
  readonly wholeDown: boolean;
};

export function fitnessOf(spec: RegionSpec, own: OwnState, { outside, parity, wholeDown }: Asked): Fitness {
  const blocks: Doubt[] = [];
  const doubts: Doubt[] = [];
  const isSeen = own.status !== "unknown";
  if (!isSeen) blocks.push({ code: "unfit_unseen", text: `${spec.name} is not known yet by its own checks: ${own.ready} pods are seen to be ready, and it needs ${spec.floor}` });
  else if (own.status === "unhealthy" || !own.selling) blocks.push({ code: "unfit_checks", text: `${spec.name} is ${own.selling ? own.status : "not able to sell"} by its own checks` });
  if (outside !== "up") blocks.push({ code: outside === "unknown" ? "unfit_unseen" : "unfit_path", text: `${spec.name} is ${outside} from outside by its own probe` });
  if (own.givesUp !== null) blocks.push({ code: "unfit_gave_up", text: `${spec.name} has given itself up: ${own.givesUp}` });
  if (isSeen && own.ready < spec.floor) blocks.push({ code: "unfit_capacity", text: `${spec.name} has ${own.ready} pods ready and needs ${spec.floor}` });
  if (own.status === "degraded") doubts.push({ code: "unfit_degraded", text: `${spec.name} is degraded by its own checks` });
  if (parity === "failed") doubts.push({ code: "unfit_parity", text: `${spec.name} did not answer as the primary does when the incident began` });
  if (!wholeDown) blocks.push(...doubts);
  return { fit: blocks.length === 0, blocks, warns: wholeDown ? doubts : [] };
}
