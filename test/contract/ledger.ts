/** What every Ledger promises; run against each adapter. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { NewLedgerEntry } from "../../src/core/ledger-entry.ts";
import type { Ledger } from "../../src/ports/ledger.ts";

export type LedgerLimitsForTest = { readonly maxAgeMs: number; readonly maxBytes: number };
export type LedgerHome = {
  /** The ledger's clock stands at `now()`. */
  readonly open: (limits: LedgerLimitsForTest) => Promise<Ledger>;
  readonly cleanUp: () => Promise<void>;
  /** Whether entries outlive closing. */
  readonly durable: boolean;
};

const WIDE: LedgerLimitsForTest = { maxAgeMs: 86_400_000, maxBytes: 64 * 1024 * 1024 };
const NOW = 1_000_000_000;

export function entry(over: Partial<NewLedgerEntry> = {}): NewLedgerEntry {
  return {
    at: NOW, kind: "decision", target: "app", subject: "pod_restart", text: "restart it", who: "shopkeeper", actionId: "", details: { n: 1 }, foldKey: "", ...over,
  };
}

export function ledgerContract(name: string, makeHome: (now: number) => Promise<LedgerHome>): void {
  describe(`ledger: ${name}`, () => {
    let home: LedgerHome;
    let ledger: Ledger;

    beforeEach(async () => {
      home = await makeHome(NOW);
      ledger = await home.open(WIDE);
    });
    afterEach(async () => {
      await ledger.close();
      await home.cleanUp();
    });

    test("an appended entry comes back with a growing number, a count of one and all its fields", async () => {
      const first = await ledger.append(entry());
      const second = await ledger.append(entry({ text: "again", details: { nested: { a: [1, "x", null] } } }));
      expect(second.seq).toBeGreaterThan(first.seq);
      expect(first).toMatchObject({ ...entry(), count: 1, lastAt: NOW });
      expect(await ledger.query({})).toEqual([first, second]);
    });

    test("the same fold key on the newest entry of its kind and target is counted, not written", async () => {
      const hold = entry({ kind: "hold", foldKey: "cooldown" });
      const first = await ledger.append(hold);
      const again = await ledger.append({ ...hold, at: NOW + 2_000, text: "other words" });
      expect(again).toEqual({ ...first, count: 2, lastAt: NOW + 2_000 });
      expect(await ledger.query({})).toEqual([again]);
    });

    test("another kind, target or key between breaks the fold only where it is of the same kind and target", async () => {
      const hold = entry({ kind: "hold", foldKey: "cooldown" });
      await ledger.append(hold);
      await ledger.append(entry({ kind: "verdict" }));
      await ledger.append(entry({ kind: "hold", target: "other", foldKey: "cooldown" }));
      expect((await ledger.append(hold)).count).toBe(2);
      await ledger.append({ ...hold, foldKey: "budget" });
      expect((await ledger.append(hold)).count).toBe(1);
    });

    test("entries without a fold key are never counted together", async () => {
      await ledger.append(entry());
      expect((await ledger.append(entry())).count).toBe(1);
    });

    test("filters by time, number, kind and target, and keeps the newest, oldest first", async () => {
      const kinds = ["verdict", "decision", "hold", "intent", "note"] as const;
      const written = [];
      for (const [index, kind] of kinds.entries()) written.push(await ledger.append(entry({ kind, at: NOW + index, target: index % 2 === 0 ? "app" : "site", text: `${index}` })));
      const texts = async (query: Parameters<Ledger["query"]>[0]): Promise<string[]> => (await ledger.query(query)).map((found) => found.text);
      expect(await texts({ since: NOW + 3 })).toEqual(["3", "4"]);
      expect(await texts({ afterSeq: written[2]?.seq ?? 0 })).toEqual(["3", "4"]);
      expect(await texts({ kinds: ["verdict", "note"] })).toEqual(["0", "4"]);
      expect(await texts({ kinds: [] })).toEqual([]);
      expect(await texts({ target: "site" })).toEqual(["1", "3"]);
      expect(await texts({ limit: 2 })).toEqual(["3", "4"]);
    });

    test("a folded entry counts as happening when it happened last", async () => {
      await ledger.append(entry({ kind: "hold", foldKey: "x" }));
      await ledger.append(entry({ kind: "hold", foldKey: "x", at: NOW + 5_000 }));
      expect(await ledger.query({ since: NOW + 4_000 })).toHaveLength(1);
    });

    test("too long a text and too large details are cut, and say so", async () => {
      const cut = await ledger.append(entry({ text: "t".repeat(10_000), details: { big: "d".repeat(100_000) } }));
      expect(cut.text).toHaveLength(2_000);
      expect(cut.details).toEqual({ cut: expect.stringContaining("characters") });
    });

    test("observations come back oldest first, by time and check", async () => {
      for (let n = 0; n < 5; n++) ledger.observe({ at: NOW + n, check: n % 2 === 0 ? "application" : "page", target: "app", kind: "pass", tookMs: n });
      expect((await ledger.observations({ since: NOW + 2 })).map((seen) => seen.tookMs)).toEqual([2, 3, 4]);
      expect((await ledger.observations({ since: NOW, check: "page" })).map((seen) => seen.tookMs)).toEqual([1, 3]);
      expect((await ledger.observations({ since: NOW, limit: 2 })).map((seen) => seen.tookMs)).toEqual([3, 4]);
    });

    test("what is older than the bound goes, what is younger stays", async () => {
      await ledger.close();
      ledger = await home.open({ ...WIDE, maxAgeMs: 10_000 });
      await ledger.append(entry({ at: NOW - 20_000, text: "old" }));
      for (let n = 0; n < 120; n++) await ledger.append(entry({ at: NOW - 5_000, text: "young" }));
      const left = await ledger.query({ limit: 10_000 });
      expect(left.map((found) => found.text)).not.toContain("old");
      expect(left).toHaveLength(120);
    });

    test("bytes stay within a bound, the newest entries are kept", async () => {
      await ledger.close();
      ledger = await home.open({ ...WIDE, maxBytes: 300_000 });
      for (let n = 0; n < 1_000; n++) await ledger.append(entry({ text: `${n} ${"x".repeat(1_500)}` }));
      const left = await ledger.query({ limit: 10_000 });
      expect(left.length).toBeLessThan(700);
      expect(left.at(-1)?.text).toMatch(/^999 /);
    });

    test("entries are there after closing and opening again, where the ledger is durable", async () => {
      const written = await ledger.append(entry());
      await ledger.close();
      ledger = await home.open(WIDE);
      expect(await ledger.query({})).toEqual(home.durable ? [written] : []);
    });

    test("a closed ledger says so", async () => {
      const other = ledger;
      await other.close();
      await expect(other.append(entry())).rejects.toMatchObject({ code: "UNAVAILABLE" });
      ledger = await home.open(WIDE);
    });
  });
}
