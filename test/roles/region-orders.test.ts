/** A person's orders on regions, over the real loop on fakes of its ports, and a provider in memory. */
import { describe, expect, test } from "vitest";
import type { RegionLoopParts } from "../../src/engine/region/region-loop.ts";
import type { RegionControl } from "../../src/ports/region-control.ts";
import { formatMark } from "../../src/core/region/mark.ts";
import type { Traffic } from "../../src/ports/traffic.ts";
import { regionControl } from "../../src/roles/region-orders.ts";
import { MemoryProvider } from "../../src/simulation/memory-traffic.ts";
import { PLAN } from "../support/region-scene.ts";
import { fakeEntry, FakeTraffic, regionWorld, type RegionWorld } from "../support/region-world.ts";

const VALUES = { eu: "203.0.113.7", us: "198.51.100.9", ap: "192.0.2.4" };
const ORDER = { who: "ada", why: "the uplink", dryRun: false };
const entry = (name: string, region: keyof typeof VALUES, epoch: number | null) => ({
  name, values: VALUES, value: VALUES[region], comment: epoch === null ? "" : formatMark({ site: PLAN.site, region, epoch, flippedAt: 0 }), staleForMs: 60_000,
});

async function desk(shop: ReturnType<typeof entry> = entry("shop.example.com A", "eu", 1), shadow: ReturnType<typeof entry> | null = entry("drill.example.com A", "eu", 4), over: Partial<RegionLoopParts> = {}, ordered: Traffic | null = null) {
  const [provider, aside] = [new MemoryProvider({ fences: false, entries: [shop] }), shadow === null ? null : new MemoryProvider({ fences: false, entries: [shadow] })];
  const traffic = provider.traffic(PLAN.site);
  const world = regionWorld({ traffic, ...over });
  await world.rounds(3);
  const control = regionControl({
    loop: world.loop, plan: PLAN, here: "us", clock: world.clock, problem: (text) => expect.unreachable(text),
    opened: { traffic: ordered ?? traffic, shadow: aside?.traffic(PLAN.site) ?? null, shadowRecord: shadow === null ? null : { name: "drill.example.com", type: "A", proxied: false, ttl: 60, values: VALUES } },
    ledger: { append: async (line) => (world.ledger.push(line), { ...line, seq: 1, count: 1, lastAt: 0 }), query: async () => [], observe: () => undefined, observations: async () => [], close: async () => undefined },
  });
  const now = async (): Promise<string> => (await traffic.read(new AbortController().signal)).map(({ leadsTo, mark }) => `${leadsTo} ${mark?.epoch ?? "unmarked"}`).join(", ");
  return { control, world, provider, now };
}

const manual = ({ ledger }: RegionWorld): readonly string[] => ledger.filter(({ kind }) => kind === "manual").map(({ who, subject, text }) => `${who} ${subject}: ${text}`);

describe("leading buyers to a region by order", () => {
  test("does it at once though nothing is wrong, and writes who and why", async () => {
    const { control, world, now } = await desk();
    expect(await control.failover({ ...ORDER, to: "us" })).toEqual({ kind: "done", text: "flip from eu to us, epoch 2 (manual): shop.example.com A switched", actionId: "" });
    expect(await now()).toBe("us 2");
    expect(manual(world)).toEqual(["ada failover: flip from eu to us, epoch 2 (manual): done: shop.example.com A switched: the uplink"]);
    expect(await control.failover({ ...ORDER, to: "us" })).toMatchObject({ kind: "refused", code: "NOTHING_TO_DO" });
  });

  test("only shows the exact calls where it is a dry run", async () => {
    const { control, world, provider } = await desk();
    expect(await control.failover({ ...ORDER, dryRun: true, to: "us" })).toMatchObject({ kind: "would", text: expect.stringMatching(/^would flip from eu to us, epoch 2 \(manual\)\n[A-Z]+ /) });
    expect([provider.writes, manual(world)]).toEqual([0, []]);
  });

  test.each<[string, string | null, Partial<RegionLoopParts>, object]>([
    ["a region that is none", "moon", {}, { code: "UNKNOWN_TARGET", text: "there is no region moon; there are: eu, us, ap" }],
    ["another region", "ap", {}, { code: "HELD", text: expect.stringContaining("by its own daemon") }],
    ["back to the preferred one, which is another", null, {}, { code: "HELD", text: expect.stringContaining("buyers are led to eu by its own daemon") }],
    ["here, while this one may not act", "us", { mayAct: () => false }, { code: "HELD", text: expect.stringContaining("another daemon of us leads") }],
    ["here, though nothing here could sell", "us", { own: () => ({ status: "unhealthy", selling: false, ready: 0, parity: "not_measured", givesUp: null }) }, { code: "HELD", text: expect.stringContaining("not able to sell") }],
  ])("%s is refused with the reason", async (_what, to, over, expected) => {
    const { control, now } = await desk(undefined, undefined, over);
    expect(await control.failover({ ...ORDER, to })).toMatchObject({ kind: "refused", ...expected });
    expect(await now()).toBe("eu 1");
  });

  test("one that does not lead its region says so", async () => {
    const { control, world } = await desk();
    world.loop.end();
    expect(await control.failover({ ...ORDER, to: "us" })).toMatchObject({ kind: "refused", text: expect.stringContaining("does not lead") });
    expect(await control.acknowledge(ORDER)).toMatchObject({ kind: "refused" });
  });
});

test("a person who has looked is told at what, once", async () => {
  const { control, world } = await desk();
  expect(await control.failover({ ...ORDER, to: "us" })).toMatchObject({ kind: "done" });
  expect(await control.acknowledge({ ...ORDER, dryRun: true })).toEqual({ kind: "would", text: "would see to it that the next failover to us need not wait for the pause after the one to us, epoch 2" });
  expect(await control.acknowledge(ORDER)).toMatchObject({ kind: "done", text: "the next failover to us need not wait for the pause after the one to us, epoch 2" });
  expect(await control.acknowledge(ORDER)).toMatchObject({ kind: "refused", code: "NOTHING_TO_DO" });
  expect(manual(world).filter((text) => text.includes("need not wait"))).toHaveLength(1);
});

describe("marking entries as this shop's", () => {
  test("is not promised of what the provider's health checks decide", async () => {
    const steered = Object.assign(new FakeTraffic(), { entries: [{ ...fakeEntry("eu", 1), mark: null, steered: "checked" as const }] });
    const { control } = await desk(undefined, null, { traffic: steered }, steered);
    expect(await control.adopt({ ...ORDER, dryRun: true })).toMatchObject({ kind: "refused", code: "HELD", text: expect.stringContaining("health checks, and needs no mark") });
  });

  test("marks each that bears nothing, for the region it leads to", async () => {
    const { control, now } = await desk(entry("shop.example.com A", "eu", null), entry("drill.example.com A", "us", null));
    expect(await control.adopt({ ...ORDER, dryRun: true })).toMatchObject({ kind: "would", text: expect.stringContaining("shop.example.com A, which leads to eu; drill.example.com A, which leads to us") });
    expect(await now()).toBe("eu unmarked");
    expect(await control.adopt(ORDER)).toMatchObject({ kind: "done" });
    expect(await now()).toBe("eu 1");
    expect(await control.adopt(ORDER)).toMatchObject({ kind: "refused", code: "NOTHING_TO_DO" });
  });

  test.each<[string, Partial<ReturnType<typeof entry>>, string]>([
    ["somebody's words", { comment: "ask Ann first" }, "bears somebody's words: ask Ann first"],
    ["another site's mark", { comment: formatMark({ site: "outlet", region: "eu", epoch: 3, flippedAt: 0 }) }, "is marked as site outlet's"],
    ["a value of no region", { value: "192.0.2.99" }, "leads to no region of the configuration"],
  ])("%s: refused, and nothing is marked", async (_what, over, reason) => {
    const { control, provider } = await desk({ ...entry("shop.example.com A", "eu", null), ...over }, entry("drill.example.com A", "us", null));
    expect(await control.adopt(ORDER)).toMatchObject({ kind: "refused", code: "HELD", text: expect.stringContaining(reason) });
    expect(provider.writes).toBe(0);
  });
});

describe("a rehearsal", () => {
  test("turns the shadow entry alone, however fresh its last turn is", async () => {
    const { control, now } = await desk();
    const turn = (to: string): ReturnType<RegionControl["rehearse"]> => control.rehearse({ ...ORDER, to });
    expect(await turn("us")).toMatchObject({ kind: "done", name: "drill.example.com", type: "A", from: "eu", to: "us", value: "198.51.100.9" });
    expect(await turn("eu")).toMatchObject({ kind: "done", from: "us", to: "eu" });
    expect(await turn("eu")).toMatchObject({ kind: "refused", code: "NOTHING_TO_DO" });
    expect(await now()).toBe("eu 1");
  });

  test("is refused without a shadow entry, and over somebody's words", async () => {
    expect(await (await desk(undefined, null)).control.rehearse({ ...ORDER, to: "us" })).toMatchObject({ kind: "refused", code: "NOTHING_TO_DO" });
    const foreign = await desk(undefined, { ...entry("drill.example.com A", "eu", null), comment: "ask Ann first" });
    expect(await foreign.control.rehearse({ ...ORDER, to: "us" })).toMatchObject({ kind: "refused", text: expect.stringContaining("NOT_OURS") });
  });
});
