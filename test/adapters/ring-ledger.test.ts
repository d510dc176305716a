import { describe, expect, test } from "vitest";
import { mergeEntries } from "../../src/adapters/ledger-merge.ts";
import { openRingLedger } from "../../src/adapters/ring-ledger.ts";
import type { RingHome } from "../../src/adapters/ring-ledger.ts";
import type { LedgerEntry } from "../../src/core/ledger-entry.ts";
import type { Ledger } from "../../src/ports/ledger.ts";
import { entry } from "../contract/ledger.ts";
import { ManualClock } from "../support/manual-clock.ts";

type Kept = { readonly clock: ManualClock; readonly ledger: Ledger; readonly saves: (readonly LedgerEntry[])[]; readonly lines: string[] };

async function kept(fails: () => boolean = () => false): Promise<Kept> {
  const clock = new ManualClock();
  const saves: (readonly LedgerEntry[])[] = [];
  const home: RingHome = {
    read: async () => saves.at(-1) ?? [],
    save: async (ours, savedSeq) => {
      if (fails()) throw new Error("away");
      const merged = mergeEntries(saves.at(-1) ?? [], ours, savedSeq);
      saves.push(merged.entries);
      return merged;
    },
    close: () => undefined,
  };
  const lines: string[] = [];
  const ledger = await openRingLedger({ home, clock, limits: { maxAgeMs: 1e9, maxBytes: 512 * 1_024 }, line: (text) => lines.push(text), problem: () => undefined });
  return { clock, ledger, saves, lines };
}

describe("the ring of a ledger is written as a whole, so", () => {
  test("what comes within a second goes out together, a second after the first", async () => {
    const { clock, ledger, saves } = await kept();
    await ledger.append(entry({ at: clock.now(), text: "one" }));
    await clock.advance(900);
    await ledger.append(entry({ at: clock.now(), text: "two" }));
    expect(saves).toEqual([]);
    await clock.advance(100);
    expect(saves.map((entries) => entries.map(({ text }) => text))).toEqual([["one", "two"]]);
  });

  test("a full one that is written on and on rests for eight seconds", async () => {
    const { clock, ledger, saves } = await kept();
    for (let second = 0; second < 60; second++) {
      for (let each = 0; each < 40; each++) await ledger.append(entry({ at: clock.now(), text: "x".repeat(1_000) }));
      await clock.advance(1_000);
    }
    const before = saves.length;
    for (let second = 0; second < 80; second++) {
      await ledger.append(entry({ at: clock.now(), text: "x".repeat(1_000) }));
      await clock.advance(1_000);
    }
    expect(saves.length - before).toBeGreaterThanOrEqual(9);
    expect(saves.length - before).toBeLessThanOrEqual(11);
  });

  test("a full one that was left alone is written a second after the next entry", async () => {
    const { clock, ledger, saves } = await kept();
    for (let each = 0; each < 600; each++) await ledger.append(entry({ at: clock.now(), text: "x".repeat(1_000) }));
    await clock.advance(20_000);
    const before = saves.length;
    await ledger.append(entry({ at: clock.now(), text: "news" }));
    await clock.advance(1_000);
    expect(saves.length).toBe(before + 1);
    expect(saves.at(-1)?.at(-1)?.text).toBe("news");
  });

  test("a hold that is only counted waits for half a minute, and goes with the first news", async () => {
    const { clock, ledger, saves, lines } = await kept();
    const hold = (): Promise<LedgerEntry> => ledger.append(entry({ at: clock.now(), kind: "hold", foldKey: "cooldown" }));
    await hold();
    await clock.advance(1_000);
    expect(saves).toHaveLength(1);
    for (let second = 0; second < 29; second++) {
      await hold();
      await clock.advance(1_000);
    }
    expect(saves).toHaveLength(1);
    await clock.advance(1_000);
    expect(saves).toHaveLength(2);
    expect(saves.at(-1)?.map(({ count }) => count)).toEqual([30]);
    await hold();
    await ledger.append(entry({ at: clock.now(), text: "news" }));
    await clock.advance(1_000);
    expect(saves.at(-1)?.map(({ count }) => count)).toEqual([31, 1]);
    expect(lines).toHaveLength(2);
  });

  test("what is left is written at the end, counts too", async () => {
    const { clock, ledger, saves } = await kept();
    for (let each = 0; each < 3; each++) await ledger.append(entry({ at: clock.now(), kind: "hold", foldKey: "cooldown" }));
    await clock.advance(1_000);
    await ledger.append(entry({ at: clock.now(), kind: "hold", foldKey: "cooldown" }));
    await ledger.close();
    expect(saves.at(-1)?.map(({ count }) => count)).toEqual([4]);
  });

  test("while its home is away it is tried more and more seldom, and all comes once it is back", async () => {
    let away = true;
    const { clock, ledger, saves } = await kept(() => away);
    await ledger.append(entry({ at: clock.now(), text: "in the dark" }));
    await clock.advance(10_000);
    away = false;
    await clock.advance(60_000);
    expect(saves.at(-1)?.map(({ text }) => text)).toEqual(["in the dark"]);
  });
});
