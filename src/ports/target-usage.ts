/** Memory and CPU of a target, wherever they are to be had. */
import type { TargetId } from "../core/target.ts";
import type { Usage } from "./processes.ts";

export type TargetUsageAnswer =
  | { readonly kind: "usage"; readonly usage: Usage }
  /** It has a process of ours, and that is not running. */
  | { readonly kind: "gone"; readonly detail: string }
  /** Nothing here measures this target. */
  | { readonly kind: "none"; readonly detail: string };

export interface TargetUsage {
  /** Never rejects. */
  read(target: TargetId): Promise<TargetUsageAnswer>;
}
