/** What the sidecars of pods say of their pods. */
import type { FailCause } from "../core/observation.ts";
import type { SiblingWord } from "../core/reach.ts";
import type { SidecarReport } from "../core/sidecar-report.ts";
import type { TargetId } from "../core/target.ts";
import type { Instant, Ms } from "../core/time.ts";

type Common = { readonly at: Instant; readonly tookMs: Ms };

export type SidecarAnswer =
  | (Common & { readonly kind: "report"; readonly report: SidecarReport })
  /** It answered, but not what can be read: a wrong peer token, another program at its port. */
  | (Common & { readonly kind: "refused"; readonly why: string })
  /** `noNetwork`: our own network is missing, so this says nothing of the pod. */
  | (Common & { readonly kind: "failed"; readonly cause: FailCause; readonly noNetwork: boolean; readonly detail: string });

export interface Sidecars {
  /**
   * One answer serves all who ask within `maxAgeMs` of it, and all who ask while it is under way. Never rejects; ends by
   * `deadlineMs` of whoever asked first. `fresh`: on a new connection.
   *
   * @returns null: there is no sidecar at that target.
   */
  read(target: TargetId, how: { readonly maxAgeMs: Ms; readonly deadlineMs: Ms; readonly fresh: boolean }): Promise<SidecarAnswer> | null;
  /** The newest report, however old; null before the first. */
  last(target: TargetId): SidecarReport | null;
  /** What its siblings said of one that did not answer; they are asked when it fails to. null: nothing. */
  word(target: TargetId): SiblingWord | null;
}
