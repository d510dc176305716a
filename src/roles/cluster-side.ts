/** What a leader's shift has of its cluster, beside what every shift has. */
import type { FenceAnswer } from "../engine/act.ts";
import type { Ms } from "../core/time.ts";
import type { ClaimBook } from "../ports/claim-book.ts";
import type { Cluster } from "../ports/cluster.ts";
import type { Listeners } from "./listeners.ts";
import type { PodWatch } from "./pod-watch.ts";
import type { Sitting } from "./sitting.ts";

export type ClusterSide = {
  readonly cluster: Cluster;
  /** null: no target is pods. */
  readonly pods: PodWatch | null;
  /** Loaded. */
  readonly claims: ClaimBook;
  /** Still the leader, renewed a moment ago, and seeing. */
  readonly mayAct: () => FenceAnswer;
  /** Which right a policy's recovery lacks now; null: none, as far as is known. */
  readonly missing: (policy: string) => string | null;
  /** Looks for this long before it acts. */
  readonly watchFirst: Ms;
  /** The listeners are open already, and stay; closing what is given here only leaves the seat. */
  readonly listeners: (sitting: Sitting) => Listeners;
};
