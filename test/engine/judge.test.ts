import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createMemoryStateStore } from "../../src/adapters/memory-state-store.ts";
import { createMemoryLedger } from "../../src/adapters/memory-ledger.ts";
import type { Alert } from "../../src/core/alert.ts";
import { judgeSite } from "../../src/core/status.ts";
import type { LookStatus } from "../../src/core/status.ts";
import { createIncidents } from "../../src/engine/incidents.ts";
import type { Incidents } from "../../src/engine/incidents.ts";
import { createJudge } from "../../src/engine/judge.ts";
import type { Judge } from "../../src/engine/judge.ts";
import { createRecorder } from "../../src/engine/record.ts";
import { Roll } from "../../src/engine/roll.ts";
import type { EngineEvent } from "../../src/ports/events.ts";
import { eventsTo } from "../../src/ports/events.ts";
import { ManualClock, settle } from "../support/manual-clock.ts";
import { look, signsOf } from "../support/notation.ts";
import { checkOf } from "../support/watched-world.ts";

const CHECKS = [
  checkOf("shopify_api", { targets: ["site"] }),
  checkOf("application", { targets: ["a", "b"] }),
  checkOf("page", { targets: ["a", "b"], dependsOn: ["shopify_api"] }),
  checkOf("cart", { targets: ["a"], dependsOn: ["page"], critical: false }),
  checkOf("redis", { targets: ["site"], inactive: "not configured" }),
];

type Court = { readonly clock: ManualClock; readonly judge: Judge; readonly incidents: Incidents; readonly alerts: Alert[]; readonly events: EngineEvent[] };

function court(excused = false): Court {
  const clock = new ManualClock();
  const alerts: Alert[] = [];
  const events: EngineEvent[] = [];
  const recorder = createRecorder({ events: eventsTo((event) => events.push(event)), ledger: createMemoryLedger(clock, { maxAgeMs: 1e9, maxBytes: 1e7 }), clock });
  const incidents = createIncidents({
    site: "shop", routes: { page: "on_call", notify: "team" }, runbooks: "docs/runbooks", store: createMemoryStateStore(), recorder,
    outbox: { enqueue: async (_route, alert) => void alerts.push(alert) }, acknowledged: () => false, notLooked: () => null,
  });
  const judge = createJudge({ roll: new Roll({ targets: [], checks: CHECKS, startupGrace: new Map() }), clock, recorder, incidents, cannotSeeAfter: 4, excused: () => excused, turned: () => undefined });
  return { clock, judge, incidents, alerts, events };
}

async function sees({ clock, judge }: Court, name: string, target: string, run: string): Promise<void> {
  const check = CHECKS.find((one) => one.name === name);
  if (check === undefined) throw new Error(`no check ${name}`);
  for (const sign of signsOf(run)) {
    await clock.advance(2_000);
    judge.observed(check, target, look(sign, clock.now()));
  }
}

describe("judging look by look", () => {
  test("is the same as judging the whole site anew, whatever is seen", async () => {
    const steps = fc.array(fc.tuple(fc.constantFrom("shopify_api@site", "application@a", "application@b", "page@a", "page@b", "cart@a"), fc.constantFrom(".", "w", "x", "?", "!", "xxx", "..")), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(steps, async (script) => {
        const it = court();
        for (const [key, run] of script) {
          const [name = "", target = ""] = key.split("@");
          await sees(it, name, target, run);
          const { since: _since, ...judged } = it.judge.site();
          expect(judged).toEqual(judgeSite(CHECKS, it.judge.states()));
        }
      }),
      { numRuns: 30 },
    );
  });

  test("what stays unhealthy when its explanation is gone is told then", async () => {
    const it = court();
    await sees(it, "shopify_api", "site", "..xxx");
    await sees(it, "page", "a", "..xxx");
    expect(it.alerts.map((alert) => alert.target)).toEqual(["site"]);
    await sees(it, "shopify_api", "site", "..");
    await sees(it, "page", "a", "xxxxx");
    expect(it.alerts.filter((alert) => alert.state === "firing").map((alert) => alert.target)).toEqual(["site"]);
    await sees(it, "page", "a", "x".repeat(12));
    await settle();
    // What it was explained by does not count against it: it notifies, and does not page yet.
    expect(it.alerts.filter((alert) => alert.state === "firing").map(({ target, severity }) => `${severity} ${target}`)).toEqual(["notify site", "notify a"]);
  });

  test("what recovers with its explanation is never told", async () => {
    const it = court();
    await sees(it, "page", "a", "..");
    await sees(it, "shopify_api", "site", "..x");
    await sees(it, "page", "a", "xxx");
    await sees(it, "shopify_api", "site", "xx");
    await sees(it, "page", "a", "x".repeat(60));
    await sees(it, "shopify_api", "site", "..");
    await sees(it, "page", "a", "x..");
    await settle();
    expect(new Set(it.alerts.map(({ target }) => target))).toEqual(new Set(["site"]));
  });

  test("what no dependency turns out to explain is told once one was asked, and within 30 s in any case", async () => {
    const asked = court();
    await sees(asked, "shopify_api", "site", "..");
    await sees(asked, "page", "a", "..xxx");
    expect(asked.alerts).toEqual([]);
    await sees(asked, "shopify_api", "site", ".");
    await sees(asked, "page", "a", "x");
    await settle();
    expect(asked.alerts.map(({ target }) => target)).toEqual(["a"]);

    const waiting = court();
    await sees(waiting, "shopify_api", "site", "..");
    await sees(waiting, "page", "a", `..xxx${"x".repeat(14)}`);
    expect(waiting.alerts).toEqual([]);
    await sees(waiting, "page", "a", "x");
    await settle();
    expect(waiting.alerts.map(({ target }) => target)).toEqual(["a"]);
  });

  test("a process that is gone waits for no explanation", async () => {
    const it = court();
    await sees(it, "shopify_api", "site", "..x");
    await sees(it, "page", "a", "..!");
    await settle();
    expect(it.alerts.map(({ target }) => target)).toEqual(["a"]);
  });

  test("changes that our own actions cause are no flapping", async () => {
    const ours = court(true);
    const theirs = court(false);
    await sees(ours, "application", "a", ".x".repeat(15));
    await sees(theirs, "application", "a", ".x".repeat(15));
    expect(ours.events.filter((event) => event.kind === "flapping")).toEqual([]);
    expect(theirs.events.filter((event) => event.kind === "flapping").length).toBe(1);
    expect([...ours.judge.flapping(), ...theirs.judge.flapping()]).toEqual(["application@a"]);
  });

  test("what flapped is forgotten once it is steady, and when nobody looks there any more", async () => {
    const it = court();
    await sees(it, "application", "a", ".x".repeat(15));
    await sees(it, "application", "b", ".x".repeat(15));
    expect([...it.judge.flapping()]).toEqual(["application@a", "application@b"]);
    await sees(it, "application", "a", ".".repeat(30));
    expect([...it.judge.flapping()]).toEqual(["application@b"]);
    it.judge.enrol({ gone: ["application@b"], come: [] });
    expect([...it.judge.flapping()]).toEqual([]);
  });

  test("a reset forgets what was counted and keeps the verdicts", async () => {
    const it = court();
    await sees(it, "application", "a", "..xxx");
    it.judge.reset("a");
    expect(it.judge.states().get("application@a")).toMatchObject({ verdict: "unhealthy", failing: { count: 0 } });
    expect(it.judge.states().get("application@b")).toMatchObject({ verdict: "unknown", last: null });
    expect(it.judge.states().get("redis@site")).toBeUndefined();
  });
});

describe("incidents", () => {
  const status = (over: Partial<LookStatus>): LookStatus => ({ key: "application@a", check: "application", target: "a", critical: true, verdict: "unhealthy", since: 1_000, suppressedBy: null, inactive: null, ...over });

  test.each<[string, Partial<LookStatus>, boolean, number, readonly string[]]>([
    ["a critical failure notifies", {}, false, 1_000, ["notify"]],
    ["and pages after a minute", {}, false, 61_000, ["page"]],
    ["a failure that is not critical never pages", { critical: false }, false, 600_000, ["notify"]],
    ["nor does a degradation", { verdict: "degraded" }, false, 600_000, ["notify"]],
    ["what flaps is frozen", {}, true, 1_000, []],
    ["what is explained is not told", { suppressedBy: "shopify_api@site" }, false, 1_000, []],
    ["what is not known is not told", { verdict: "unknown" }, false, 1_000, []],
  ])("%s", async (_what, over, flapping, now, severities) => {
    const it = court();
    it.incidents.review(status(over), { flapping, doubted: false }, now);
    it.incidents.review(status(over), { flapping, doubted: false }, now);
    await it.incidents.flush();
    expect(it.alerts.map((alert) => alert.severity)).toEqual(severities);
  });
});
