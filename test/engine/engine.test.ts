import { describe, expect, test } from "vitest";
import { createMemoryStateStore } from "../../src/adapters/memory-state-store.ts";
import type { Engine } from "../../src/engine/engine.ts";
import type { Evidence } from "../../src/core/evidence.ts";
import { sleep } from "../../src/ports/clock.ts";
import type { EngineEvent } from "../../src/ports/events.ts";
import type { Look, PreparedProbe } from "../../src/ports/probe.ts";
import type { StateStore } from "../../src/ports/state-store.ts";
import type { Sign } from "../support/notation.ts";
import { look } from "../support/notation.ts";
import { checkOf, createWatch, createWatchedWorld, probeOf, RESTART } from "../support/watched-world.ts";
import type { WatchedWorld } from "../support/watched-world.ts";

const BY = { who: "ada", why: "we know", dryRun: false };

/** Healthy while a process runs and nothing else is said; a failing look is a wrong answer, not a refusal. */
function alive(world: WatchedWorld, over: () => Sign | null = () => null): (look: Look) => Sign {
  return () => over() ?? (world.processes.running.length > 0 ? "." : "x");
}

function kindsOf(events: readonly EngineEvent[], kind: EngineEvent["kind"]): readonly EngineEvent[] {
  return events.filter((event) => event.kind === kind);
}

function verdictsOf(events: readonly EngineEvent[], check = "application"): readonly string[] {
  return events.flatMap((event) => (event.kind === "verdict" && event.check === check ? [event.to] : []));
}

async function ledgerOf(world: WatchedWorld): Promise<readonly string[]> {
  return (await world.ledger.query({})).map((entry) => `${entry.kind}: ${entry.text}`);
}

async function healthy(world: WatchedWorld, engine: Engine): Promise<void> {
  await engine.start();
  await world.clock.advance(40_000);
  expect(engine.snapshot().status).toBe("healthy");
}

/** Runs `start` to its end on a clock that stands. */
async function started(world: WatchedWorld, engine: Engine): Promise<void> {
  const done = engine.start();
  await world.clock.advance(1);
  await done;
}

describe("a supervised application", () => {
  test("is not restarted by hand before what the last process left is settled", async () => {
    const world = createWatchedWorld();
    const engine = createWatch(world, { application: alive(world) });
    expect(await engine.restart({ ...BY, target: "app" })).toMatchObject({ kind: "refused", code: "FAILED", text: expect.stringContaining("starting") });
    expect(world.processes.started.length).toBe(0);
    await started(world, engine);
    expect(await engine.restart({ ...BY, dryRun: true, target: "app" })).not.toMatchObject({ text: expect.stringContaining("starting") });
  });

  test("is started when it does not run, and the site becomes healthy", async () => {
    const world = createWatchedWorld();
    const engine = createWatch(world, { application: alive(world) });
    await started(world, engine);
    expect(world.processes.running.length).toBe(1);
    await world.clock.advance(30_000);
    expect(engine.snapshot()).toMatchObject({ status: "healthy", openIntents: [] });
  });

  test("is adopted when it runs, and its exit is known at once and repaired once", async () => {
    const world = createWatchedWorld();
    const first = createWatch(world, { application: alive(world) });
    await healthy(world, first);
    await first.stop();
    const second = createWatch(world, { application: alive(world) });
    await healthy(world, second);
    expect(world.processes.started.length).toBe(1);

    const [running] = world.processes.running;
    if (running === undefined) throw new Error("nothing runs");
    world.events.length = 0;
    world.processes.kill(running.ref);
    await world.clock.advance(100);
    expect(verdictsOf(world.events)).toEqual(["unhealthy"]);
    await world.clock.advance(30_000);
    expect(verdictsOf(world.events)).toEqual(["unhealthy", "healthy"]);
    expect(world.processes.started.length).toBe(2);
    expect(world.processes.running.length).toBe(1);
    expect(kindsOf(world.events, "verified").length).toBe(1);
  });

  test("that cannot be asked for its process is watched all the same", async () => {
    const world = createWatchedWorld();
    world.processes.find = () => Promise.reject(new Error("no /proc here"));
    const engine = createWatch(world, { application: () => "." });
    await started(world, engine);
    await world.clock.advance(30_000);
    expect(engine.snapshot().status).toBe("healthy");
    expect(kindsOf(world.events, "troubled")[0]).toMatchObject({ where: "loop", detail: "app could not be adopted or started: no /proc here" });
  });

  test("that dies again and again is started with back-off, and a person is called after 5 failed starts", async () => {
    const world = createWatchedWorld();
    const engine = createWatch(world, { application: alive(world) });
    await healthy(world, engine);
    const began = world.clock.now();
    const starts: number[] = [];
    for (let tick = 0; tick < 700; tick += 1) {
      const [running] = world.processes.running;
      if (running !== undefined) world.clock.after(300, () => world.processes.kill(running.ref));
      if (world.processes.started.length > starts.length + 1) starts.push(Math.floor((world.clock.now() - began) / 1_000));
      await world.clock.advance(100);
    }
    expect(starts).toEqual([0, 1, 3, 7, 15, 31, 63]);
    expect(world.told.filter(({ alert }) => alert.reason === "restart_escalated").length).toBe(1);
    expect(kindsOf(world.events, "flapping")).toEqual([]);
  });

  test("answering wrongly three times in a row is restarted, and the exit that the restart causes is not taken for a crash", async () => {
    const world = createWatchedWorld();
    let broken = false;
    const engine = createWatch(world, { application: alive(world, () => (broken && world.processes.started.length === 1 ? "x" : null)) });
    await healthy(world, engine);
    world.events.length = 0;
    broken = true;
    await world.clock.advance(60_000);
    expect(verdictsOf(world.events)).toEqual(["unhealthy", "healthy"]);
    expect(world.processes.started.length).toBe(2);
    const exits = world.events.filter((event) => event.kind === "observed" && event.seen.kind === "fail" && event.seen.cause === "exited");
    expect(exits).toEqual([]);
  });

  test("that stays broken is counted anew after each restart, and looked at every 2 s until it is known whether it helped", async () => {
    const world = createWatchedWorld();
    let broken = false;
    const engine = createWatch(world, { application: alive(world, () => (broken ? "x" : null)) });
    await healthy(world, engine);
    broken = true;
    while (world.processes.started.length === 1) await world.clock.advance(100);
    const looks = kindsOf(world.events, "observed").length;
    await world.clock.advance(200);
    expect(engine.snapshot().looks[0]).toMatchObject({ verdict: "unhealthy", run: { level: "fail", count: 1 } });
    await world.clock.advance(8_200);
    expect(kindsOf(world.events, "observed").length - looks).toBe(5);
  });

  test("a look that began before a restart says nothing about what runs after it", async () => {
    const world = createWatchedWorld();
    let slow = false;
    const probe: PreparedProbe = {
      run: (asked) => (slow ? new Promise((resolve) => world.clock.after(900, () => resolve(look("x", world.clock.now())))) : probeOf(world.clock, alive(world)).run(asked)),
      close: async () => undefined,
    };
    const engine = createWatch(world, { application: alive(world) }, { probes: new Map([["application", probe]]) });
    await healthy(world, engine);
    slow = true;
    while (engine.snapshot().looks[0]?.nextLookAt !== null) await world.clock.advance(10);
    slow = false;
    const [running] = world.processes.running;
    if (running === undefined) throw new Error("nothing runs");
    world.processes.kill(running.ref);
    world.events.length = 0;
    await world.clock.advance(1_500);
    expect(world.processes.started.length).toBe(2);
    const causes = world.events.flatMap((event) => (event.kind === "observed" && event.seen.kind === "fail" ? [event.seen.cause] : []));
    expect(causes).toEqual(["exited"]);
  });

  test("a look that began before a living process was restarted is not held against the new one", async () => {
    const world = createWatchedWorld();
    let slow = false;
    const probe: PreparedProbe = {
      run: (asked) => (slow ? new Promise((resolve) => world.clock.after(900, () => resolve(look("x", world.clock.now())))) : probeOf(world.clock, alive(world)).run(asked)),
      close: async () => undefined,
    };
    const engine = createWatch(world, { application: alive(world) }, { probes: new Map([["application", probe]]) });
    await healthy(world, engine);
    slow = true;
    while (engine.snapshot().looks[0]?.nextLookAt !== null) await world.clock.advance(10);
    slow = false;
    world.events.length = 0;
    const restarted = engine.restart({ ...BY, target: "app" });
    await world.clock.advance(1_500);
    expect((await restarted).kind).toBe("done");
    expect(world.processes.started.length).toBe(2);
    const seen = world.events.flatMap((event) => (event.kind === "observed" ? [event.seen.kind] : []));
    expect(seen).not.toContain("fail");
    expect(seen).toContain("pass");
  });

  test("with good pages through the gateway a restart is held, and `why` says so", async () => {
    const world = createWatchedWorld();
    let broken = false;
    const engine = createWatch(world, { application: alive(world, () => (broken ? "x" : null)) });
    const evidence = (): Evidence => ({ lastGoodAt: world.clock.now(), lastFailedAt: null, succeeded: 9, failed: 0, inFlight: 0, oldestInFlightMs: 0, copies: 3 });
    engine.evidenceFrom("app", evidence);
    await healthy(world, engine);
    broken = true;
    await world.clock.advance(60_000);
    expect(world.processes.started.length).toBe(1);
    expect(engine.why("app")?.holds[0]).toMatchObject({ policy: "pod_restart", guard: "evidence" });
    expect(engine.why("app")?.lines.join("\n")).toContain("pod_restart holds (evidence)");
    expect(engine.snapshot().policies[0]?.lastHold?.guard).toBe("evidence");
  });

  test("what the gateway sees brings the look at once", async () => {
    const world = createWatchedWorld();
    const engine = createWatch(world, { application: alive(world) });
    await healthy(world, engine);
    const before = kindsOf(world.events, "observed").length;
    engine.gatewayTrouble("app", "connect error");
    await world.clock.advance(200);
    expect(kindsOf(world.events, "observed").length - before).toBe(1);
    expect(engine.why("app")?.lines).toContain("the gateway last saw it fail 200ms ago: connect error");
  });
});

describe("orders", () => {
  test("a pause holds, survives our own restart, and ends by itself or by resume", async () => {
    const world = createWatchedWorld();
    let broken = false;
    const sees = { application: alive(world, () => (broken && world.processes.started.length === 1 ? "x" : null)) };
    const first = createWatch(world, sees);
    await healthy(world, first);
    expect(await first.pause({ ...BY, scope: { kind: "target", target: "app" }, forMs: 3_600_000 })).toMatchObject({ kind: "done" });
    await first.stop();

    const second = createWatch(world, sees);
    await healthy(world, second);
    broken = true;
    await world.clock.advance(60_000);
    expect(world.processes.started.length).toBe(1);
    expect(second.why("app")?.holds[0]?.guard).toBe("pause");
    expect(second.why("app")?.pauses[0]).toMatchObject({ by: "ada", why: "we know" });

    expect(await second.resume({ ...BY, scope: { kind: "target", target: "app" } })).toMatchObject({ kind: "done" });
    await world.clock.advance(1_000);
    expect(world.processes.started.length).toBe(2);
    expect(await second.resume({ ...BY, scope: { kind: "target", target: "app" } })).toMatchObject({ kind: "refused", code: "NOTHING_TO_DO" });
    expect(await ledgerOf(world)).toContain("manual: paused target app for 1h: we know");
  });

  test("a policy in observe mode only says what it would do, until it is promoted, which outlives us", async () => {
    const world = createWatchedWorld();
    let broken = false;
    const sees = { application: alive(world, () => (broken && world.processes.started.length === 1 ? "x" : null)) };
    const over = { policies: [{ ...RESTART, mode: "observe" as const }] };
    const first = createWatch(world, sees, over);
    await healthy(world, first);
    broken = true;
    await world.clock.advance(60_000);
    expect(world.processes.started.length).toBe(1);
    expect(first.why("app")?.holds[0]?.guard).toBe("mode");

    expect(await first.promote({ ...BY, policy: "pod_restart", mode: "act" })).toMatchObject({ kind: "done" });
    await world.clock.advance(1_000);
    expect(world.processes.started.length).toBe(2);
    await first.stop();
    const second = createWatch(world, sees, over);
    await started(world, second);
    expect(second.snapshot().policies[0]?.mode).toBe("act");
  });

  test("a person restarts at once; what they may not is refused with a code; a dry run changes nothing", async () => {
    const world = createWatchedWorld();
    const engine = createWatch(world, { application: alive(world) });
    await healthy(world, engine);
    await world.clock.advance(60_000);
    const rows = world.rows.size;
    expect(await engine.restart({ ...BY, dryRun: true, target: "app" })).toMatchObject({ kind: "would" });
    expect(await engine.pause({ ...BY, dryRun: true, scope: { kind: "all" }, forMs: null })).toMatchObject({ kind: "would" });
    expect(world.rows.size).toBe(rows);
    expect(world.processes.started.length).toBe(1);

    const done = await engine.restart({ ...BY, target: "app" });
    expect(done).toMatchObject({ kind: "done" });
    expect(done.kind === "done" ? done.actionId : "").not.toBe("");
    expect(world.processes.started.length).toBe(2);
    expect(await engine.restart({ ...BY, target: "nothing" })).toMatchObject({ kind: "refused", code: "UNKNOWN_TARGET" });
    expect(await engine.pause({ ...BY, scope: { kind: "policy", policy: "nothing" }, forMs: null })).toMatchObject({ kind: "refused", code: "UNKNOWN_POLICY" });
    expect(await engine.acknowledge({ ...BY, target: "app", check: "nothing", forMs: null })).toMatchObject({ kind: "refused", code: "UNKNOWN_CHECK" });
  });

  test("an acknowledgement ends when the look is healthy again", async () => {
    const world = createWatchedWorld();
    let broken = false;
    const engine = createWatch(world, { application: alive(world, () => (broken ? "x" : null)) }, { policies: [] });
    await healthy(world, engine);
    broken = true;
    await world.clock.advance(20_000);
    expect(await engine.acknowledge({ ...BY, target: "app", check: "application", forMs: null })).toMatchObject({ kind: "done" });
    expect(engine.snapshot().acknowledgements.length).toBe(1);
    broken = false;
    await world.clock.advance(20_000);
    expect(engine.snapshot()).toMatchObject({ status: "healthy", acknowledgements: [] });
    expect([...world.rows.keys()].filter((key) => key.startsWith("ack/"))).toEqual([]);
  });
});

describe("who is told", () => {
  const told = (world: WatchedWorld): readonly string[] => world.told.map(({ route, alert }) => `${route} ${alert.state} ${alert.reason} ${alert.severity}`);

  test("an incident notifies once, pages after a minute, and is resolved to both under one key", async () => {
    const world = createWatchedWorld();
    let broken = false;
    const engine = createWatch(world, { application: alive(world, () => (broken ? "x" : null)) }, { policies: [] });
    await healthy(world, engine);
    broken = true;
    await world.clock.advance(40_000);
    expect(told(world)).toEqual(["team firing check_unhealthy notify"]);
    await world.clock.advance(200_000);
    broken = false;
    await world.clock.advance(20_000);
    expect(told(world)).toEqual(["team firing check_unhealthy notify", "on_call firing check_unhealthy page", "team resolved check_unhealthy notify", "on_call resolved check_unhealthy page"]);
    expect(new Set(world.told.map(({ alert }) => alert.key)).size).toBe(1);
    expect([...world.rows.keys()].filter((key) => key.startsWith("incident/"))).toEqual([]);
  });

  test("an incident is not told again by the next process, and its end is told by it", async () => {
    const world = createWatchedWorld();
    let broken = false;
    const sees = { application: alive(world, () => (broken ? "x" : null)) };
    const first = createWatch(world, sees, { policies: [] });
    await healthy(world, first);
    broken = true;
    await world.clock.advance(30_000);
    await first.stop();
    const second = createWatch(world, sees, { policies: [] });
    await started(world, second);
    await world.clock.advance(25_000);
    broken = false;
    await world.clock.advance(20_000);
    expect(told(world).filter((line) => line.startsWith("team"))).toEqual(["team firing check_unhealthy notify", "team resolved check_unhealthy notify"]);
    expect(new Set(world.told.map(({ alert }) => alert.key)).size).toBe(1);
  });

  test("four looks that could not be made are blindness, not an outage", async () => {
    const world = createWatchedWorld();
    let blind = false;
    const engine = createWatch(world, { application: alive(world, () => (blind ? "?" : null)) });
    await healthy(world, engine);
    blind = true;
    await world.clock.advance(60_000);
    blind = false;
    await world.clock.advance(15_000);
    expect(told(world)).toEqual(["team firing cannot_see notify", "team resolved cannot_see notify"]);
    expect(world.processes.started.length).toBe(1);
    expect(engine.snapshot().status).toBe("healthy");
  });

  test("an acknowledged incident is told no more, and a suppressed one is never", async () => {
    const world = createWatchedWorld();
    let broken = false;
    const checks = [checkOf("shopify_api", { targets: ["site"] }), checkOf("page", { dependsOn: ["shopify_api"] })];
    const engine = createWatch(world, { shopify_api: () => (broken ? "x" : "."), page: () => (broken && engine.snapshot().causes.length > 0 ? "x" : ".") }, { checks, policies: [] });
    await healthy(world, engine);
    broken = true;
    await world.clock.advance(40_000);
    expect(engine.snapshot().looks.map((look) => [look.check, look.verdict, look.suppressedBy])).toEqual([["shopify_api", "unhealthy", null], ["page", "unhealthy", "shopify_api@site"]]);
    await engine.acknowledge({ ...BY, target: "site", check: "shopify_api", forMs: null });
    await world.clock.advance(200_000);
    expect(world.told.map(({ alert }) => alert.target)).toEqual(["site"]);
  });

  test("flapping freezes the verdict's alerts and is told once", async () => {
    const world = createWatchedWorld();
    let looks = 0;
    let flapping = false;
    const engine = createWatch(world, { application: alive(world, () => (flapping && Math.floor((looks += 1) / 3) % 2 === 0 ? "x" : null)) }, { policies: [] });
    await healthy(world, engine);
    flapping = true;
    await world.clock.advance(200_000);
    expect(told(world).filter((line) => line.includes("check_flapping"))).toEqual(["team firing check_flapping notify"]);
    expect(engine.why("app")?.lines.join("\n")).toContain("flaps");
  });
});

describe("what is shown", () => {
  test("a snapshot is JSON-safe, a copy, and names the next look", async () => {
    const world = createWatchedWorld();
    const engine = createWatch(world, { application: alive(world) }, { checks: [checkOf("application"), checkOf("redis", { inactive: "no Redis is configured", targets: ["site"] })] });
    await healthy(world, engine);
    const shown = engine.snapshot();
    expect(JSON.parse(JSON.stringify(shown))).toEqual(shown);
    expect(shown.looks).toMatchObject([
      { key: "application@app", verdict: "healthy", inactive: null, run: { level: "pass" } },
      { key: "redis@site", verdict: "unknown", inactive: "no Redis is configured", nextLookAt: null },
    ]);
    expect(shown.looks[0]?.nextLookAt ?? 0).toBeGreaterThan(shown.at);
    expect(engine.why("nothing")).toBeNull();
    expect(engine.why("site")?.lines[0]).toBe("site is healthy");
  });

  test("each verdict and status change is one line of the ledger", async () => {
    const world = createWatchedWorld();
    let broken = false;
    const engine = createWatch(world, { application: alive(world, () => (broken ? "x" : null)) }, { policies: [] });
    await healthy(world, engine);
    broken = true;
    await world.clock.advance(60_000);
    await engine.idle();
    const lines = (await ledgerOf(world)).filter((line) => line.startsWith("verdict") || line.startsWith("status"));
    expect(lines).toEqual([
      "verdict: application is healthy (was unknown): last look passed in 20ms",
      "status: the site is healthy (was unknown)",
      "verdict: application is unhealthy (was healthy): last look failed (status): 503",
      "status: the site is unhealthy (was healthy): application of app is unhealthy",
    ]);
  });

  test("a listener hears events until it ends its subscription", async () => {
    const world = createWatchedWorld();
    const engine = createWatch(world, { application: alive(world) });
    const heard: string[] = [];
    const end = engine.subscribe((event) => heard.push(event.kind));
    await healthy(world, engine);
    expect(heard).toContain("status");
    end();
    const before = heard.length;
    await world.clock.advance(60_000);
    expect(heard.length).toBe(before);
  });

  test("after the end nothing happens any more, and the application is left running", async () => {
    const world = createWatchedWorld();
    const engine = createWatch(world, { application: alive(world) });
    await healthy(world, engine);
    await engine.stop();
    const before = world.events.length;
    await world.clock.advance(120_000);
    expect(world.events.length).toBe(before);
    expect(world.processes.running.length).toBe(1);
    expect(world.clock.waiting).toBe(0);
  });
});

test("a new leader's time of looking begins when what an earlier one left is settled, however long that took", async () => {
  const world = createWatchedWorld();
  const { clock } = world;
  const kept = createMemoryStateStore(world.rows);
  const store: StateStore = {
    get: (key) => kept.get(key), put: (...row) => kept.put(...row), delete: (key) => kept.delete(key), close: () => kept.close(),
    list: async (prefix, limit) => sleep(clock, prefix === "intent/" ? 3_000 : 0).then(() => kept.list(prefix, limit)),
  };
  const engine = createWatch(world, { application: () => "x" }, { store, watchFirst: 20_000, supervised: null });
  const made = clock.now();
  let settled = 0;
  void engine.start().then(() => (settled = clock.now()));
  await clock.advance(60_000);
  expect(settled - made).toBe(3_000);
  const until = world.events.flatMap((event) => (event.kind === "decided" && event.decision.kind === "hold" && event.decision.guard === "settling" ? [event.decision.until] : []));
  expect(until[0]).toBe(settled + 20_000);
  await engine.stop();
});

test("what keeps a policy from being carried out is asked at each step, and the reason is the one of that moment", async () => {
  const world = createWatchedWorld();
  let missing: string | null = "missing right: create pods/eviction";
  const engine = createWatch(world, { application: alive(world, () => (world.processes.running.length < 2 ? "x" : ".")) }, { unavailable: () => missing });
  void engine.start();
  await world.clock.advance(90_000);
  const holds = world.events.flatMap((event) => (event.kind === "decided" && event.decision.kind === "hold" ? [[event.decision.guard, event.decision.reason]] : []));
  expect(holds[0]).toEqual(["unavailable", `would restart_pod, but ${missing}`]);
  expect(engine.snapshot().policies.map(({ unavailable }) => unavailable)).toEqual([missing]);
  missing = null;
  await world.clock.advance(60_000);
  expect(engine.snapshot().policies.map(({ unavailable }) => unavailable)).toEqual([null]);
  expect(world.events.some((event) => event.kind === "decided" && event.decision.kind === "act")).toBe(true);
  await engine.stop();
});
