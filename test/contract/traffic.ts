/** What every provider of traffic does, whoever takes the writes. */
import { describe, expect, test } from "vitest";
import type { RegionMark } from "../../src/core/region/mark.ts";
import { TrafficError, type SwitchOrder, type Traffic, type TrafficEntry, type TrafficErrorCode } from "../../src/ports/traffic.ts";

export const SITE = "shop";
export const OTHER_SITE = "outlet";
/** What stands beside the entry at first; it leads to "primary", and can be led to "secondary". */
export const FIRST_MARK = "shopkeeper site=shop region=primary epoch=1 at=1000";

/** Of the next call, and of what a provider sends again for it. `unheard`: no answer comes. `lie`: accepted, and not made. */
export type SceneFault = Exclude<TrafficErrorCode, "NOT_OURS" | "UNCERTAIN"> | "unheard, landed" | "unheard, not landed" | "lie";

export type TrafficScene = AsyncDisposable & {
  readonly traffic: Traffic;
  /** Another daemon of the same site. */
  readonly other: Traffic;
  /** A daemon of another site. */
  readonly stranger: Traffic;
  /** By somebody's hand: what stands beside the entry, and that it leads to no region. */
  scribble(words: string): Promise<void>;
  leadAstray(): Promise<void>;
  fail(on: "read" | "write", fault: SceneFault): void;
  /** The next writer waits there. */
  hold(point: "compared" | "written"): { readonly reached: Promise<void>; open(): void };
  /** Where visitors are led who ask now for the first time; null: to no region. */
  seen(): Promise<string | null>;
  /** What may be in no error; null: there are no credentials. */
  readonly token: string | null;
};

const signal = new AbortController().signal;
const mark = (region: string, epoch: number, site = SITE): RegionMark => ({ site, region, epoch, flippedAt: 2_000 + epoch });

async function readOne(traffic: Traffic): Promise<TrafficEntry> {
  const [entry, ...more] = await traffic.read(signal);
  if (entry === undefined || more.length > 0) return expect.fail(`${more.length} entries more than one`);
  return entry;
}

async function orderTo(traffic: Traffic, region: string, epoch: number): Promise<SwitchOrder> {
  return { entry: await readOne(traffic), to: region, mark: mark(region, epoch) };
}

async function errorOf(work: Promise<unknown>): Promise<TrafficError> {
  const error = await work.then((value) => expect.fail(`it was ${JSON.stringify(value)}`), (reason: unknown) => reason);
  if (!(error instanceof TrafficError)) return expect.fail(`it is not typed: ${String(error)}`);
  return error;
}

/** @param open an entry as FIRST_MARK says, nothing else touching it. */
export function trafficContract(name: string, open: () => Promise<TrafficScene>): void {
  describe(`${name} as a provider of traffic`, () => {
    reading(open);
    switching(open);
    ownership(open);
    twoWriters(open);
    failures(open);
  });
}

function reading(open: () => Promise<TrafficScene>): void {
  test("an entry is read with the region it leads to and its mark, under one version as long as nothing changes", async () => {
    await using scene = await open();
    const entry = await readOne(scene.traffic);
    expect(entry).toMatchObject({ leadsTo: "primary", foreign: null, mark: { site: SITE, region: "primary", epoch: 1, flippedAt: 1_000 } });
    expect(await readOne(scene.other)).toEqual(entry);
    expect(await scene.seen()).toBe("primary");
  });

  test("what leads to no region is said to, and words that are no mark are handed on", async () => {
    await using scene = await open();
    const before = await readOne(scene.traffic);
    await scene.leadAstray();
    await scene.scribble("ask Ann first");
    const entry = await readOne(scene.traffic);
    expect(entry).toMatchObject({ leadsTo: null, mark: null, foreign: "ask Ann first" });
    expect(entry.version).not.toBe(before.version);
  });
}

function switching(open: () => Promise<TrafficScene>): void {
  test("a switch is read back, by others too, and visitors are led by it", async () => {
    await using scene = await open();
    const outcome = await scene.traffic.switch(await orderTo(scene.traffic, "secondary", 2), signal);
    expect(outcome).toMatchObject({ kind: "switched", entry: { leadsTo: "secondary", mark: mark("secondary", 2) } });
    expect(outcome.kind === "switched" && outcome.entry).toEqual(await readOne(scene.other));
    expect(await scene.seen()).toBe("secondary");
    expect(await scene.traffic.switch(await orderTo(scene.traffic, "primary", 3), signal)).toMatchObject({ kind: "switched", entry: { leadsTo: "primary" } });
    expect(await scene.seen()).toBe("primary");
  });

  test("what was changed since it was read is not switched", async () => {
    await using scene = await open();
    const order = await orderTo(scene.traffic, "secondary", 2);
    await scene.scribble("shopkeeper site=shop region=primary epoch=5 at=1000");
    expect(await scene.traffic.switch(order, signal)).toMatchObject({ kind: "moved", found: { leadsTo: "primary", mark: { epoch: 5 } } });
    expect(await readOne(scene.other)).toMatchObject({ leadsTo: "primary", mark: { epoch: 5 } });
  });

  test("the calls of a switch are told without being made, credentials left out", async () => {
    await using scene = await open();
    const order = await orderTo(scene.traffic, "secondary", 2);
    const calls = scene.traffic.calls(order);
    expect(calls.filter(({ method }) => method !== "GET")).toHaveLength(1);
    expect(JSON.stringify(calls)).toContain("site=shop region=secondary epoch=2");
    if (scene.token !== null) expect(JSON.stringify(calls)).not.toContain(scene.token);
    expect(await readOne(scene.other)).toEqual(order.entry);
  });

  test.each([
    ["to a region that is not configured", "tertiary", mark("tertiary", 2)],
    ["with a mark of another region", "secondary", mark("primary", 2)],
    ["with a mark of another site", "secondary", mark("secondary", 2, OTHER_SITE)],
    ["with a mark too long to stand beside it", "secondary", mark("secondary", 2, "s".repeat(100))],
  ])("an order %s is invalid, and nothing is written", async (_what, to, wrong) => {
    await using scene = await open();
    const entry = await readOne(scene.traffic);
    expect((await errorOf(scene.traffic.switch({ entry, to, mark: wrong }, signal))).code).toBe("INVALID");
    expect(await readOne(scene.other)).toEqual(entry);
  });
}

function ownership(open: () => Promise<TrafficScene>): void {
  test.each([
    ["no mark", ""],
    ["somebody's words", "do not touch, ask Ann"],
    ["a mark that somebody has added to", `${FIRST_MARK} (Ann)`],
    ["another site's mark", "shopkeeper site=outlet region=primary epoch=1 at=1000"],
  ])("what bears %s is not switched", async (_what, words) => {
    await using scene = await open();
    await scene.scribble(words);
    const order = await orderTo(scene.traffic, "secondary", 2);
    expect((await errorOf(scene.traffic.switch(order, signal))).code).toBe("NOT_OURS");
    expect(await readOne(scene.other)).toEqual(order.entry);
    expect(await scene.seen()).toBe("primary");
  });

  test("a daemon of another site does not switch ours", async () => {
    await using scene = await open();
    const entry = await readOne(scene.stranger);
    const error = await errorOf(scene.stranger.switch({ entry, to: "secondary", mark: mark("secondary", 2, OTHER_SITE) }, signal));
    expect([error.code, error.message]).toEqual(["NOT_OURS", expect.stringContaining(SITE)]);
    expect(await readOne(scene.traffic)).toEqual(entry);
  });

  test("what bears nothing is adopted as it stands", async () => {
    await using scene = await open();
    await scene.scribble("");
    const bare = await readOne(scene.traffic);
    expect(bare).toMatchObject({ mark: null, foreign: null });
    const adopted = await scene.traffic.adopt(bare, mark("primary", 1), signal);
    expect(adopted).toMatchObject({ kind: "switched", entry: { leadsTo: "primary", value: bare.value, mark: mark("primary", 1) } });
    expect((await errorOf(scene.traffic.adopt(await readOne(scene.traffic), mark("primary", 2), signal))).code).toBe("NOT_OURS");
  });

  test("neither words nor what leads nowhere are adopted, nor is anything under the mark of a region that it does not lead to", async () => {
    await using scene = await open();
    await scene.scribble("ask Ann");
    expect((await errorOf(scene.traffic.adopt(await readOne(scene.traffic), mark("primary", 1), signal))).code).toBe("NOT_OURS");
    await scene.scribble("");
    expect((await errorOf(scene.traffic.adopt(await readOne(scene.traffic), mark("secondary", 1), signal))).code).toBe("INVALID");
    await scene.leadAstray();
    expect((await errorOf(scene.traffic.adopt(await readOne(scene.traffic), mark("primary", 1), signal))).code).toBe("INVALID");
    expect(await readOne(scene.other)).toMatchObject({ mark: null, foreign: null });
  });
}

function twoWriters(open: () => Promise<TrafficScene>): void {
  test("a change that another writer replaced before it was read back is said to be overwritten", async () => {
    await using scene = await open();
    const order = await orderTo(scene.traffic, "secondary", 2);
    const gate = scene.hold("written");
    const first = scene.traffic.switch(order, signal);
    await gate.reached;
    expect(await scene.other.switch(await orderTo(scene.other, "primary", 3), signal)).toMatchObject({ kind: "switched" });
    gate.open();
    expect(await first).toMatchObject({ kind: "overwritten", found: { leadsTo: "primary", mark: { epoch: 3 } } });
    expect(await scene.seen()).toBe("primary");
  });

  test("a writer paused exactly between its compare and its write is refused where the provider fences, else found by its lower epoch and repaired", async () => {
    await using scene = await open();
    const gate = scene.hold("compared");
    const late = scene.traffic.switch(await orderTo(scene.traffic, "secondary", 2), signal);
    await gate.reached;
    expect(await scene.other.switch(await orderTo(scene.other, "primary", 3), signal)).toMatchObject({ kind: "switched" });
    gate.open();
    const outcome = await late;
    const found = await readOne(scene.other);
    if (scene.traffic.fencesLateWrites) {
      expect(outcome).toMatchObject({ kind: "moved", found: { mark: { epoch: 3 } } });
      expect(found).toMatchObject({ leadsTo: "primary", mark: { epoch: 3 } });
    } else {
      expect(outcome.kind).toBe("switched");
      expect(found).toMatchObject({ leadsTo: "secondary", mark: { epoch: 2 } });
      expect(await scene.other.switch(await orderTo(scene.other, "primary", 4), signal)).toMatchObject({ kind: "switched" });
    }
    expect(await scene.seen()).toBe("primary");
  });
}

function failures(open: () => Promise<TrafficScene>): void {
  test("a change of which nothing is heard is switched where it is read back as ordered", async () => {
    await using scene = await open();
    const order = await orderTo(scene.traffic, "secondary", 2);
    scene.fail("write", "unheard, landed");
    expect(await scene.traffic.switch(order, signal)).toMatchObject({ kind: "switched", entry: { leadsTo: "secondary", mark: { epoch: 2 } } });
    expect(await scene.seen()).toBe("secondary");
  });

  test("a change of which nothing is heard, nor seen, is uncertain", async () => {
    await using scene = await open();
    const order = await orderTo(scene.traffic, "secondary", 2);
    scene.fail("write", "unheard, not landed");
    expect((await errorOf(scene.traffic.switch(order, signal))).code).toBe("UNCERTAIN");
    expect(await readOne(scene.other)).toEqual(order.entry);
  });

  test("a change that was accepted and cannot be read back is uncertain", async () => {
    await using scene = await open();
    const order = await orderTo(scene.traffic, "secondary", 2);
    const gate = scene.hold("written");
    const switched = errorOf(scene.traffic.switch(order, signal));
    await gate.reached;
    scene.fail("read", "UNAVAILABLE");
    gate.open();
    expect((await switched).code).toBe("UNCERTAIN");
  });

  test("a change that was accepted and not made is told from one that was", async () => {
    await using scene = await open();
    const order = await orderTo(scene.traffic, "secondary", 2);
    scene.fail("write", "lie");
    expect(await scene.traffic.switch(order, signal)).toMatchObject({ kind: "overwritten", found: { leadsTo: "primary", mark: { epoch: 1 } } });
    expect(await scene.seen()).toBe("primary");
  });

  test.each(["UNAUTHORIZED", "NOT_FOUND", "INVALID", "RATE_LIMITED"] as const)("a change refused as %s changes nothing", async (code) => {
    await using scene = await open();
    const order = await orderTo(scene.traffic, "secondary", 2);
    scene.fail("write", code);
    const error = await errorOf(scene.traffic.switch(order, signal));
    expect(error.code).toBe(code);
    if (scene.token !== null) expect(JSON.stringify([error.message, error.stack, error.cause])).not.toContain(scene.token);
    expectRetry(error);
    expect(await readOne(scene.stranger)).toEqual(order.entry);
    expect(await scene.seen()).toBe("primary");
  });

  test.each(["UNAUTHORIZED", "RATE_LIMITED", "UNAVAILABLE"] as const)("what cannot be read, %s, is not switched", async (code) => {
    await using scene = await open();
    const order = await orderTo(scene.traffic, "secondary", 2);
    scene.fail("read", code);
    const error = await errorOf(scene.traffic.switch(order, signal));
    expect(error.code).toBe(code);
    expectRetry(error);
    if (scene.token !== null) expect(JSON.stringify([error.message, error.stack, error.cause])).not.toContain(scene.token);
    expect(await scene.seen()).toBe("primary");
  });

  test("whoever has given up already asks for nothing", async () => {
    await using scene = await open();
    const order = await orderTo(scene.traffic, "secondary", 2);
    const gone = AbortSignal.abort();
    expect((await errorOf(scene.traffic.read(gone))).code).toBe("UNAVAILABLE");
    expect((await errorOf(scene.traffic.switch(order, gone))).code).toBe("UNAVAILABLE");
    expect(await readOne(scene.other)).toEqual(order.entry);
  });

  test("whoever gives up while a change is under way is told that it is uncertain", async () => {
    await using scene = await open();
    const order = await orderTo(scene.traffic, "secondary", 2);
    const giving = new AbortController();
    const gate = scene.hold("written");
    const switched = errorOf(scene.traffic.switch(order, giving.signal));
    await gate.reached;
    giving.abort();
    gate.open();
    expect((await switched).code).toBe("UNCERTAIN");
    expect(await readOne(scene.other)).toMatchObject({ leadsTo: "secondary", mark: { epoch: 2 } });
  });

  test("rights are proven by a write that changes nothing, and denied where that is refused", async () => {
    await using scene = await open();
    const before = await readOne(scene.traffic);
    const proof = await scene.traffic.proveRights(signal);
    expect(proof).toMatchObject({ ok: true });
    expect(proof.findings.length).toBeGreaterThan(0);
    scene.fail("write", "UNAUTHORIZED");
    expect(await scene.traffic.proveRights(signal)).toMatchObject({ ok: false });
    expect(await readOne(scene.other)).toMatchObject({ leadsTo: before.leadsTo, value: before.value, mark: before.mark });
  });
}

function expectRetry({ code, retryAfterMs }: TrafficError): void {
  if (code !== "RATE_LIMITED") return expect(retryAfterMs).toBe(0);
  expect(retryAfterMs).toBeGreaterThan(0);
  expect(retryAfterMs).toBeLessThanOrEqual(300_000);
}
