import { pino } from "pino";
import { describe, expect, test } from "vitest";
import { createMemoryStateStore } from "../../src/adapters/memory-state-store.ts";
import type { Alert } from "../../src/core/alert.ts";
import type { StateStore } from "../../src/ports/state-store.ts";
import { TrafficError, type RightsProof, type Traffic } from "../../src/ports/traffic.ts";
import { PROVE_AGAIN_MS, PROVE_EVERY_MS, watchProvider } from "../../src/roles/provider-watch.ts";
import { ManualClock, settle } from "../support/manual-clock.ts";
import { FakeTraffic } from "../support/region-world.ts";

const GOOD: RightsProof = { ok: true, findings: ["the token may write"] };
const BAD: RightsProof = { ok: false, findings: ["the token may not write: 10000 Authentication error"] };

/** Answers one after the other, the last one for ever. */
async function watched(...answers: readonly (RightsProof | Error)[]) {
  return watchedWith(createMemoryStateStore(new Map()), answers);
}

async function watchedWith(store: StateStore, answers: readonly (RightsProof | Error)[]) {
  const clock = new ManualClock();
  const alerts: Alert[] = [];
  let asked = 0;
  const traffic: Traffic = Object.assign(new FakeTraffic(), {
    proveRights: async (): Promise<RightsProof> => {
      const given = answers[Math.min(asked, answers.length - 1)] ?? GOOD;
      asked += 1;
      if (given instanceof Error) throw given;
      return given;
    },
  });
  const watch = watchProvider({ traffic, clock, log: pino({ level: "silent" }), outbox: { enqueue: async (_, alert) => void alerts.push(alert) }, store, alertRoute: "on_call", site: "shop", here: "us", runbooks: "docs/runbooks" });
  await settle();
  return { clock, alerts, watch, asked: () => asked };
}

describe("the provider's credentials", () => {
  test("are proven at the start, and then once a day", async () => {
    const { clock, alerts, asked, watch } = await watched(GOOD);
    await clock.advance(PROVE_EVERY_MS - 1);
    expect(asked()).toBe(1);
    await clock.advance(1);
    expect([asked(), alerts]).toEqual([2, []]);
    watch.stop();
    await clock.advance(2 * PROVE_EVERY_MS);
    expect(asked()).toBe(2);
  });

  test("that have lost a right page once, are asked for again soon, and the end is told under the same key", async () => {
    const { clock, alerts } = await watched(BAD, BAD, GOOD);
    await clock.advance(PROVE_AGAIN_MS);
    expect(alerts).toMatchObject([{ state: "firing", severity: "page", reason: "provider_rights", summary: expect.stringContaining("10000 Authentication error"), runbook: "docs/runbooks/provider-rights.md" }]);
    await clock.advance(PROVE_AGAIN_MS);
    expect(alerts.map(({ state }) => state)).toEqual(["firing", "resolved"]);
    expect(alerts[1]?.key).toBe(alerts[0]?.key);
  });

  test("that lack a right page once, whatever daemon finds them so, and the one that finds them in order says that it is over", async () => {
    const store = createMemoryStateStore(new Map());
    const first = await watchedWith(store, [BAD]);
    first.watch.stop();
    const second = await watchedWith(store, [BAD, GOOD]);
    expect(second.alerts).toEqual([]);
    await second.clock.advance(PROVE_AGAIN_MS);
    expect(second.alerts.map(({ state, key }) => [state, key])).toEqual([["resolved", first.alerts[0]?.key]]);
    second.watch.stop();
    expect((await watchedWith(store, [GOOD])).alerts).toEqual([]);
  });

  test("whose earlier page cannot be read page nobody anew, and end it once it can", async () => {
    const store = createMemoryStateStore(new Map());
    const first = await watchedWith(store, [BAD]);
    first.watch.stop();
    let broken = true;
    const flaky: StateStore = {
      get: (key) => (broken ? Promise.reject(new Error("busy")) : store.get(key)),
      list: (prefix) => store.list(prefix), put: (key, value) => store.put(key, value), delete: (key) => store.delete(key), close: () => store.close(),
    };
    const second = await watchedWith(flaky, [BAD, GOOD]);
    expect(second.alerts).toEqual([]);
    broken = false;
    await second.clock.advance(PROVE_AGAIN_MS);
    expect(second.alerts.map(({ state, key }) => [state, key])).toEqual([["resolved", first.alerts[0]?.key]]);
  });

  test.each<[string, TrafficError, number]>([
    ["are refused", new TrafficError("UNAUTHORIZED", "the token is not accepted"), 1],
    ["lead to no zone", new TrafficError("NOT_FOUND", "no such zone"), 1],
    ["cannot be asked about: unknown is not lost", new TrafficError("UNAVAILABLE", "no answer"), 0],
    ["are asked about too often", new TrafficError("RATE_LIMITED", "later", { retryAfterMs: 300_000 }), 0],
  ])("that %s", async (_what, error, pages) => {
    const { clock, alerts, asked } = await watched(error);
    expect(alerts).toHaveLength(pages);
    await clock.advance(PROVE_AGAIN_MS);
    expect(asked()).toBe(2);
  });
});
