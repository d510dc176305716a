import { describe, expect, test } from "vitest";
import { createMemoryStateStore } from "../../src/adapters/memory-state-store.ts";
import type { Intent } from "../../src/core/intent.ts";
import { IntentBook } from "../../src/engine/intent-book.ts";
import { StateStoreError } from "../../src/ports/state-store.ts";
import type { StateStore, Stored } from "../../src/ports/state-store.ts";
import { proposalOf } from "../support/acting-world.ts";

const INTENT: Intent = { id: "i", proposal: proposalOf(), attempt: 1, recordedAt: 1_000_000, verifyWithin: 60_000, who: "shopkeeper", state: { phase: "intended" } };
const DONE = { phase: "awaiting_verification", doneAt: 1_000_500, verifyBy: 1_060_500, effect: {} } as const;
const VERIFIED = { phase: "verified", doneAt: 1_000_500, verifiedAt: 1_010_000 } as const;

/** A store whose disk is so slow that a write lands after its caller has given up. */
function slowStore(rows: Map<string, Stored>): { readonly store: StateStore; slow: boolean } {
  const inner = createMemoryStateStore(rows);
  const disk = {
    slow: false,
    store: {
      ...{ get: inner.get.bind(inner), list: inner.list.bind(inner), delete: inner.delete.bind(inner), close: inner.close.bind(inner) },
      put: async (key: string, value: string, ifRevision?: number) => {
        const revision = await inner.put(key, value, ifRevision);
        if (disk.slow) throw new StateStoreError("UNAVAILABLE", "no answer in time; a write may still land");
        return revision;
      },
    },
  };
  return disk;
}

describe("a state whose write was not answered in time", () => {
  test("and landed all the same does not block the intent: the next state goes over it", async () => {
    const rows = new Map<string, Stored>();
    const disk = slowStore(rows);
    const book = new IntentBook(disk.store);
    await book.record(INTENT);
    disk.slow = true;
    await expect(book.advance("i", DONE)).rejects.toMatchObject({ code: "UNAVAILABLE" });
    disk.slow = false;
    expect(await book.advance("i", VERIFIED)).toMatchObject({ state: VERIFIED });
    expect(await book.advance("i", DONE)).toMatchObject({ state: DONE });
    expect(JSON.parse(rows.get("intent/i")?.value ?? "")).toMatchObject({ state: DONE });
  });

  test("is still told from what another process wrote, which is never overwritten", async () => {
    const rows = new Map<string, Stored>();
    const disk = slowStore(rows);
    const book = new IntentBook(disk.store);
    await book.record(INTENT);
    disk.slow = true;
    await expect(book.advance("i", DONE)).rejects.toMatchObject({ code: "UNAVAILABLE" });
    disk.slow = false;
    await disk.store.put("intent/i", "of somebody else");
    await expect(book.advance("i", VERIFIED)).rejects.toMatchObject({ code: "CORRUPT" });
    expect(rows.get("intent/i")?.value).toBe("of somebody else");
  });
});

test("an intent that a damaged store has lost is written anew by who knows it, and goes on", async () => {
  const rows = new Map<string, Stored>();
  const book = new IntentBook(createMemoryStateStore(rows));
  await book.record(INTENT);
  await book.advance("i", DONE);
  rows.clear();
  expect(await book.advance("i", VERIFIED)).toMatchObject({ state: VERIFIED });
  expect(JSON.parse(rows.get("intent/i")?.value ?? "")).toMatchObject({ state: VERIFIED });
});
