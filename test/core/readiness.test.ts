import { describe, expect, test } from "vitest";
import { FIRST_FILL_WITHIN, readinessOf, type ReadinessFacts } from "../../src/core/readiness.ts";
import { NO_ROUND, type SiblingsState } from "../../src/core/siblings.ts";
import type { SiteStatus } from "../../src/core/status.ts";

const START = 1_000_000;

/** An old hand: started long ago, its first pages stored. */
function facts(over: Partial<ReadinessFacts> = {}, copies = 0): ReadinessFacts {
  return { now: START + 3_600_000, startedAt: START, status: "healthy", gateway: { copies, firstFill: { upAt: START + 1_000, fill: { stored: 2, listed: 2 } } }, siblings: null, wasReady: true, ...over };
}

describe("readiness", () => {
  test.each<[string, ReadinessFacts, boolean, string]>([
    ["not before it has started", facts({ startedAt: null }), false, "starting"],
    ["a healthy site behind a gateway", facts(), true, "the gateway listens and the site is healthy"],
    ["a degraded one keeps its traffic", facts({ status: "degraded" }), true, "the gateway listens and the site is degraded"],
    ["one not looked at yet is not turned away", facts({ status: "unknown" }), true, "the gateway listens and the site is unknown"],
    ["an unhealthy one with copies serves them", facts({ status: "unhealthy" }, 12), true, "the site is unhealthy; 12 stored pages are served"],
    ["an unhealthy one without copies has nothing to serve", facts({ status: "unhealthy" }), false, "the site is unhealthy and there is no stored page to serve"],
    ["without a gateway the application itself is what is ready", facts({ status: "degraded", gateway: null }), true, "the site is degraded"],
    ["without a gateway an unhealthy application is not", facts({ status: "unhealthy", gateway: null }), false, "the site is unhealthy"],
  ])("%s", (_what, given, ready, reason) => {
    expect(readinessOf(given)).toEqual({ ready, reason });
  });
});

describe("a new instance and its first pages", () => {
  const fresh = (status: SiteStatus, sinceMs: number, upAfterMs: number | null, fill: { stored: number; listed: number } | null = null): ReadinessFacts =>
    facts({ status, now: START + sinceMs, wasReady: false, gateway: { copies: 0, firstFill: { upAt: upAfterMs === null ? null : START + upAfterMs, fill } } });

  test.each<[string, ReadinessFacts, boolean, string]>([
    ["waits for the application's first answer", fresh("unknown", 500, null), false, "the application has not answered yet"],
    ["then for its pages", fresh("healthy", 3_000, 2_000), false, "the first pages are being stored"],
    ["and is ready once they are stored", fresh("healthy", 3_000, 2_000, { stored: 2, listed: 2 }), true, "the gateway listens and the site is healthy"],
    ["or cannot be", fresh("healthy", 3_000, 2_000, { stored: 1, listed: 3 }), true, "the gateway listens and the site is healthy; of the first 3 pages 1 could be stored"],
    ["no longer than 20 s", fresh("healthy", 2_000 + FIRST_FILL_WITHIN, 2_000), true, "the gateway listens and the site is healthy; the first pages are not all stored after 20 s"],
    ["from the application's first answer on, however late", fresh("healthy", 301_000, 300_000), false, "the first pages are being stored"],
    ["a site it cannot look at is not turned away for ever", fresh("unknown", FIRST_FILL_WITHIN, null), true, "the gateway listens and the site is unknown"],
    ["an application that cannot be reached is not ready, as ever", fresh("unhealthy", 60_000, null), false, "the site is unhealthy and there is no stored page to serve"],
    ["the first stored page is not all of them, though the site is still unhealthy", { ...fresh("unhealthy", 33_000, 30_000), gateway: { copies: 1, firstFill: { upAt: START + 30_000, fill: null } } }, false, "the first pages are being stored"],
    ["a broken release behind a good health route: no page could be stored, and nobody has seen a good one", fresh("unknown", 3_000, 2_000, { stored: 0, listed: 2 }), false, "no page could be stored, and its checks have not decided yet"],
    ["whose checks see a good one", fresh("healthy", 3_000, 2_000, { stored: 0, listed: 2 }), true, "the gateway listens and the site is healthy; of the first 2 pages 0 could be stored"],
    ["a stored page is a good one", fresh("unknown", 3_000, 2_000, { stored: 1, listed: 2 }), true, "the gateway listens and the site is unknown; of the first 2 pages 1 could be stored"],
    ["where there is nothing to store its checks are waited for", fresh("unknown", 3_000, 2_000, { stored: 0, listed: 0 }), false, "no page could be stored, and its checks have not decided yet"],
    ["who was ready once waits no more", { ...fresh("healthy", 3_000, 2_000), wasReady: true }, true, "the gateway listens and the site is healthy"],
    ["nor does who has nothing to fill", fresh("healthy", 3_000, 2_000, { stored: 0, listed: 0 }), true, "the gateway listens and the site is healthy"],
  ])("%s", (_what, given, ready, reason) => {
    expect(readinessOf(given)).toEqual({ ready, reason });
  });
});

describe("an unhealthy pod with siblings", () => {
  const after = (finding: SiblingsState["finding"], own: number): SiblingsState => ({ ...NO_ROUND, finding, own, why: "of 2 siblings asked …" });

  test.each<[string, SiblingsState, number, boolean]>([
    ["before the first round its copies are served", NO_ROUND, 3, true],
    ["one round against it is not enough", after("own", 1), 3, true],
    ["two send the buyers to the siblings, copies or not", after("own", 2), 3, false],
    ["a shared cause: copies are better than nothing", after("shared", 0), 3, true],
    ["a shared cause and nothing to serve", after("shared", 0), 0, false],
    ["nobody seen: as with a shared cause", after("unseen", 0), 3, true],
    ["nobody seen once does not undo what was seen twice", after("unseen", 2), 3, false],
    ["its own fault and nobody to take the buyers", after("own_alone", 0), 3, true],
  ])("%s", (_what, siblings, copies, ready) => {
    const answer = readinessOf(facts({ status: "unhealthy", siblings }, copies));
    expect(answer.ready).toBe(ready);
    expect(answer.reason).toContain("unhealthy");
  });

  test.each<SiteStatus>(["healthy", "degraded", "unknown"])("is back at once when it is %s, whatever they said before", (status) => {
    expect(readinessOf(facts({ status, siblings: after("own", 9) })).ready).toBe(true);
  });
});
