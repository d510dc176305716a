import { getEventListeners } from "node:events";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createMemoryLease } from "../../src/adapters/memory-lease.ts";
import { createLead, type Lead } from "../../src/engine/lead.ts";
import type { Clock } from "../../src/ports/clock.ts";
import { LeaseError, type Lease } from "../../src/ports/lease.ts";
import { ManualClock } from "../support/manual-clock.ts";

type Candidate = { readonly lead: Lead; readonly told: string[]; readonly link: { down: boolean; late: boolean } };

/** A way to the lease that can be cut (nothing arrives) or made to swallow answers (it arrives, nobody hears). */
function candidate(name: string, shared: Lease, clock: Clock): Candidate {
  const link = { down: false, late: false };
  const told: string[] = [];
  const through = async <T>(ask: () => Promise<T>, signal: AbortSignal): Promise<T> => {
    if (link.down) throw new LeaseError("UNAVAILABLE", "no route");
    const answer = await ask();
    if (link.late) await new Promise((_, reject) => signal.addEventListener("abort", () => reject(new LeaseError("UNAVAILABLE", "no answer")), { once: true }));
    return answer;
  };
  const lead = createLead({
    lease: { read: (signal) => through(() => shared.read(signal), signal), write: (draft, over, signal) => through(() => shared.write(draft, over, signal), signal) },
    clock,
    me: name,
    won: ({ epoch }) => told.push(`won ${epoch}`),
    lost: (why) => told.push(`lost: ${why}`),
    troubled: (detail) => told.push(`troubled: ${detail}`),
  });
  lead.start();
  return { lead, told, link };
}

describe("candidates for a lease", () => {
  test("a try leaves nothing behind that would stay for as long as the loop runs", async () => {
    const clock = new ManualClock();
    const shared = createMemoryLease();
    const signals: AbortSignal[] = [];
    const noted = (signal: AbortSignal): AbortSignal => {
      signals.push(signal);
      return signal;
    };
    const lease: Lease = { read: (signal) => shared.read(noted(signal)), write: (draft, over, signal) => shared.write(draft, over, noted(signal)) };
    const lead = createLead({ lease, clock, me: "a", won: () => {}, lost: () => {}, troubled: () => {} });
    lead.start();
    await clock.advance(20_000);
    await lead.stop();
    expect(signals.length).toBeGreaterThan(5);
    expect(signals.flatMap((signal) => getEventListeners(signal, "abort"))).toEqual([]);
  });

  test("raised above what is recorded elsewhere, it leads anew under that epoch, and the next one goes on from there", async () => {
    const clock = new ManualClock();
    const lease = createMemoryLease();
    const a = candidate("a", lease, clock);
    await clock.advance(1);
    a.lead.raise(8);
    await clock.advance(2_000);
    expect([a.told, a.lead.leadership()?.epoch]).toEqual([["won 1", "won 8"], 8]);
    await a.lead.stop();
    const b = candidate("b", lease, clock);
    await clock.advance(2_000);
    expect(b.told).toEqual(["won 9"]);
    await b.lead.stop();
  });

  test("one that leads no more raises nothing: its renewal is refused", async () => {
    const clock = new ManualClock();
    const lease = createMemoryLease();
    const a = candidate("a", lease, clock);
    await clock.advance(1);
    const b = candidate("b", lease, clock);
    a.link.down = true;
    await clock.advance(40_000);
    a.lead.raise(9);
    a.link.down = false;
    await clock.advance(10_000);
    expect([b.told, a.lead.leadership()]).toEqual([["won 2"], null]);
    await Promise.all([a.lead.stop(), b.lead.stop()]);
  });

  test("the first leads, the second waits, and takes over once the first has given it back", async () => {
    const clock = new ManualClock();
    const lease = createMemoryLease();
    const a = candidate("a", lease, clock);
    await clock.advance(1);
    const b = candidate("b", lease, clock);
    await clock.advance(60_000);
    expect([a.told, b.told, b.lead.holder()]).toEqual([["won 1"], [], "a"]);
    await a.lead.stop();
    await clock.advance(2_000);
    expect([a.told, b.told]).toEqual([["won 1", "lost: shopkeeper is stopping"], ["won 2"]]);
    await b.lead.stop();
  });

  test("a leader that is cut off leads no more 10 s after its last renewal; the other takes over within 20 s", async () => {
    const clock = new ManualClock();
    const lease = createMemoryLease();
    const a = candidate("a", lease, clock);
    await clock.advance(1);
    const b = candidate("b", lease, clock);
    await clock.advance(30_000);
    a.link.down = true;
    await clock.advance(10_000);
    expect([a.lead.mayAct(), a.lead.leadership(), a.told.at(-1)]).toEqual([false, null, "lost: the lease could not be renewed in time"]);
    await clock.advance(10_000);
    expect(b.told).toEqual(["won 2"]);
    a.link.down = false;
    await clock.advance(10_000);
    expect([a.lead.holder(), a.told.filter((text) => text.startsWith("won"))]).toEqual(["b", ["won 1"]]);
    await Promise.all([a.lead.stop(), b.lead.stop()]);
  });

  test("a write that arrived though nobody heard of it is found by reading, and led on from", async () => {
    const clock = new ManualClock();
    const a = candidate("a", createMemoryLease(), clock);
    await clock.advance(5_000);
    a.link.late = true;
    await clock.advance(4_000);
    a.link.late = false;
    await clock.advance(5_000);
    expect([a.lead.mayAct(), a.told.filter((text) => !text.startsWith("troubled"))]).toEqual([true, ["won 1"]]);
    await a.lead.stop();
  });

  test("trouble is told once, until there was an answer again", async () => {
    const clock = new ManualClock();
    const a = candidate("a", createMemoryLease(), clock);
    a.link.down = true;
    await clock.advance(20_000);
    a.link.down = false;
    await clock.advance(3_000);
    a.link.down = true;
    await clock.advance(20_000);
    expect(a.told.filter((text) => text.startsWith("troubled"))).toHaveLength(2);
    await a.lead.stop();
  });

  test("whatever is cut, two never may act at once, and each leadership has an epoch of its own", async () => {
    const step = fc.record({ who: fc.nat(2), what: fc.constantFrom("down", "up", "late", "heard"), ms: fc.integer({ min: 1, max: 12_000 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const clock = new ManualClock();
        const lease = createMemoryLease();
        const all = ["a", "b", "c"].map((name) => candidate(name, lease, clock));
        for (const { who, what, ms } of steps) {
          const link = all[who]?.link;
          if (link !== undefined && (what === "down" || what === "up")) link.down = what === "down";
          if (link !== undefined && (what === "late" || what === "heard")) link.late = what === "late";
          for (let passed = 0; passed < ms; passed += 500) {
            await clock.advance(500);
            if (all.filter(({ lead }) => lead.mayAct()).length > 1) return false;
          }
        }
        for (const { link } of all) Object.assign(link, { down: false, late: false });
        await clock.advance(20_000);
        const leaders = all.filter(({ lead }) => lead.mayAct());
        // An epoch is one holder's: it may be won back by the same one, never by another.
        const holders = new Map<string, Set<string>>();
        all.forEach(({ told }, at) => told.filter((text) => text.startsWith("won")).forEach((text) => holders.set(text, (holders.get(text) ?? new Set()).add(String(at)))));
        await Promise.all(all.map(({ lead }) => lead.stop()));
        return leaders.length === 1 && [...holders.values()].every((who) => who.size === 1);
      }),
      { numRuns: 40 },
    );
  });
});
