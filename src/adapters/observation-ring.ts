/** Observations in memory: lossy, the newest kept. */
import type { ObservationRecord } from "../ports/ledger.ts";
import { MAX_WAITING_OBSERVATIONS } from "./ledger-bounds.ts";

export class ObservationRing {
  #seen: ObservationRecord[] = [];

  add(record: ObservationRecord): void {
    this.#seen.push(record);
    if (this.#seen.length > MAX_WAITING_OBSERVATIONS * 2) this.#seen = this.#seen.slice(-MAX_WAITING_OBSERVATIONS);
  }

  query({ since, check, limit = 10_000 }: { readonly since: number; readonly check?: string; readonly limit?: number }): readonly ObservationRecord[] {
    return this.#seen.filter((seen) => seen.at >= since && (check === undefined || seen.check === check)).slice(-Math.max(1, limit));
  }
}
