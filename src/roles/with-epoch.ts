/** A ledger whose entries say under which leadership they were made. */
import type { Ledger } from "../ports/ledger.ts";

/** @param epoch grows by one with each change of the leader. */
export function withEpoch(ledger: Ledger, epoch: number): Ledger {
  return {
    append: (entry) => ledger.append({ ...entry, details: { ...entry.details, epoch } }),
    query: (query) => ledger.query(query),
    observe: (record) => ledger.observe(record),
    observations: (query) => ledger.observations(query),
    close: () => ledger.close(),
  };
}
