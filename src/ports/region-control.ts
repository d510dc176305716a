/** What may be asked of a daemon about regions: where buyers are led and why, and to carry out a person's orders. */
import type { RegionName } from "../core/region/region.ts";
import type { RegionsView } from "../core/region/view.ts";
import type { Order, OrderResult } from "./control.ts";

export interface RegionControl {
  view(): RegionsView;
  /**
   * Leads buyers to a region; `to` null: back to the preferred one. Carried out by the daemon of that region alone. Ignores
   * mode, block, votes and veto; never whether the region could serve. `would` names the exact calls.
   */
  failover(order: Order & { readonly to: RegionName | null }): Promise<OrderResult>;
  /** Puts this site's mark beside entries that bear none, so that they may be changed from then on. */
  adopt(order: Order): Promise<OrderResult>;
  /** Lifts the pause between two flips, and says that a person has looked. */
  acknowledge(order: Order): Promise<OrderResult>;
  /** Leads the shadow record to a region. */
  rehearse(order: Order & { readonly to: RegionName }): Promise<RehearsalResult>;
}

/** `value`: what resolvers answer with from then on, where the record is not proxied; null: they answer as before. */
export type Rehearsal = { readonly kind: "done"; readonly name: string; readonly type: string; readonly from: RegionName | null; readonly to: RegionName; readonly value: string | null; readonly tookMs: number };
export type RehearsalResult = Rehearsal | Exclude<OrderResult, { readonly kind: "done" }>;
