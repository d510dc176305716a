import { describe, expect, test } from "vitest";
import { ActionError } from "../../src/ports/remedy.ts";
import type { Remedy } from "../../src/ports/remedy.ts";
import { StateStoreError } from "../../src/ports/state-store.ts";
import type { StateStore } from "../../src/ports/state-store.ts";
import { adoptOrStart } from "../../src/engine/supervise.ts";
import { APP, createDaemon, createWorld, decisionOf, judged, MARKER, storedIntents } from "../support/acting-world.ts";
import type { World } from "../support/acting-world.ts";
import { settle } from "../support/manual-clock.ts";

const NEVER = new AbortController().signal;

/** A remedy that does as it is told; everything else is plain. */
function remedy(over: Partial<Remedy>): ReadonlyMap<string, Remedy> {
  const plain: Remedy = {
    prepare: async () => ({ precondition: { kind: "none" }, destructive: true, gone: false }),
    execute: async () => ({}),
    readBack: async () => ({ kind: "not_landed" }),
  };
  return new Map([["restart_process", { ...plain, ...over }]]);
}

async function kinds(world: World): Promise<readonly string[]> {
  return (await world.ledger.query({})).map((entry) => entry.kind);
}

describe("an action", () => {
  test("is recorded, carried out, awaits verification, and is verified once the check turns healthy after it", async () => {
    const world = createWorld();
    const { actor } = createDaemon(world);
    const intent = await actor.act(decisionOf({ precondition: { kind: "no_process" } }));
    expect(intent.state).toMatchObject({ phase: "awaiting_verification", verifyBy: world.clock.now() + 60_000, effect: { pid: 100 } });
    expect(actor.open()).toEqual([intent]);
    await world.clock.advance(5_000);
    expect(await actor.verify([judged("unhealthy", 0, world.clock.now())])).toEqual([]);
    await world.clock.advance(5_000);
    const [verified] = await actor.verify([judged("healthy", world.clock.now())]);
    expect(verified?.state).toMatchObject({ phase: "verified", verifiedAt: world.clock.now() });
    expect(actor.open()).toEqual([]);
    expect(storedIntents(world)).toEqual([verified]);
    expect(await kinds(world)).toEqual(["intent", "outcome", "verified"]);
    expect((await world.ledger.query({})).map((entry) => entry.actionId)).toEqual([intent.id, intent.id, intent.id]);
  });

  test("that does not help in time is a failed attempt, and somebody is told", async () => {
    const world = createWorld();
    const { actor, outbox } = createDaemon(world);
    await actor.act(decisionOf({ precondition: { kind: "no_process" } }, 3));
    await world.clock.advance(60_000);
    const [failed] = await actor.verify([judged("unhealthy", 0, world.clock.now())]);
    expect(failed).toMatchObject({ attempt: 3, state: { phase: "not_verified", reason: expect.stringContaining("application is unhealthy after 60s") } });
    await outbox.idle();
    expect(world.delivered.map(({ alert }) => alert.reason)).toEqual(["action_did_not_help"]);
  });

  test("followed by a later one on its target has not helped, though the check turns healthy then", async () => {
    const world = createWorld();
    const { actor } = createDaemon(world, undefined, { remedies: remedy({}) });
    const first = await actor.act(decisionOf());
    await world.clock.advance(5_000);
    const second = await actor.act(decisionOf({}, 2));
    await world.clock.advance(2_000);
    const resolved = await actor.verify([judged("healthy", world.clock.now())]);
    expect(resolved.map(({ id, state }) => [id, state.phase, "reason" in state ? state.reason : ""])).toEqual([
      [first.id, "not_verified", "superseded by a later action"],
      [second.id, "verified", ""],
    ]);
  });

  test("followed by one that was refused still has its time", async () => {
    const world = createWorld();
    let calls = 0;
    const { actor } = createDaemon(world, undefined, { remedies: remedy({ execute: async () => {
      calls += 1;
      if (calls === 2) throw new ActionError("REFUSED", "no");
      return {};
    } }) });
    const first = await actor.act(decisionOf());
    await world.clock.advance(5_000);
    await actor.act(decisionOf({}, 2));
    const [verified] = await actor.verify([judged("healthy", world.clock.now())]);
    expect(verified).toMatchObject({ id: first.id, state: { phase: "verified" } });
  });

  test("one of many that do not help is told, once per episode", async () => {
    const world = createWorld();
    const { actor, outbox } = createDaemon(world, undefined, { remedies: remedy({}) });
    const attempt = async (number: number): Promise<void> => {
      await actor.act(decisionOf({}, number));
      await world.clock.advance(60_000);
      await actor.verify([judged("unhealthy", 0, world.clock.now())]);
    };
    for (const number of [1, 2, 3]) await attempt(number);
    await outbox.idle();
    expect(world.delivered.map(({ alert }) => alert.details["attempt"])).toEqual([1]);
    // The next episode begins at its first attempt again.
    for (const number of [1, 2]) await attempt(number);
    await outbox.idle();
    expect(world.delivered.map(({ alert }) => alert.details["attempt"])).toEqual([1, 1]);
  });

  test("whose precondition no longer holds is refused, and nothing is done", async () => {
    const world = createWorld();
    await world.processes.start({ command: ["stays"], cwd: "/", env: {}, marker: MARKER, intentId: "", logFile: null });
    const { actor } = createDaemon(world);
    const intent = await actor.act(decisionOf({ precondition: { kind: "process", pid: 99, startTime: "fake/99" } }));
    expect(intent.state).toMatchObject({ phase: "refused", reason: expect.stringContaining("the world moved on: expected process 99, found process 100") });
    expect(world.processes.started).toHaveLength(1);
  });

  test("is refused by whoever does not lead any more", async () => {
    const world = createWorld();
    const { actor } = createDaemon(world, undefined, { fence: async () => ({ kind: "blocked", reason: "not the leader" }) });
    expect((await actor.act(decisionOf())).state).toMatchObject({ phase: "refused", reason: "not the leader" });
    expect(world.processes.started).toEqual([]);
  });

  test("is not begun when it could not be recorded", async () => {
    const world = createWorld();
    const store: StateStore = { ...unavailable(), list: async () => [] };
    const { actor } = createDaemon(world, undefined, { store });
    await expect(actor.act(decisionOf())).rejects.toMatchObject({ code: "UNAVAILABLE" });
    expect(world.processes.started).toEqual([]);
    expect(actor.open()).toEqual([]);
  });

  test("whose outcome could not be recorded blocks its target until the world was read", async () => {
    const world = createWorld();
    let broken = false;
    const { store } = createDaemon(world);
    const flaky: StateStore = { get: (key) => store.get(key), list: (prefix, limit) => store.list(prefix, limit), delete: (key) => store.delete(key), close: () => store.close(), put: (key, value, ifRevision) => (broken ? unavailable().put(key, value) : store.put(key, value, ifRevision)) };
    const remedies = remedy({
      execute: async () => {
        broken = true;
        return {};
      },
      readBack: async () => ({ kind: "landed", effect: { read: true } }),
    });
    const { actor } = createDaemon(world, undefined, { store: flaky, remedies });
    await expect(actor.act(decisionOf())).rejects.toMatchObject({ code: "UNAVAILABLE" });
    broken = false;
    expect((await actor.act(decisionOf())).state).toMatchObject({ phase: "refused", reason: expect.stringContaining("under way") });
    const [settled] = await actor.verify([]);
    expect(settled?.state).toMatchObject({ phase: "awaiting_verification", effect: { read: true } });
  });

  test("on a target where one is under way is refused without a record", async () => {
    const world = createWorld();
    const { actor } = createDaemon(world, undefined, { remedies: remedy({ execute: () => new Promise(() => undefined) }) });
    void actor.act(decisionOf());
    await settle();
    const second = await actor.act(decisionOf());
    expect(second).toMatchObject({ id: "", state: { phase: "refused" } });
    expect(storedIntents(world)).toHaveLength(1);
  });

  test("goes on where the ledger cannot be written, and that is said", async () => {
    const world = createWorld();
    const problems: string[] = [];
    const ledger = { ...world.ledger, append: () => Promise.reject(new Error("disk full")), query: async () => [], observe: () => undefined, observations: async () => [], close: async () => undefined };
    const { actor } = createDaemon(world, undefined, { ledger, problem: (text) => problems.push(text) });
    expect((await actor.act(decisionOf({ precondition: { kind: "no_process" } }))).state.phase).toBe("awaiting_verification");
    expect(problems[0]).toMatch(/disk full/);
  });

  test("by a person carries that person's name", async () => {
    const world = createWorld();
    const { actor } = createDaemon(world);
    await actor.act(decisionOf({ precondition: { kind: "no_process" } }), "ada");
    expect((await world.ledger.query({})).map((entry) => entry.who)).toEqual(["ada", "ada"]);
    expect(actor.recentActions()).toMatchObject([{ who: "ada", workload: "storefront", cause: "application", phase: "awaiting_verification" }]);
  });
});

describe("an action past its deadline", () => {
  const cases: readonly (readonly [string, Partial<Remedy>, string])[] = [
    ["that landed awaits verification", { execute: hangs, readBack: async () => ({ kind: "landed", effect: {} }) }, "awaiting_verification"],
    ["that let go and did not land is refused", { execute: letsGo }, "refused"],
    ["that never let go may still land: uncertain", { execute: hangs }, "uncertain"],
    ["that cannot be read is uncertain", { execute: letsGo, readBack: async () => ({ kind: "unreadable", reason: "nothing to read" }) }, "uncertain"],
    ["whose reading hangs too is uncertain", { execute: letsGo, readBack: () => new Promise(() => undefined) }, "uncertain"],
    ["that ends well while letting go is done", { execute: (_intent, _target, signal) => new Promise((resolve) => signal.addEventListener("abort", () => resolve({}))) }, "awaiting_verification"],
    ["that may be repeated is refused, for a new decision", { execute: hangs, repeatable: true }, "refused"],
  ];
  test.each(cases)("%s", async (_story, over, phase) => {
    const world = createWorld();
    const { actor } = createDaemon(world, undefined, { remedies: remedy(over) });
    const acted = actor.act(decisionOf());
    await world.clock.advance(4_499);
    expect(actor.open()).toHaveLength(1);
    await world.clock.advance(20_000);
    expect((await acted).state.phase).toBe(phase);
  });

  test("shares its time with the fence, which has the smaller part of it", async () => {
    const world = createWorld();
    let abortedAt = 0;
    const execute: Remedy["execute"] = (_intent, _target, signal) => new Promise((_resolve, reject) => signal.addEventListener("abort", () => {
      abortedAt = world.clock.now();
      reject(new Error("aborted"));
    }));
    const fence = (): Promise<{ readonly kind: "clear" }> => new Promise((resolve) => void world.clock.after(1_500, () => resolve({ kind: "clear" })));
    const began = world.clock.now();
    const { actor } = createDaemon(world, undefined, { remedies: remedy({ execute }), fence });
    const acted = actor.act(decisionOf());
    await world.clock.advance(10_000);
    expect((await acted).state.phase).toBe("refused");
    expect(abortedAt - began).toBe(4_500);
  });

  test("that never passes its fence is not begun", async () => {
    const world = createWorld();
    const executed: string[] = [];
    const execute: Remedy["execute"] = async ({ id }) => ({ done: executed.push(id) });
    const { actor } = createDaemon(world, undefined, { remedies: remedy({ execute }), fence: () => new Promise(() => undefined) });
    const acted = actor.act(decisionOf());
    await world.clock.advance(3_000);
    expect((await acted).state).toMatchObject({ phase: "refused", reason: expect.stringContaining("not begun") });
    expect(executed).toEqual([]);
  });

  test("has the time its remedy asks for on top", async () => {
    const world = createWorld();
    let aborted = false;
    const execute: Remedy["execute"] = (_intent, _target, signal) => new Promise((_resolve, reject) => signal.addEventListener("abort", () => {
      aborted = true;
      reject(new Error("aborted"));
    }));
    const { actor } = createDaemon(world, undefined, { remedies: remedy({ execute, extraMs: () => 10_000 }) });
    const acted = actor.act(decisionOf());
    await world.clock.advance(14_499);
    expect(aborted).toBe(false);
    await world.clock.advance(1);
    expect((await acted).state.phase).toBe("refused");
  });

  test("a remedy that says refused is believed, one that throws anything else is read back", async () => {
    const world = createWorld();
    const refused = createDaemon(world, undefined, { remedies: remedy({ execute: () => Promise.reject(new ActionError("REFUSED", "no right")), readBack: () => Promise.reject(new Error("not asked")) }) });
    expect((await refused.actor.act(decisionOf())).state).toMatchObject({ phase: "refused", reason: "no right" });
    const broken = createDaemon(world, undefined, { remedies: remedy({ execute: () => Promise.reject(new TypeError("bug")), readBack: async () => ({ kind: "unreadable", reason: "nothing to read" }) }) });
    expect((await broken.actor.act(decisionOf())).state).toMatchObject({ phase: "uncertain", reason: "bug; nothing to read" });
  });
});

describe("after our own death", () => {
  test("an action that awaited verification has its whole time again", async () => {
    const world = createWorld();
    await createDaemon(world).actor.act(decisionOf({ precondition: { kind: "no_process" } }));
    await world.clock.advance(300_000);
    const { actor } = createDaemon(world);
    expect(await actor.resume()).toEqual([]);
    expect(await actor.verify([judged("unknown", 0)])).toEqual([]);
    expect(actor.open()[0]?.state).toMatchObject({ phase: "awaiting_verification", verifyBy: world.clock.now() + 60_000 });
  });

  test("a stored intent that cannot be understood is left where it is, and said", async () => {
    const world = createWorld();
    world.rows.set("intent/x", { key: "intent/x", value: '{"id":"x","state":{"phase":"dreaming"}}', revision: 1 });
    const { actor, problems } = createDaemon(world);
    await actor.resume();
    expect(problems).toEqual([expect.stringContaining("intent/x")]);
    expect(world.rows.has("intent/x")).toBe(true);
  });

  test("an intent of a target that is not configured any more is uncertain", async () => {
    const world = createWorld();
    const hanging = createDaemon(world, undefined, { remedies: remedy({ execute: () => new Promise(() => undefined) }) });
    void hanging.actor.act(decisionOf());
    await settle();
    const { actor } = createDaemon(world, undefined, { target: () => null });
    expect((await actor.resume())[0]?.state).toMatchObject({ phase: "uncertain", reason: expect.stringContaining("not configured any more") });
  });

  test("a child that runs is adopted, one that does not is started by the same protocol", async () => {
    const world = createWorld();
    const first = createDaemon(world);
    expect(await adoptOrStart(first.actor, first.restart, APP, world.clock, 30_000, NEVER)).toMatchObject({ kind: "started", intent: { state: { phase: "awaiting_verification" }, proposal: { precondition: { kind: "no_process" } } } });
    const second = createDaemon(world);
    await second.actor.resume();
    expect(await adoptOrStart(second.actor, second.restart, APP, world.clock, 30_000, NEVER)).toEqual({ kind: "adopted", ref: { pid: 100, startTime: "fake/100" } });
    expect(world.processes.started).toHaveLength(1);
  });
});

test("resolved intents are kept for a day, at most 500 of them; open ones always", async () => {
  const world = createWorld();
  const { actor } = createDaemon(world, undefined, { remedies: remedy({ verifiedBy: "effect" }) });
  for (let n = 0; n < 560; n++) await actor.act(decisionOf());
  for (let n = 0; n < 3; n++) await actor.verify([]);
  expect(actor.recentActions()).toHaveLength(500);
  expect(storedIntents(world)).toHaveLength(500);
  await world.clock.advance(25 * 3_600_000);
  for (let n = 0; n < 11; n++) await actor.verify([]);
  expect(actor.recentActions()).toEqual([]);
  expect(storedIntents(world)).toEqual([]);
});

function hangs(): Promise<never> {
  return new Promise(() => undefined);
}

function letsGo(_intent: unknown, _target: unknown, signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(new Error("aborted"))));
}

function unavailable(): StateStore {
  const fail = (): Promise<never> => Promise.reject(new StateStoreError("UNAVAILABLE", "the disk is gone"));
  return { get: fail, list: fail, put: fail, delete: fail, close: async () => undefined };
}
