import { describe, expect, test } from "vitest";
import { createMemoryLedger } from "../../src/adapters/memory-ledger.ts";
import type { CheckVerdict } from "../../src/core/check-state.ts";
import { createRecorder } from "../../src/engine/record.ts";
import { eventsTo } from "../../src/ports/events.ts";
import { ManualClock } from "../support/manual-clock.ts";

describe("what is recorded of verdicts", () => {
  test.each<[string, string, CheckVerdict, CheckVerdict, boolean]>([
    ["a pod is found well", "pod/web-1", "unknown", "healthy", false],
    ["a pod is found ill", "pod/web-1", "unknown", "unhealthy", true],
    ["a pod is well again", "pod/web-1", "unhealthy", "healthy", true],
    ["an application is found well", "app", "unknown", "healthy", true],
  ])("%s: %s from %s to %s", async (_what, target, from, to, kept) => {
    const clock = new ManualClock();
    const ledger = createMemoryLedger(clock, { maxAgeMs: 1e9, maxBytes: 1e7 });
    const told: unknown[] = [];
    const recorder = createRecorder({ events: eventsTo((event) => told.push(event)), ledger, clock });
    recorder.verdictChanged({ at: clock.now(), key: `application@${target}`, check: "application", target, from, to, since: clock.now(), seen: { kind: "pass", at: clock.now(), tookMs: 1, findings: [], facts: {} }, suppressedBy: null });
    await recorder.flush();
    expect([told.length, (await ledger.query({})).length]).toEqual([1, kept ? 1 : 0]);
  });
});
