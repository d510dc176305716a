/**
 * Reads the daemon's own account of what it saw and did: its ledger, and its state.
 */
import type { LedgerEntry } from "../src/core/ledger-entry.ts";
import type { Snapshot } from "../src/core/snapshot.ts";
import type { Kept } from "./twins.ts";

const EVERY_MS = 400;

export type Watch = {
  /** Every entry so far, oldest first. */
  readonly entries: readonly LedgerEntry[];
  status(): Promise<Snapshot | null>;
  stop(): void;
};

/** Follows the ledger by polling, as `shopkeeper ledger --follow` does. */
export function watchLedger(kept: Kept): Watch {
  const entries: LedgerEntry[] = [];
  const poll = async (): Promise<void> => {
    const after = entries.at(-1)?.seq ?? 0;
    const body = (await ask(kept, `/api/v1/ledger?since=0&limit=1000${after > 0 ? `&after=${after}` : ""}`)) as { entries: LedgerEntry[] } | null;
    if (body !== null) entries.push(...body.entries.filter((entry) => entry.seq > (entries.at(-1)?.seq ?? 0)));
  };
  let busy = false;
  const timer = setInterval(() => {
    if (busy) return;
    busy = true;
    void poll().finally(() => (busy = false));
  }, EVERY_MS);
  return { entries, status: async () => (await ask(kept, "/api/v1/status")) as Snapshot | null, stop: () => clearInterval(timer) };
}

async function ask(kept: Kept, path: string): Promise<unknown> {
  try {
    const response = await fetch(kept.adminUrl + path, { headers: { authorization: `Bearer ${kept.token}` }, signal: AbortSignal.timeout(2_000) });
    return response.ok ? await response.json() : null;
  } catch {
    return null; // Not up yet, or busy: asked again at the next turn.
  }
}
