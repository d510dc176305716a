import { describe, expect, test } from "vitest";
import type { Alert } from "../../src/core/alert.ts";
import type { EngineParts } from "../../src/engine/engine.ts";
import { createMemoryStateStore } from "../../src/adapters/memory-state-store.ts";
import type { StateLoss, StateStore } from "../../src/ports/state-store.ts";
import { LOSS_PREFIX } from "../../src/ports/state-store.ts";
import { createWatch, createWatchedWorld, RESTART } from "../support/watched-world.ts";
import type { WatchedWorld } from "../support/watched-world.ts";

const LOSS: StateLoss = { at: 990_000, keptAs: "shopkeeper.db.corrupt-1", problem: "file is not a database" };
const KEY = `${LOSS_PREFIX}1`;

function lose(world: WatchedWorld, value = JSON.stringify(LOSS)): void {
  world.rows.set(KEY, { key: KEY, value, revision: 1 });
}

async function start(world: WatchedWorld, over: Partial<EngineParts> = {}) {
  const engine = createWatch(world, { application: () => "." }, { policies: [], ...over });
  const done = engine.start();
  await world.clock.advance(1);
  await done;
  return engine;
}

/** The same store but for some of its methods. */
function storeWith(store: StateStore, over: Partial<StateStore>): StateStore {
  return {
    get: (key) => store.get(key), list: (prefix, limit) => store.list(prefix, limit), put: (key, value, ifRevision) => store.put(key, value, ifRevision),
    delete: (key) => store.delete(key), close: () => store.close(), ...over,
  };
}

const told = (world: WatchedWorld): readonly string[] => world.told.map(({ route, alert }) => `${route} ${alert.severity} ${alert.reason}`);

async function notes(world: WatchedWorld): Promise<readonly string[]> {
  return (await world.ledger.query({ kinds: ["note"] })).map((entry) => entry.text);
}

describe("state that was lost", () => {
  test("pages, says where the damaged file is and what is not known any more, and stands in the ledger", async () => {
    const world = createWatchedWorld();
    lose(world);
    await start(world);
    expect(told(world)).toEqual(["on_call page state_lost"]);
    const summary = "state was lost: it was found damaged (file is not a database), is kept as shopkeeper.db.corrupt-1, and was begun anew. Actions that were under way, pauses, acknowledgements, promoted modes and the ledger of before are not known";
    expect(world.told[0]?.alert).toMatchObject({ state: "firing", target: "site", startedAt: LOSS.at, summary, runbook: "docs/runbooks/state-lost.md", details: { keptAs: LOSS.keptAs, problem: LOSS.problem } });
    expect(await notes(world)).toEqual([summary]);
  });

  test("is told once, whatever starts after it", async () => {
    const world = createWatchedWorld();
    lose(world);
    await (await start(world)).stop();
    await (await start(world)).stop();
    expect(told(world)).toHaveLength(1);
    expect(world.rows.has(KEY)).toBe(false);
  });

  test("is told again under the same key when we died before it was forgotten, and is one entry of the ledger", async () => {
    const world = createWatchedWorld();
    const alerts: Alert[] = [];
    const store = createMemoryStateStore(world.rows);
    const outbox = { enqueue: async (_route: string, alert: Alert) => void alerts.push(alert) };
    lose(world);
    await (await start(world, { outbox, store: storeWith(store, { delete: () => Promise.reject(new Error("died here")) }) })).stop();
    await start(world, { outbox, store });
    expect(alerts.map((alert) => alert.key)).toEqual([alerts[0]?.key, alerts[0]?.key]);
    expect(await notes(world)).toHaveLength(1);
    expect(world.rows.has(KEY)).toBe(false);
  });

  test("while the engine runs is told at once", async () => {
    const world = createWatchedWorld();
    const engine = await start(world);
    expect(told(world)).toEqual([]);
    lose(world);
    await engine.stateLost();
    expect(told(world)).toEqual(["on_call page state_lost"]);
  });

  test("in use keeps what memory still knows: a later process finds orders and incidents, and is told so", async () => {
    const world = createWatchedWorld();
    let sign: "." | "x" = "x";
    const policy = { ...RESTART, unavailable: "not here" };
    const watch = () => createWatch(world, { application: () => sign }, { policies: [policy] });
    const engine = watch();
    const started = engine.start();
    await world.clock.advance(30_000);
    await started;
    const order = { who: "ada", why: "a sale", dryRun: false };
    await engine.pause({ ...order, scope: { kind: "all" }, forMs: null });
    await engine.acknowledge({ ...order, target: "app", check: "application", forMs: null });
    await engine.promote({ ...order, policy: policy.name, mode: "observe" });
    await engine.idle();
    const kept = [...world.rows.keys()].filter((key) => /^(?:pause|ack|mode|incident)\//.test(key));
    world.rows.clear();
    lose(world);
    await engine.stateLost();
    expect([...world.rows.keys()].filter((key) => kept.includes(key)).toSorted()).toEqual(kept.toSorted());
    const counts = "pauses: 1, acknowledgements: 1, modes: 1, open incidents: 1";
    expect((await notes(world)).at(-1)).toContain(`What was still in memory was kept (${counts}).`);
    expect(world.told.at(-1)?.alert.details).toMatchObject({ kept: counts });
    const stopped = engine.stop();
    await world.clock.advance(2_000);
    await stopped;

    const next = watch();
    sign = ".";
    const again = next.start();
    await world.clock.advance(1);
    await again;
    expect(next.snapshot()).toMatchObject({ pauses: [{ by: "ada" }], acknowledgements: [{ check: "application" }], policies: [{ mode: "observe" }] });
    await world.clock.advance(60_000);
    await next.idle();
    expect(world.told.map(({ alert }) => `${alert.reason} ${alert.state}`)).toContain("check_unhealthy resolved");
  });

  test("in use is told in the same words after a crash between keeping and telling", async () => {
    const world = createWatchedWorld();
    const engine = await start(world, { outbox: { enqueue: () => Promise.reject(new Error("full")) } });
    lose(world);
    await engine.stateLost();
    const stopped = engine.stop();
    await world.clock.advance(2_000);
    await stopped;
    await start(world);
    expect(world.told[0]?.alert.summary).toContain("was kept (pauses: 0, acknowledgements: 0, modes: 0, open incidents: 0)");
  });

  test("that could not be told is told later, ever more seldom, and once", async () => {
    const world = createWatchedWorld();
    const tries: number[] = [];
    const outbox = {
      enqueue: async (route: string, alert: Alert) => {
        tries.push(world.clock.now());
        if (tries.length < 4) throw new Error("full");
        world.told.push({ route, alert });
      },
    };
    const began = world.clock.now();
    lose(world);
    await start(world, { outbox });
    await world.clock.advance(600_000);
    expect(tries.map((at) => at - began)).toEqual([0, 5_000, 15_000, 35_000]);
    expect(told(world)).toEqual(["on_call page state_lost"]);
    // It was found at the start, so nothing was kept, whenever it is told.
    expect(world.told[0]?.alert.summary).toContain("promoted modes and the ledger of before are not known");
    expect(world.rows.has(KEY)).toBe(false);
  });

  test("heard of twice at once is one entry of the ledger, and one page", async () => {
    const world = createWatchedWorld();
    const engine = await start(world);
    lose(world);
    await Promise.all([engine.stateLost(), engine.stateLost()]);
    expect(told(world)).toHaveLength(1);
    expect(await notes(world)).toHaveLength(1);
  });

  test("heard of while the engine starts, after it has asked, is told", async () => {
    const world = createWatchedWorld();
    const store = createMemoryStateStore(world.rows);
    const lost: Promise<void>[] = [];
    const list: typeof store.list = async (prefix, limit) => {
      const found = await store.list(prefix, limit);
      if (prefix === "pause/") {
        lose(world);
        lost.push(engine.stateLost());
      }
      return found;
    };
    const engine = createWatch(world, { application: () => "." }, { policies: [], store: storeWith(store, { list }) });
    const started = engine.start();
    await world.clock.advance(1);
    await Promise.all([started, ...lost]);
    expect(told(world)).toEqual(["on_call page state_lost"]);
  });

  test("goes to whoever is told anything when nobody is paged, and to the ledger alone without any", async () => {
    const [one, none] = [createWatchedWorld(), createWatchedWorld()];
    lose(one);
    lose(none);
    await start(one, { alertRoutes: { page: null, notify: "team" } });
    await start(none, { alertRoutes: { page: null, notify: null } });
    expect([told(one), told(none)]).toEqual([["team page state_lost"], []]);
    expect(await notes(none)).toHaveLength(1);
  });

  test("is told also where it cannot be read what was lost", async () => {
    const world = createWatchedWorld();
    lose(world, "{");
    await start(world);
    expect(world.told[0]?.alert.summary).toContain("it was found damaged (unknown), is kept as an unknown file");
  });

  test("that cannot be told does not keep the site from being watched", async () => {
    const world = createWatchedWorld();
    lose(world);
    const engine = await start(world, { outbox: { enqueue: () => Promise.reject(new Error("full")) } });
    await world.clock.advance(30_000);
    expect(engine.snapshot().status).toBe("healthy");
    expect(world.events.find((event) => event.kind === "troubled")).toMatchObject({ where: "state", detail: "that state was lost could not be told: full" });
    expect(world.rows.has(KEY)).toBe(true);
  });
});
