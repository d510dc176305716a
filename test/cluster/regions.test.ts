/** Two regions on a real API server, each with a pair of singletons, and a witness: pods gone, leaders killed and frozen at the worst moment, and where the record ends. */
import { describe, expect, test } from "vitest";
import type { Passing } from "../../demo/cloudflare/control.ts";
import { READ_EVERY_MS } from "../../src/engine/region/desk.ts";
import { until } from "../support/faulty-server.ts";
import { openApiShopfront } from "./api-region.ts";
import { createApiWorld } from "./api-world.ts";
import { lacking } from "./needs.ts";
import type { RunningSingleton } from "./singletons.ts";
import { startTwoRegions, tokenId, type Region, type RegionName, type Shopfront, type TwoRegions } from "./two-regions.ts";

const LATE_MS = 60_000;
/** Of one case, in which it also waits for its turn. */
const TEST_MS = 300_000;

const INTENT = "intent: flip to us, epoch 2 (down)";
const DONE = "outcome: flip to us, epoch 2: done: shop.example.com A switched";
const NOT_LANDED = "outcome: flip to us, epoch 2: refused: reading shows that it did not land";

describe.skipIf(lacking("api").length > 0)("two regions with a pair of singletons each, on a real API server", () => {
  const world = createApiWorld();
  const start = (first?: RegionName) => startTwoRegions((_name, stack) => openApiShopfront(world, stack), first);

  test.concurrent("one whose pods are all gone gives itself up, and the other leads buyers to itself", { timeout: TEST_MS }, async () => {
    await using shop = await start();
    const { eu, us } = shop;
    await eu.front.vanish();
    await settledAt(shop, us.leader, "us", 2);
    // A Service sends whoever steers by it to either of the two.
    await soon(async () => (await Promise.all([eu.leader, eu.other].map((one) => one.answer("health", "/health/region")))).every(({ status }) => status === 503), "/health/region is 503 at both");
    const lost = await us.leader.until(({ regions }) => regions?.regions[0]?.says?.givesUp != null, LATE_MS);
    expect(lost.regions?.regions[0]).toMatchObject({ name: "eu", sees: "down", says: { ready: 0, givesUp: "it has no instance left" } });
    expect([kept(await us.leader.ledger()), kept(await eu.leader.ledger())]).toEqual([[INTENT, DONE], []]);
    expect(shop.writes()).toEqual(["us, us epoch 2"]);
    await paged(shop, ["us firing region_failed_over"]);
  });

  test.concurrent("one whose leader is killed in calm keeps its buyers: the other of the pair passes questions on, then answers them itself", { timeout: TEST_MS }, async () => {
    await using shop = await start();
    const { eu, us } = shop;
    // How many pods are ready, and what stands at the provider, only a leader knows.
    const saysWell = async (): Promise<boolean> => {
      const said = await eu.askOther();
      return said?.status === "healthy" && said.ready === 2 && said.outside === "up" && said.mark?.epoch === 1;
    };
    await soon(saysWell, "the other one passes on that its leader is well");
    expect(await eu.other.metric("shopkeeper_leader")).toBe(0);
    await eu.leader.kill();
    await soon(saysWell, "the other one says itself that it is well");
    expect(await eu.other.metric("shopkeeper_leader")).toBe(1);
    await us.leader.until(({ regions }) => regions?.regions.every(({ sees, says }) => sees === "up" && says?.status === "healthy") === true, LATE_MS);
    await settledAt(shop, eu.other, "eu", 1);
    expect([told(eu.other), told(us.leader), shop.writes(), shop.pages()]).toEqual([[], [], [], []]);
  });

  test.concurrent("a leader killed as its write is on the way: the next one reads that it landed, and writes nothing", { timeout: TEST_MS }, async () => {
    await using shop = await start();
    const { eu, us } = shop;
    const sent = shop.cloudflare.control.hold("PATCH", "before", writing(shop, us));
    eu.front.fail();
    await sent.reached;
    await us.leader.kill();
    expect(shop.record()).toBe("eu, eu epoch 1");
    sent.open();
    await takenOver(us);
    await settledAt(shop, us.other, "us", 2);
    expect([told(us.leader), told(us.other)]).toEqual([[INTENT], ["outcome: flip to us, epoch 2: done: reading shows it in 1 of 1 entries"]]);
    expect(shop.writes()).toEqual(["us, us epoch 2"]);
    await paged(shop, ["us firing region_failed_over"]);
  });

  test.concurrent("a leader killed between intent and write: the next one reads that nothing landed, and flips once", { timeout: TEST_MS }, async () => {
    await using shop = await start();
    const { eu, us } = shop;
    const asked = shop.cloudflare.control.hold("GET", "before", comparing(us));
    eu.front.fail();
    await asked.reached;
    await us.leader.kill();
    asked.open();
    await takenOver(us);
    await settledAt(shop, us.other, "us", 2);
    expect([told(us.leader), told(us.other)]).toEqual([[INTENT], [NOT_LANDED, INTENT, DONE]]);
    expect(shop.writes()).toEqual(["us, us epoch 2"]);
    await paged(shop, ["us firing region_failed_over"]);
  });

  test.concurrent("a leader frozen between compare and write: the other of the pair flips, and the one that thaws writes no more", { timeout: TEST_MS }, async () => {
    await using shop = await start();
    const { eu, us } = shop;
    const compared = shop.cloudflare.control.hold("GET", "after", comparing(us));
    eu.front.fail();
    await compared.reached;
    await us.leader.freeze();
    compared.open();
    await takenOver(us);
    await settledAt(shop, us.other, "us", 2);
    await thawed(us);
    // What it had read is older than a change may take: it knows that by its own clock, lease or not.
    expect(told(us.leader)).toEqual([INTENT, expect.stringMatching(/^outcome: flip to us, epoch 2: refused: shop\.example\.com A .*(no time was left|no answer within)/)]);
    expect(told(us.other)).toEqual([NOT_LANDED, INTENT, DONE]);
    expect([shop.record(), shop.writes()]).toEqual(["us, us epoch 2", ["us, us epoch 2"]]);
    await paged(shop, ["us firing region_failed_over"]);
  });

  test.concurrent("a leader frozen as its write is on the way: the other of the pair flips, and what lands late turns nothing", { timeout: TEST_MS }, async () => {
    await using shop = await start();
    const { eu, us } = shop;
    const sent = shop.cloudflare.control.hold("PATCH", "before", writing(shop, us));
    eu.front.fail();
    await sent.reached;
    await us.leader.freeze();
    await takenOver(us);
    await settledAt(shop, us.other, "us", 2);
    expect(shop.writes()).toEqual(["us, us epoch 2"]);
    sent.open();
    await thawed(us);
    await settledAt(shop, us.other, "us", 2);
    expect(told(us.leader)).toEqual([INTENT, expect.stringMatching(/^outcome: flip to us, epoch 2: uncertain: shop\.example\.com A: /)]);
    expect(told(us.other)).toEqual([NOT_LANDED, INTENT, DONE]);
    expect([shop.record(), shop.writes()]).toEqual(["us, us epoch 2", ["us, us epoch 2", "us, us epoch 2"]]);
    await paged(shop, ["us firing region_failed_over"]);
  });

  test.concurrent("a leader frozen as it leads buyers back, which are led away again meanwhile: what lands late is put right within an interval, and paged", { timeout: TEST_MS }, async () => {
    await using shop = await start("us");
    const { eu, us } = shop;
    const sent = shop.cloudflare.control.hold("PATCH", "before", writing(shop, eu));
    const unheard = leadBack(eu.leader);
    await sent.reached;
    await eu.leader.freeze();
    await takenOver(eu);
    // It obeys nobody before it has looked for itself, and does not carry out what a person told another one.
    await eu.other.until(({ regions }) => regions?.leadsTo === "us" && regions.regions[0]?.sees === "up" && regions.regions[0].says?.status === "healthy", LATE_MS);
    expect([shop.writes(), await leadBack(eu.other)]).toEqual([[], 200]);
    eu.front.fail();
    await us.leader.until(({ regions }) => regions?.epoch === 2 && regions.decision.startsWith("hold (takeover): the last flip is too fresh"), LATE_MS);
    expect((await us.leader.order("/api/v1/failover/ack", { why: "eu is down again" })).status).toBe(200);
    await settledAt(shop, us.leader, "us", 3);
    sent.open();
    await until(() => shop.writes().length === 4, "the late write is put right", READ_EVERY_MS);
    await thawed(eu);
    await settledAt(shop, us.leader, "us", 3);
    expect(shop.writes()).toEqual(["eu, eu epoch 2", "us, us epoch 3", "eu, eu epoch 2", "us, us epoch 3"]);
    const [back, refused] = ["flip to eu, epoch 2 (manual)", "outcome: flip to eu, epoch 2: refused: reading shows that it did not land"];
    expect(told(eu.leader)).toEqual([`intent: ${back}`, expect.stringMatching(/^outcome: flip to eu, epoch 2: uncertain: /)]);
    expect(told(eu.other)).toEqual([refused, `intent: ${back}`, "outcome: flip to eu, epoch 2: done: shop.example.com A switched"]);
    const away = ["intent: flip to us, epoch 3 (down)", "outcome: flip to us, epoch 3: done: shop.example.com A switched"];
    expect(told(us.leader)).toEqual([...away, "intent: repair to us, epoch 3 (over eu epoch 2)", "outcome: repair to us, epoch 3: done: shop.example.com A switched"]);
    // The pause between two flips held until a person lifted it.
    await paged(shop, ["eu firing region_failed_over", "us firing region_failed_over", "us firing region_held", "us firing region_late_write", "us resolved region_held"]);
    expect(await unheard).not.toBe(200);
  });
});

/** The one that leads there writes the record: it has sent the change. */
const writing = ({ recordId }: TwoRegions, { name }: Region<Shopfront>) => ({ path, token }: Passing): boolean => token === tokenId(name) && path.endsWith(recordId);

/** The one that leads there has told its intent: what it reads next it compares with. */
const comparing = ({ name, leader }: Region<Shopfront>) => ({ token }: Passing): boolean => token === tokenId(name) && told(leader).includes(INTENT);

/** A person leads buyers back to eu. @returns the status of the answer; null: none came. */
async function leadBack(one: RunningSingleton): Promise<number | null> {
  return one.order("/api/v1/failover", { to: "eu", why: "eu is well" }).then(({ status }) => status, () => null);
}

/** Longer than `until` waits by itself: others use the cores, too. */
const soon = (so: () => boolean | Promise<boolean>, what: string): Promise<void> => until(so, what, LATE_MS);

/** A question to one that stands by waits for the one that leads, which may stand still: so its log says when it leads. */
async function takenOver({ leader, other }: Region<Shopfront>): Promise<void> {
  await other.wrote(/leads shop, epoch/, AbortSignal.timeout(LATE_MS));
  const epochs = [leader, other].map((one) => one.lines("leader").findLast(({ epoch }) => epoch !== undefined)?.["epoch"]);
  expect(epochs[1]).toBeGreaterThan(Number(epochs[0]));
}

/** It goes on where it stood still, finds that it leads no more, and has let go of all. */
async function thawed({ leader }: Region<Shopfront>): Promise<void> {
  leader.signal("SIGCONT");
  await leader.wrote(/the shift has ended/, AbortSignal.timeout(LATE_MS));
  expect(await leader.metric("shopkeeper_leader")).toBe(0);
}

/** Whoever leads the region has read that buyers are led there, under this epoch, and is content. */
async function settledAt({ cloudflare }: TwoRegions, one: RunningSingleton, to: string, epoch: number): Promise<void> {
  await one.until(({ regions }) => regions?.leadsTo === to && regions.epoch === epoch && regions.decision.startsWith("stay"), LATE_MS);
  expect(cloudflare.control.problems).toEqual([]);
}

/** People are told this, and nothing else, in whatever order. */
async function paged({ pages }: TwoRegions, expected: readonly string[]): Promise<void> {
  // What they were told instead says more than that it was late.
  await soon(() => pages().length >= expected.length, "people are told").catch(() => undefined);
  expect(pages().toSorted()).toEqual(expected);
}

type Entry = Awaited<ReturnType<RunningSingleton["ledger"]>>[number];

/** What a ledger has of acts on the record, oldest first. */
function kept(entries: readonly Entry[]): readonly string[] {
  return entries.filter(({ kind, target }) => target.startsWith("region/") && (kind === "intent" || kind === "outcome")).map(({ kind, text }) => `${kind}: ${text}`);
}

/** As this one wrote it to its standard output, where all entries are, also those that were still on their way into the cluster when it ended. */
const told = (one: RunningSingleton): readonly string[] => kept(one.lines("ledger").map(({ entry }) => entry as Entry));
