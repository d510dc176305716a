/** What becomes of an open incident when a process or a configuration of ours ends. */
import { describe, expect, test } from "vitest";
import type { CheckSpec } from "../../src/core/check.ts";
import type { Engine } from "../../src/engine/engine.ts";
import type { Look } from "../../src/ports/probe.ts";
import type { Sign } from "../support/notation.ts";
import { checkOf, createWatch, createWatchedWorld } from "../support/watched-world.ts";
import type { WatchedWorld } from "../support/watched-world.ts";

const BY = { who: "ada", why: "we know", dryRun: false };

/** Alerts of incidents; those of actions are their own. */
const alerts = (world: WatchedWorld) => world.told.filter(({ alert }) => !alert.reason.startsWith("action_"));
const told = (world: WatchedWorld): readonly string[] => alerts(world).map(({ route, alert }) => `${route} ${alert.state} ${alert.severity}: ${alert.summary}`);
const states = (world: WatchedWorld): readonly string[] => alerts(world).map(({ alert }) => `${alert.state} ${alert.reason}`);
const keys = (world: WatchedWorld): number => new Set(alerts(world).map(({ alert }) => alert.key)).size;
const incidents = (world: WatchedWorld): readonly string[] => [...world.rows.keys()].filter((key) => key.startsWith("incident/"));

async function notes(world: WatchedWorld): Promise<readonly string[]> {
  return (await world.ledger.query({ kinds: ["note"] })).map((entry) => `${entry.subject} of ${entry.target}: ${entry.text}`);
}

/** Starts an engine that acts on nothing, and lets it watch for a while. */
async function watched(world: WatchedWorld, sees: Readonly<Record<string, (look: Look) => Sign>>, forMs: number, checks?: readonly CheckSpec[]): Promise<Engine> {
  const engine = createWatch(world, sees, { policies: [], ...(checks === undefined ? {} : { checks }) });
  const start = engine.start();
  await world.clock.advance(forMs);
  await start;
  return engine;
}

describe("an incident whose look nobody makes any more", () => {
  test.each<[string, readonly CheckSpec[], string]>([
    ["its check was removed", [checkOf("application")], "the check is no longer configured"],
    ["its check was disabled", [checkOf("application"), checkOf("page", { inactive: "disabled in shopkeeper.yaml" })], "the check is inactive: disabled in shopkeeper.yaml"],
    ["its check looks elsewhere", [checkOf("application"), checkOf("page", { targets: ["site"] })], "the check no longer looks at app"],
  ])("is over when %s: told where it was told, closed, and in the ledger", async (_how, checks, why) => {
    const world = createWatchedWorld();
    const first = await watched(world, { application: () => ".", page: () => "x" }, 120_000);
    expect(incidents(world)).toEqual(["incident/check_unhealthy/page@app"]);
    await first.stop();
    world.told.length = 0;

    const second = await watched(world, { application: () => ".", page: () => "." }, 40_000, checks);
    expect(told(world)).toEqual([
      `team resolved notify: over: page of app is unhealthy; ${why}`,
      `on_call resolved page: over: page of app is unhealthy; ${why}`,
    ]);
    expect(incidents(world)).toEqual([]);
    await second.stop();
    expect(await notes(world)).toContain(`page of app: no longer an incident: page of app is unhealthy; ${why}`);
    expect(second.snapshot().looks.find((look) => look.check === "application")?.verdict).toBe("healthy");
  });

  test("has the key that it was opened with", async () => {
    const world = createWatchedWorld();
    await (await watched(world, { application: () => ".", page: () => "x" }, 60_000)).stop();
    await watched(world, { application: () => "." }, 1_000);
    expect(keys(world)).toBe(1);
    expect(alerts(world).at(-1)?.alert.state).toBe("resolved");
  });

  test("is in the ledger also when nobody was told of it", async () => {
    const world = createWatchedWorld();
    let broken = false;
    const first = await watched(world, { application: () => ".", page: () => (broken ? "x" : ".") }, 30_000);
    await first.acknowledge({ ...BY, target: "app", check: "page", forMs: 3_600_000 });
    broken = true;
    await world.clock.advance(120_000);
    await first.stop();
    expect(told(world)).toEqual([]);
    await (await watched(world, { application: () => "." }, 1_000)).stop();
    expect([told(world), incidents(world)]).toEqual([[], []]);
    expect(await notes(world)).toContain("page of app: no longer an incident: page of app is unhealthy; the check is no longer configured");
  });

  test("takes its acknowledgement along, so that a later check of that name is not silent", async () => {
    const world = createWatchedWorld();
    let broken = true;
    const first = await watched(world, { application: () => ".", page: () => (broken ? "x" : ".") }, 60_000);
    await first.acknowledge({ ...BY, target: "app", check: "page", forMs: null });
    await first.stop();
    await (await watched(world, { application: () => "." }, 1_000)).stop();
    world.told.length = 0;
    const third = await watched(world, { application: () => ".", page: () => (broken ? "x" : ".") }, 40_000);
    expect(told(world)).toEqual(["team firing notify: page of app is unhealthy"]);
    broken = false;
    await third.stop();
  });

  test("one that is still looked at stays open, and is told no second time", async () => {
    const world = createWatchedWorld();
    await (await watched(world, { application: () => ".", page: () => "x" }, 120_000)).stop();
    world.told.length = 0;
    await watched(world, { application: () => ".", page: () => "x" }, 120_000);
    expect([told(world), incidents(world)]).toEqual([[], ["incident/check_unhealthy/page@app"]]);
  });
});

describe("an incident of another sort that an earlier process left", () => {
  test("flapping is over with the process that froze the actions", async () => {
    const world = createWatchedWorld();
    let looks = 0;
    await (await watched(world, { application: () => (Math.floor((looks += 1) / 3) % 2 === 0 ? "x" : ".") }, 240_000)).stop();
    expect(incidents(world)).toContain("incident/check_flapping/application@app");
    world.told.length = 0;
    await watched(world, { application: () => "." }, 40_000);
    expect(told(world)).toContain("team resolved notify: over: application of app flaps: actions on it are frozen");
    expect(incidents(world)).toEqual([]);
  });

  test("blindness ends with the first look that sees, not with the first one made", async () => {
    const world = createWatchedWorld();
    let blind = true;
    const sees = { application: (): Sign => (blind ? "?" : ".") };
    await (await watched(world, sees, 60_000)).stop();
    expect(states(world)).toEqual(["firing cannot_see"]);
    await watched(world, sees, 60_000);
    expect(states(world)).toHaveLength(1);
    blind = false;
    await world.clock.advance(20_000);
    expect(states(world)).toEqual(["firing cannot_see", "resolved cannot_see"]);
    expect(keys(world)).toBe(1);
  });

  test("blindness ends though a restart by hand has reset what was counted", async () => {
    const world = createWatchedWorld();
    let blind = true;
    const engine = await watched(world, { application: (): Sign => (blind ? "?" : ".") }, 60_000);
    const restarted = engine.restart({ ...BY, target: "app" });
    await world.clock.advance(500);
    expect((await restarted).kind).toBe("done");
    blind = false;
    await world.clock.advance(20_000);
    expect(states(world)).toEqual(["firing cannot_see", "resolved cannot_see"]);
  });

  test("one that cannot be read is said and left alone", async () => {
    const world = createWatchedWorld();
    world.rows.set("incident/x", { key: "incident/x", value: "{}", revision: 1 });
    await watched(world, { application: () => "." }, 20_000);
    expect(world.events.find((event) => event.kind === "troubled")).toMatchObject({ where: "state", detail: "stored incident incident/x cannot be understood; it is left where it is" });
    expect(world.rows.has("incident/x")).toBe(true);
  });
});
