/** A lease in this process's memory: for one daemon alone, and for tests. */
import type { LeaseRecord } from "../core/lease.ts";
import type { Lease } from "../ports/lease.ts";

export function createMemoryLease(): Lease {
  let record: LeaseRecord | null = null;
  let writes = 0;
  return {
    read: async () => record,
    write: async (draft, over) => {
      if ((record?.version ?? null) !== over) return "conflict";
      writes += 1;
      record = { ...draft, version: String(writes) };
      return record;
    },
  };
}
