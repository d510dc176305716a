import { describe, expect, test } from "vitest";
import type { Roster } from "../../src/core/roster.ts";
import { rosterChange } from "../../src/core/roster.ts";
import type { Target } from "../../src/core/target.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { INCIDENT_PREFIX } from "../../src/engine/incidents.ts";
import { Roll, SHARED } from "../../src/engine/roll.ts";
import type { Look } from "../../src/ports/probe.ts";
import type { Sign } from "../support/notation.ts";
import { checkOf, createWatch, createWatchedWorld } from "../support/watched-world.ts";
import type { WatchedWorld } from "../support/watched-world.ts";

const pod = (name: string): Target => ({ id: `pod/${name}`, kind: "pod", workload: "storefront" });

function rosterOf(...names: readonly string[]): Roster {
  const targets = names.map(pod);
  return { targets, checks: [checkOf("application", { targets: targets.map(({ id }) => id) })], startupGrace: new Map(targets.map(({ id }) => [id, 30_000])) };
}

/** An engine that watches pods; `ill` says which of them fail. */
async function watching(world: WatchedWorld, ill: ReadonlySet<string>, ...names: readonly string[]): Promise<Engine> {
  const sees = ({ target }: Look): Sign => (ill.has(target.id) ? "x" : ".");
  const engine = createWatch(world, { application: sees }, { ...rosterOf(...names), supervised: null, policies: [] });
  await engine.start();
  return engine;
}

const looksOf = (engine: Engine): readonly (readonly [string, string])[] => engine.snapshot().looks.map((look) => [look.target, look.verdict]);

describe("rosterChange", () => {
  test("names what is gone and what has come, looks and targets", () => {
    expect(rosterChange(rosterOf("a", "b"), rosterOf("b", "c"))).toEqual({
      gone: ["application@pod/a"], come: ["application@pod/c"], goneTargets: ["pod/a"], comeTargets: ["pod/c"],
    });
  });

  test("a check that became inactive looks at nothing", () => {
    const after = { ...rosterOf("a"), checks: [checkOf("application", { targets: ["pod/a"], inactive: "disabled" })] };
    expect(rosterChange(rosterOf("a"), after)).toMatchObject({ gone: ["application@pod/a"], goneTargets: [] });
  });
});

describe("the roll", () => {
  test("knows the site beside the roster's targets, and forgets what is gone", () => {
    const roll = new Roll(rosterOf("a"));
    expect([roll.target("site"), roll.target("pod/a")?.id, roll.looksAt("application", "pod/a")]).toEqual([SHARED, "pod/a", true]);
    roll.take(rosterOf("b"));
    expect([roll.target("pod/a"), roll.looksAt("application", "pod/a"), roll.looksAt("application", "pod/b")]).toEqual([null, false, true]);
  });
});

describe("an engine whose targets come and go", () => {
  test("looks at what has come, and no more at what is gone", async () => {
    const world = createWatchedWorld();
    const engine = await watching(world, new Set(), "a", "b");
    await world.clock.advance(40_000);
    expect(looksOf(engine)).toEqual([["pod/a", "healthy"], ["pod/b", "healthy"]]);
    engine.enrol(rosterOf("b", "c"));
    expect(looksOf(engine)).toEqual([["pod/b", "healthy"], ["pod/c", "unknown"]]);
    world.events.length = 0;
    await world.clock.advance(40_000);
    expect(looksOf(engine)).toEqual([["pod/b", "healthy"], ["pod/c", "healthy"]]);
    expect(new Set(world.events.flatMap((event) => (event.kind === "observed" ? [event.target] : [])))).toEqual(new Set(["pod/b", "pod/c"]));
  });

  test("what a look under way would say of one that is gone is dropped", async () => {
    const world = createWatchedWorld();
    const engine = await watching(world, new Set(["pod/a"]), "a");
    // Until it looks.
    for (let step = 0; step < 3_000 && engine.snapshot().looks[0]?.nextLookAt !== null; step += 1) await world.clock.advance(5);
    expect(engine.snapshot().looks[0]?.nextLookAt).toBeNull();
    world.events.length = 0;
    engine.enrol(rosterOf("b"));
    await world.clock.advance(1_000);
    expect(world.events.some((event) => event.kind === "observed" && event.target === "pod/a")).toBe(false);
    expect(looksOf(engine)).toEqual([["pod/b", "unknown"]]);
  });

  test("the site is what is left of it, and open incidents of what is gone are over", async () => {
    const world = createWatchedWorld();
    const engine = await watching(world, new Set(["pod/a"]), "a", "b");
    await world.clock.advance(60_000);
    expect(engine.snapshot().status).toBe("unhealthy");
    expect([...world.rows.keys()].filter((key) => key.startsWith(INCIDENT_PREFIX)).length).toBe(1);
    engine.enrol(rosterOf("b"));
    expect(engine.snapshot()).toMatchObject({ status: "healthy", causes: [] });
    await engine.idle();
    expect([...world.rows.keys()].filter((key) => key.startsWith(INCIDENT_PREFIX))).toEqual([]);
    expect(world.told.map(({ alert }) => alert.state)).toEqual(["firing", "resolved"]);
    expect(world.told.at(-1)?.alert.summary).toContain("no longer looks at pod/a");
  });

  test("the same roster again changes nothing", async () => {
    const world = createWatchedWorld();
    const engine = await watching(world, new Set(), "a");
    await world.clock.advance(40_000);
    engine.enrol(rosterOf("a"));
    expect(looksOf(engine)).toEqual([["pod/a", "healthy"]]);
  });

  test("a person may order nothing for what is gone", async () => {
    const world = createWatchedWorld();
    const engine = await watching(world, new Set(), "a");
    engine.enrol(rosterOf("b"));
    expect(await engine.restart({ who: "ada", why: "x", dryRun: true, target: "pod/a" })).toMatchObject({ kind: "refused", code: "UNKNOWN_TARGET" });
    expect(engine.why("pod/a")).toBeNull();
    expect(engine.why("pod/b")?.target).toBe("pod/b");
  });
});
