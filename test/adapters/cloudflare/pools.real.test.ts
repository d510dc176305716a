import { describe, expect, test } from "vitest";
import { createCloudflarePools, type CloudflareLoadBalancer } from "../../../src/adapters/cloudflare/pools.ts";
import { createSystemClock } from "../../../src/adapters/system-clock.ts";
import type { TrafficEntry } from "../../../src/ports/traffic.ts";
import type { NewLoadBalancer } from "../../../demo/cloudflare/world.ts";
import { accountToken, startDaemons } from "../../support/cloudflare-daemons.ts";

const signal = new AbortController().signal;
const MARK = "shopkeeper site=shop region=eu epoch=1 at=1000";
const to = (region: string) => ({ to: region, mark: { site: "shop", region, epoch: 2, flippedAt: 2_000 } });

/** Three regions, in the order eu, us, ap. */
async function open(by: CloudflareLoadBalancer["by"], change: Partial<NewLoadBalancer> = {}) {
  const daemons = await startDaemons([accountToken("a")], null);
  const { world } = daemons.cloudflare;
  const pool = (name: string) => world.addPool({ name, addresses: ["203.0.113.1"], description: name === "eu" && by.kind === "flag" ? MARK : "" });
  const [eu, us, ap] = [pool("eu"), pool("us"), pool("ap")];
  const { id } = await world.addLoadBalancer({ name: "shop.example.com", default_pools: [eu.id, us.id, ap.id], description: by.kind === "order" ? MARK : "", ...change });
  const balancer = { name: "shop.example.com", id, by, pools: { eu: eu.id, us: us.id, ap: ap.id } };
  const traffic = daemons.keep(createCloudflarePools({ site: "shop", zoneId: world.zoneId, accountId: world.accountId, loadBalancers: [balancer], shadow: null }, daemons.client("a"), createSystemClock()));
  const read = async (): Promise<TrafficEntry> => (await traffic.read(signal))[0] ?? expect.fail("nothing was read");
  return { daemons, world, id, eu, us, ap, traffic, read, [Symbol.asyncDispose]: () => daemons[Symbol.asyncDispose]() };
}

const BY_ORDER = { kind: "order" } as const;
const BY_FLAG = { kind: "flag", region: "eu" } as const;

describe("a load balancer at Cloudflare", () => {
  test("leads to the first of its pools that is enabled", async () => {
    await using scene = await open(BY_ORDER);
    expect(await scene.read()).toMatchObject({ name: "shop.example.com pools", leadsTo: "eu", value: "eu, then us, then ap, proxied", staleForMs: 0 });
    await scene.world.editPool(scene.eu.id, { enabled: false });
    expect(await scene.read()).toMatchObject({ leadsTo: "us", value: "eu (disabled), then us, then ap, proxied" });
  });

  test.each([
    ["is disabled", { enabled: false }, "the load balancer is disabled"],
    ["is steered by latency", { steering_policy: "dynamic_latency" }, 'steered by "dynamic_latency"'],
    ["has pools by region and names no steering", { steering_policy: "", region_pools: { WNAM: ["1"] } }, 'steered by "geo"'],
  ])("that %s leads to no region, and is not switched", async (_what, change, words) => {
    await using scene = await open(BY_ORDER, change);
    const entry = await scene.read();
    expect(entry).toMatchObject({ leadsTo: null, value: expect.stringContaining(words) });
    await expect(scene.traffic.switch({ entry, ...to("us") }, signal)).rejects.toMatchObject({ code: "INVALID" });
  });

  test("that names no steering and has no pools by place goes by their order", async () => {
    await using scene = await open(BY_ORDER, { steering_policy: "" });
    expect(await scene.read()).toMatchObject({ leadsTo: "eu" });
  });

  test("puts the pool of the region first and keeps the others in their order, and its own description of nothing else", async () => {
    await using scene = await open(BY_ORDER);
    expect(await scene.traffic.switch({ entry: await scene.read(), ...to("ap") }, signal)).toMatchObject({ kind: "switched", entry: { leadsTo: "ap", mark: { region: "ap", epoch: 2 } } });
    expect(scene.world.loadBalancers.get(scene.id)).toMatchObject({ default_pools: [scene.ap.id, scene.eu.id, scene.us.id], proxied: true, enabled: true });
    expect(scene.world.pools.get(scene.ap.id)).toMatchObject({ description: "", enabled: true });
  });

  test("is not led to a pool that is disabled", async () => {
    await using scene = await open(BY_ORDER);
    await scene.world.editPool(scene.us.id, { enabled: false });
    const entry = await scene.read();
    await expect(scene.traffic.switch({ entry, ...to("us") }, signal)).rejects.toMatchObject({ code: "INVALID", message: expect.stringContaining("not to us") });
  });

  test("that binds visitors to their pool says so, where only the order is turned", async () => {
    await using scene = await open(BY_ORDER, { session_affinity: "cookie" });
    expect((await scene.read()).value).toContain('session affinity "cookie" keeps visitors');
    await using flagged = await open(BY_FLAG, { session_affinity: "cookie" });
    expect((await flagged.read()).value).not.toContain("affinity");
  });

  test("is led by the flag of the pool that stands first: to it, or past it, and no further", async () => {
    await using scene = await open(BY_FLAG);
    const entry = await scene.read();
    await expect(scene.traffic.switch({ entry, ...to("ap") }, signal)).rejects.toMatchObject({ code: "INVALID", message: expect.stringContaining("would lead to us, not to ap") });
    expect(await scene.traffic.switch({ entry, ...to("us") }, signal)).toMatchObject({ kind: "switched", entry: { leadsTo: "us", value: "eu (disabled), then us, then ap, proxied" } });
    expect(scene.world.pools.get(scene.eu.id)).toMatchObject({ enabled: false, description: "shopkeeper site=shop region=us epoch=2 at=2000" });
    expect(await scene.traffic.switch({ entry: await scene.read(), ...to("eu") }, signal)).toMatchObject({ kind: "switched", entry: { leadsTo: "eu" } });
  });

  test("a pool that somebody else disabled meanwhile is a change, though the load balancer bears none", async () => {
    await using scene = await open(BY_ORDER);
    const entry = await scene.read();
    await scene.world.editPool(scene.ap.id, { enabled: false });
    expect(await scene.traffic.switch({ entry, ...to("us") }, signal)).toMatchObject({ kind: "moved" });
  });

  test("is not made with the flag of a region that has no pool", async () => {
    await using scene = await open(BY_ORDER);
    const wrong: CloudflareLoadBalancer = { name: "shop.example.com", id: scene.id, pools: { eu: scene.eu.id }, by: { kind: "flag", region: "sa" } };
    const { zoneId, accountId } = scene.world;
    expect(() => createCloudflarePools({ site: "shop", zoneId, accountId, loadBalancers: [wrong], shadow: null }, scene.daemons.client("a"), createSystemClock())).toThrow(RangeError);
  });
});
