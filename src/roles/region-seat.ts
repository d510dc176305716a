/** Who answers for regions: people, other regions, and whoever steers traffic by this one's health. */
import type { RegionAnswer, RegionQuestion } from "../core/region/exchange.ts";
import type { RegionControl } from "../ports/region-control.ts";

export type RegionSeat = {
  /** null: of a witness, which leads nobody. */
  readonly control: RegionControl | null;
  /** To a signed question. */
  readonly answer: (question: RegionQuestion) => RegionAnswer;
  /** Why buyers should be led elsewhere, for whoever steers them by this region's health; null: it serves. */
  readonly lost: () => string | null;
};
