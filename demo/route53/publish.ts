/** What of a zone the public sees: addresses and aliases without a routing policy. */
import type { PublicDns } from "../dns/powerdns.ts";
import type { Change, RecordSet, Zone } from "./zone.ts";

const TYPES = ["A", "AAAA", "CNAME"] as const;

/** Puts all sets that the batch names as they now stand in the zone. */
export async function publish(zone: Zone, batch: readonly Change[], dns: PublicDns): Promise<void> {
  const names = new Set(batch.map(({ set }) => set.name));
  const sets = [...names].flatMap((name) => TYPES.filter((type) => batch.some(({ set }) => set.name === name && set.type === type)).map((type) => ({ name, type, standing: plainOf(zone, name, type) })));
  // A name cannot have an alias beside anything else, so what goes is taken away before what comes is put.
  for (const { name, type, standing } of sets.toSorted((a, b) => Number(a.standing !== undefined) - Number(b.standing !== undefined))) {
    await dns.put({ name: name.replace(/\.$/, ""), type, ttlSeconds: standing?.ttl ?? 0, contents: standing?.values ?? [] });
  }
}

function plainOf(zone: Zone, name: string, type: string): RecordSet | undefined {
  return zone.sets.find((set) => set.name === name && set.type === type && set.setIdentifier === undefined);
}
