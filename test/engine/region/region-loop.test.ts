import { describe, expect, test } from "vitest";
import { RegionWatch } from "../../../src/engine/region/watch.ts";
import { TrafficError, type SwitchOrder, type SwitchOutcome } from "../../../src/ports/traffic.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { PLAN, WELL } from "../../support/region-scene.ts";
import { fakeEntry, loseEu, regionWorld, type RegionWorld } from "../../support/region-world.ts";

/** The last decision in a word: "stay", "flip down", "quorum veto". */
function last({ events }: RegionWorld): string {
  const decided = events.findLast((event) => event.kind === "decided");
  if (decided?.kind !== "decided") return "";
  const { decision } = decided;
  if (decision.kind === "hold") return decision.reasons.map((one) => one.code).join(" ");
  return decision.kind === "flip" ? `flip ${decision.cause}` : decision.kind;
}

const where = ({ traffic }: RegionWorld): string => traffic.entries.map((entry) => `${entry.leadsTo} ${entry.mark?.epoch}`).join(", ");

async function lostAfterCalm(over: Parameters<typeof regionWorld>[0] = {}): Promise<RegionWorld> {
  const world = regionWorld(over);
  await world.rounds(2);
  loseEu(world);
  return world;
}

describe("a daemon that has lost its state", () => {
  test("learns from the others, while they speak, for how long the mark has stood: it need not wait for an hour when they fall silent", async () => {
    const world = regionWorld();
    world.traffic.entries = [fakeEntry("eu", 7)];
    world.eyes.reports.set("eu", { ...WELL, region: "eu", outside: "up", mark: { region: "eu", epoch: 7, seenForMs: 90 * 86_400_000 } });
    await world.rounds(3);
    loseEu(world);
    await world.rounds(4);
    expect(where(world)).toBe("us 8");
  });

  test("is not told of another mark's age", async () => {
    const world = regionWorld();
    world.traffic.entries = [fakeEntry("eu", 7)];
    world.eyes.reports.set("eu", { ...WELL, region: "eu", outside: "up", mark: { region: "eu", epoch: 6, seenForMs: 90 * 86_400_000 } });
    await world.rounds(3);
    loseEu(world);
    await world.rounds(4);
    expect([where(world), last(world)]).toEqual(["eu 7", "block"]);
  });
});

describe("a daemon that begins to lead", () => {
  test("decides on the looks that were made while it stood by: the region is left as soon as what stands was read", async () => {
    const world = regionWorld();
    await world.rounds(2);
    const watch = new RegionWatch({ observer: "us", plan: PLAN, eyes: world.eyes, clock: world.clock });
    loseEu(world);
    for (let at = 0; at < 3; at += 1) {
      await watch.step(new AbortController().signal);
      await world.clock.advance(2_000);
    }
    world.succeed(world.clock, { watch });
    await world.rounds(1);
    expect([last(world), where(world)]).toEqual(["records_unread", "eu 1"]);
    await world.rounds(1);
    expect(where(world)).toBe("us 2");
  });

  test("without any of them needs three of its own", async () => {
    const world = regionWorld();
    await world.rounds(2);
    loseEu(world);
    world.succeed();
    await world.rounds(2);
    expect(where(world)).toBe("eu 1");
    await world.rounds(1);
    expect(where(world)).toBe("us 2");
  });
});

describe("a policy that only records", () => {
  test("says what it would do, calls a person, and does nothing; an order is carried out", async () => {
    const world = await lostAfterCalm({ onlyRecords: () => "the policy failover only records" });
    await world.rounds(4);
    expect([last(world), where(world), world.traffic.orders]).toEqual(["observe", "eu 1", []]);
    expect(world.ledger.some(({ kind, text }) => kind === "hold" && text.includes("the policy failover only records; it would flip from eu to us, epoch 2"))).toBe(true);
    expect(world.alerts.map(({ reason, state, summary }) => [reason, state, summary.includes("it would flip from eu to us")])).toEqual([["region_held", "firing", true]]);
    expect((await world.loop.command({ id: "1", to: "us", by: "ada" }, new AbortController().signal))?.decision.kind).toBe("flip");
    expect(where(world)).toBe("us 2");
  });
});

describe("a region that is lost", () => {
  test("is left after three looks, by intent, write and outcome, and people are told", async () => {
    const world = await lostAfterCalm();
    await world.rounds(2);
    expect([where(world), last(world)]).toEqual(["eu 1", "stay"]);
    await world.rounds(1);
    expect(where(world)).toBe("us 2");
    expect(world.ended()).toEqual(["flip to us, epoch 2: done"]);
    expect(world.ledger.filter((entry) => entry.actionId !== "").map((entry) => entry.kind)).toEqual(["intent", "outcome"]);
    expect(world.alerts.map(({ reason, severity, runbook }) => [reason, severity, runbook])).toEqual([["region_failed_over", "page", "docs/runbooks/region-failed-over.md"]]);
    await world.rounds(2);
    expect([last(world), world.traffic.orders.length]).toEqual(["stay", 1]);
  });

  test("is left under a pause that is shown, and the time since its first failed look is told with the act", async () => {
    const world = await lostAfterCalm();
    expect(world.loop.view().blockedUntil).toBeNull();
    await world.rounds(3);
    expect(world.events.flatMap((event) => (event.kind === "ended" ? [[event.outcome, event.sinceFaultMs]] : []))).toEqual([["done", 4_000]]);
    expect(world.loop.view().blockedUntil).toBe(world.clock.now() - 2_000 + 3_600_000);
    const signal = new AbortController().signal;
    expect(await world.loop.acknowledge(signal, true)).toMatchObject({ kind: "looked", lifts: { region: "us", epoch: 2 }, pages: 1 });
    expect(world.loop.view().blockedUntil).not.toBeNull();
    expect(await world.loop.acknowledge(signal)).toMatchObject({ kind: "looked", lifts: { region: "us", epoch: 2 }, pages: 1 });
    expect(await world.loop.acknowledge(signal)).toEqual({ kind: "nothing" });
    expect(world.loop.view().blockedUntil).toBeNull();
    await world.rounds(1);
    expect(world.alerts.map(({ reason, state }) => [reason, state])).toEqual([["region_failed_over", "firing"], ["region_failed_over", "resolved"]]);
    expect(world.alerts[1]?.key).toBe(world.alerts[0]?.key);
  });

  test("is not left by a daemon that may not act, nor by one that lost the lead between deciding and writing", async () => {
    const idle = await lostAfterCalm();
    idle.fence.leads = false;
    await idle.rounds(4);
    expect([last(idle), where(idle)]).toEqual(["not_leader", "eu 1"]);

    const paused: RegionWorld = await lostAfterCalm({ mayAct: () => !paused.events.some((event) => event.kind === "intended") });
    await paused.rounds(4);
    expect([paused.ended(), paused.traffic.orders]).toEqual([["flip to us, epoch 2: refused"], []]);
  });

  test("is not left where the intent cannot be recorded", async () => {
    const world = await lostAfterCalm();
    await world.rounds(1);
    // Somebody else's hand on the row.
    const row = world.rows.get("region/state");
    if (row === undefined) throw new Error("nothing was stored");
    world.rows.set(row.key, { ...row, revision: row.revision + 5 });
    await world.rounds(2);
    expect(world.traffic.orders).toEqual([]);
    expect(world.events.some((event) => event.kind === "troubled" && event.where === "state")).toBe(true);
    // Read anew, it goes on from there.
    await world.rounds(2);
    expect(where(world)).toBe("us 2");
  });

  test("is left though an observer never answers, within its second", async () => {
    const world = await lostAfterCalm();
    world.eyes.says.set("ap", "never");
    await world.rounds(3);
    expect(where(world)).toBe("us 2");
  });
});

describe("an outcome that is not known", () => {
  const unanswered = new TrafficError("UNCERTAIN", "no answer");

  test("is read before anything else; it had landed, so nothing is written again", async () => {
    const world = await lostAfterCalm();
    world.traffic.next = async (_, write) => {
      write();
      throw unanswered;
    };
    await world.rounds(5);
    expect([world.ended(), world.traffic.orders.length, where(world)]).toEqual([["flip to us, epoch 2: uncertain", "flip to us, epoch 2: done"], 1, "us 2"]);
  });

  test("is read; it had not, so it is tried again under the same epoch", async () => {
    const world = await lostAfterCalm();
    world.traffic.next = async () => {
      world.traffic.next = null;
      throw unanswered;
    };
    await world.rounds(6);
    expect([world.ended(), world.traffic.orders.map((order) => order.mark.epoch)]).toEqual([["flip to us, epoch 2: uncertain", "flip to us, epoch 2: refused", "flip to us, epoch 2: done"], [2, 2]]);
  });

  test("is the first question of the next leader, whatever its clock says", async () => {
    const world = await lostAfterCalm();
    world.traffic.next = (_, write) => {
      write();
      return new Promise(() => {});
    };
    await world.rounds(3);
    world.traffic.next = null;
    world.succeed(new ManualClock(world.clock.now() + 300_000));
    await world.rounds(2);
    expect([world.ended().at(-1), world.traffic.orders.length, last(world)]).toEqual(["flip to us, epoch 2: done", 1, "stay"]);
  });
});

describe("a provider", () => {
  test("that is down is tried a few times, and then a person is called once", async () => {
    const world = await lostAfterCalm();
    world.traffic.next = async () => {
      throw new TrafficError("UNAVAILABLE", "503");
    };
    await world.rounds(60);
    expect(world.traffic.orders.length).toBeGreaterThan(2);
    expect(world.traffic.orders.length).toBeLessThan(20);
    expect(last(world)).toBe("provider_down");
    expect(world.alerts.filter((alert) => alert.state === "firing" && alert.reason === "region_provider_down").length).toBeLessThan(4);
    world.traffic.next = null;
  });

  test("that refuses the token is not asked again by ourselves, and the next two readings are its chance", async () => {
    const world = await lostAfterCalm();
    world.traffic.next = async () => {
      throw new TrafficError("UNAUTHORIZED", "no right to edit");
    };
    await world.rounds(20);
    expect([world.traffic.orders.length, last(world)]).toEqual([3, "provider_down"]);
  });

  test("that cannot be read is asked ever more rarely, and looks go on", async () => {
    const world = regionWorld();
    world.traffic.readError = new TrafficError("UNAVAILABLE", "503");
    await world.rounds(60);
    expect(world.traffic.reads).toBeLessThan(8);
    expect(last(world)).toBe("records_unread");
    expect(world.alerts.map((alert) => alert.reason)).toEqual(["region_provider_down"]);
    world.traffic.readError = null;
    await world.rounds(35);
    expect([last(world), world.alerts.at(-1)?.state]).toEqual(["stay", "resolved"]);
  });

  test("is read every ten seconds while all is well", async () => {
    const world = regionWorld();
    await world.rounds(60);
    expect(world.traffic.reads).toBeLessThanOrEqual(13);
    expect(world.traffic.reads).toBeGreaterThanOrEqual(12);
  });
});

describe("another writer", () => {
  test("that was first is left alone", async () => {
    const world = await lostAfterCalm();
    world.traffic.next = async (order) => ({ kind: "moved", found: world.traffic.put(order.entry.name, "ap", 2) });
    await world.rounds(6);
    expect([world.ended(), where(world), last(world)]).toEqual([["flip to us, epoch 2: refused"], "ap 2", "failback_wait block"]);
  });

  test("that came between our write and the reading back is pushed aside, counted and paged", async () => {
    const world = await lostAfterCalm();
    world.traffic.next = async (order, write) => {
      world.traffic.next = null;
      write();
      return { kind: "overwritten", found: world.traffic.put(order.entry.name, "ap", 2) };
    };
    await world.rounds(6);
    expect([world.ended(), where(world)]).toEqual([["flip to us, epoch 2: partly", "repair to us, epoch 3: done"], "us 3"]);
    expect(world.alerts.map((alert) => alert.reason)).toEqual(["region_failed_over", "region_late_write"]);
  });

  /** Says that it has written, and has not. */
  const lying = async (order: SwitchOrder): Promise<SwitchOutcome> => ({ kind: "switched", entry: fakeEntry(order.to, order.mark.epoch, order.entry.name, "a lie") });

  test("whose mark stands where ours was never written, whatever the provider said, is left alone", async () => {
    const world = await lostAfterCalm();
    world.traffic.next = lying;
    await world.rounds(4);
    expect([world.ended(), where(world)]).toEqual([["flip to us, epoch 2: done"], "eu 1"]);
    world.traffic.next = null;
    world.traffic.put("shop.example A", "ap", 2);
    await world.rounds(6);
    expect([world.ended(), where(world)]).toEqual([["flip to us, epoch 2: done"], "ap 2"]);
  });

  test("whose mark stands over ours, which was written and read after one such lie, is pushed aside", async () => {
    const world = await lostAfterCalm();
    world.traffic.next = lying;
    await world.rounds(4);
    world.traffic.next = null;
    await world.rounds(4);
    expect(where(world)).toBe("us 2");
    world.traffic.put("shop.example A", "ap", 2);
    await world.rounds(6);
    expect([world.ended().at(-1), where(world)]).toEqual(["repair to us, epoch 3: done", "us 3"]);
  });

  test("whose write lands a minute later is found by reading, and pushed aside within one interval", async () => {
    const world = await lostAfterCalm();
    await world.rounds(35);
    world.traffic.put("shop.example A", "ap", 2);
    await world.rounds(6);
    expect([world.ended().at(-1), where(world)]).toEqual(["repair to us, epoch 3: done", "us 3"]);
  });

  test("that insists is a person's matter", async () => {
    const world = await lostAfterCalm();
    await world.rounds(4);
    for (let at = 0; at < 6; at += 1) {
      world.traffic.put("shop.example A", "ap", world.traffic.entries[0]?.mark?.epoch ?? 0);
      await world.rounds(6);
    }
    expect([world.ended().filter((text) => text.startsWith("repair")).length, last(world)]).toEqual([3, "repairs_spent"]);
    expect(world.alerts.at(-1)).toMatchObject({ reason: "region_late_write", state: "firing", severity: "page" });
  });

  test("that was decided on what stood before us was pushed aside is no better for one lie of the provider before", async () => {
    const world = await lostAfterCalm();
    world.traffic.next = lying;
    await world.rounds(4);
    world.traffic.next = async (order, write) => {
      const entry = write();
      world.traffic.put("shop.example A", "ap", 2);
      return { kind: "switched", entry };
    };
    await world.rounds(1);
    world.traffic.next = null;
    await world.rounds(6);
    expect(where(world)).toBe("us 3");
  });

  test("pages though a person has looked at the failover before it, until they have looked again", async () => {
    const world = await lostAfterCalm();
    await world.rounds(4);
    const signal = new AbortController().signal;
    await world.loop.acknowledge(signal);
    world.alerts.length = 0;
    world.traffic.put("shop.example A", "eu", 1);
    await world.rounds(12);
    expect(world.alerts.map(({ reason, state }) => [reason, state])).toEqual([["region_late_write", "firing"]]);
    expect(await world.loop.acknowledge(signal)).toEqual({ kind: "looked", lifts: null, pages: 1 });
    expect(world.alerts.map(({ state }) => state)).toEqual(["firing", "resolved"]);
  });

  test("of a person's words is never written over", async () => {
    const world = await lostAfterCalm();
    world.traffic.entries = [{ ...fakeEntry("eu", 1), mark: null, foreign: "ask Ann" }];
    await world.rounds(10);
    expect([world.traffic.orders, last(world), world.alerts.map((alert) => alert.reason)]).toEqual([[], "records_not_ours", ["region_records_foreign"]]);
  });
});

describe("what fires", () => {
  const heldByBlock = async (): Promise<RegionWorld> => {
    const world = regionWorld();
    world.traffic.entries = [fakeEntry("eu", 7)];
    await world.rounds(2);
    world.traffic.put("shop.example A", "eu", 8);
    await world.rounds(8);
    loseEu(world);
    await world.rounds(6);
    expect(world.alerts.map(({ reason, state }) => [reason, state])).toEqual([["region_held", "firing"]]);
    return world;
  };

  test("fires on under the next leader, who has read nothing yet", async () => {
    const world = await heldByBlock();
    world.succeed(world.clock);
    await world.rounds(10);
    expect(world.alerts).toHaveLength(1);
  });

  test("fires on where this daemon may not act for a moment", async () => {
    const world = await heldByBlock();
    world.fence.leads = false;
    await world.rounds(1);
    world.fence.leads = true;
    await world.rounds(2);
    expect(world.alerts).toHaveLength(1);
  });

  test("since the provider cannot be read ends once it can", async () => {
    const world = regionWorld();
    await world.rounds(2);
    world.traffic.readError = new Error("502");
    await world.rounds(60);
    expect(world.alerts.map(({ reason, state, summary }) => [reason, state, summary])).toEqual([["region_provider_down", "firing", "what stands at the provider cannot be read: 502"]]);
    world.traffic.readError = null;
    await world.rounds(40);
    expect(world.alerts.map(({ state }) => state)).toEqual(["firing", "resolved"]);
  });
});

describe("a person who says that they have looked", () => {
  const signal = new AbortController().signal;

  test("is told where it cannot be read at what", async () => {
    const world = regionWorld();
    world.traffic.readError = new Error("502");
    expect(await world.loop.acknowledge(signal)).toEqual({ kind: "unread", why: "what stands at the provider cannot be read: 502" });
  });

  test("is told where nothing was ever flipped", async () => {
    const world = regionWorld();
    await world.rounds(2);
    expect(await world.loop.acknowledge(signal)).toEqual({ kind: "nothing" });
  });
});

describe("several entries", () => {
  test("are written at once, and what failed of them is completed under the same epoch", async () => {
    const world = await lostAfterCalm();
    world.traffic.entries = [fakeEntry("eu", 1), fakeEntry("eu", 1, "shop.example AAAA")];
    await world.rounds(1);
    world.traffic.next = async (order, write) => {
      if (order.entry.name.endsWith("AAAA")) throw new TrafficError("UNAVAILABLE", "503");
      return { kind: "switched", entry: write() };
    };
    await world.rounds(2);
    expect([where(world), world.ended()]).toEqual(["us 2, eu 1", ["flip to us, epoch 2: partly"]]);
    world.traffic.next = null;
    await world.rounds(3);
    expect([where(world), world.ended().at(-1)]).toEqual(["us 2, us 2", "complete to us, epoch 2: done"]);
    // Nobody wrote late.
    expect(world.alerts.map(({ reason }) => reason)).toEqual(["region_failed_over"]);
  });

  test("one of which somebody writes over each time is left to a person after a few tries", async () => {
    const world = await lostAfterCalm();
    world.traffic.entries = [fakeEntry("eu", 1), fakeEntry("eu", 1, "shop.example AAAA")];
    await world.rounds(1);
    world.traffic.next = async (order, write) => {
      if (!order.entry.name.endsWith("AAAA")) return { kind: "switched", entry: write() };
      return { kind: "overwritten", found: fakeEntry("eu", 1, "shop.example AAAA") };
    };
    await world.rounds(30);
    expect(world.ended().filter((text) => text.startsWith("complete"))).toHaveLength(3);
    expect([last(world), world.alerts.map(({ reason }) => reason)]).toEqual(["repairs_spent", ["region_failed_over", "region_late_write"]]);
  });
});

describe("the network here", () => {
  test.each([false, "never"] as const)("is gone (%s): nothing is evidence, nobody is asked, nothing is done; a person is called once it lasts", async (reached) => {
    const world = await lostAfterCalm();
    world.eyes.reached = reached;
    world.eyes.sights.set("us", { kind: "failed", detail: "refused" });
    await world.rounds(10);
    expect([last(world), where(world), world.eyes.asked, world.alerts]).toEqual(["blind", "eu 1", 0, []]);
    await world.rounds(30);
    expect([where(world), world.alerts.map(({ reason }) => reason)]).toEqual(["eu 1", ["region_held"]]);
    expect(world.loop.answer({ nonce: "n", about: ["eu"] })[0]?.says).toBe("unknown");
  });
});

describe("a disagreement", () => {
  test("of a healthy primary with all observers holds, and calls a person after a minute", async () => {
    const world = await lostAfterCalm();
    world.eyes.reports.set("eu", { ...WELL, region: "eu", outside: "up", mark: null });
    await world.rounds(30);
    expect([last(world), world.alerts]).toEqual(["veto", []]);
    await world.rounds(5);
    expect([world.alerts.map((alert) => alert.reason), where(world)]).toEqual([["region_held"], "eu 1"]);
    world.eyes.sights.delete("eu");
    await world.rounds(3);
    expect(world.alerts.map((alert) => [alert.state, alert.key === world.alerts[0]?.key])).toEqual([["firing", true], ["resolved", true]]);
  });
});

describe("a block", () => {
  test("goes on under the next leader, though its clock is five minutes ahead", async () => {
    const world = await lostAfterCalm();
    await world.rounds(4);
    world.traffic.put("shop.example A", "ap", 3);
    await world.rounds(8);
    world.succeed(new ManualClock(world.clock.now() + 300_000));
    world.eyes.sights.set("ap", { kind: "failed", detail: "refused" });
    world.eyes.reports.set("ap", null);
    world.eyes.reports.set("eu", null);
    world.eyes.says.set("eu", "down");
    await world.rounds(5);
    expect([last(world), where(world)]).toEqual(["block", "ap 3"]);
    expect(await world.loop.acknowledge(new AbortController().signal)).toMatchObject({ kind: "looked", lifts: { region: "ap", epoch: 3 } });
    await world.rounds(2);
    expect(where(world)).toBe("us 4");
  });
});

describe("a person", () => {
  const order = { id: "1", to: "us", by: "ann" };
  const signal = new AbortController().signal;

  test("is shown what would be called, and nothing is", async () => {
    const world = regionWorld();
    await world.rounds(2);
    const shown = await world.loop.command(order, signal, true);
    expect([shown?.decision.kind, shown?.calls, world.traffic.orders]).toEqual(["flip", [{ method: "PATCH", url: "https://dns.example/shop.example A", body: "us" }], []]);
  });

  test("flips at once", async () => {
    const world = regionWorld();
    await world.rounds(2);
    await world.loop.command(order, signal);
    expect([where(world), world.ended(), world.ledger.find((entry) => entry.kind === "intent")?.who]).toEqual(["us 2", ["flip to us, epoch 2: done"], "ann"]);
    expect(world.alerts[0]?.severity).toBe("notify");
  });

  test("is not told by what was read before another region's flip", async () => {
    const world = regionWorld();
    await world.rounds(2);
    await world.loop.command(order, signal);
    expect(where(world)).toBe("us 2");
    world.traffic.put("shop.example A", "eu", 5);
    const commanded = await world.loop.command(order, signal);
    expect([commanded?.decision.kind, where(world)]).toEqual(["flip", "us 6"]);
  });

  test("is refused where what stands cannot be read", async () => {
    const world = regionWorld();
    await world.rounds(2);
    world.traffic.readError = new TrafficError("UNAVAILABLE", "no answer");
    const refused = await world.loop.command(order, signal);
    expect(refused?.decision).toMatchObject({ kind: "hold", reasons: [{ code: "records_unread", text: expect.stringContaining("no answer") }] });
    expect(world.traffic.orders).toEqual([]);
  });

  test("is refused where nobody could be served", async () => {
    const world = regionWorld();
    world.own = { ...WELL, ready: 0 };
    await world.rounds(2);
    const refused = await world.loop.command(order, signal);
    expect([refused?.decision.kind, world.traffic.orders]).toEqual(["hold", []]);
  });

  test("is told nothing by a daemon that does not lead", async () => {
    const world = regionWorld();
    world.loop.end();
    expect(await world.loop.command(order, signal)).toBeNull();
    expect(await world.loop.acknowledge(signal)).toBe("not_leading");
  });
});

test("what it says of its own region: its checks, its own path from outside, and the mark it takes for right", async () => {
  const world = regionWorld();
  expect(world.loop.report()).toMatchObject({ outside: "unknown", mark: null });
  await world.rounds(3);
  expect(world.loop.report()).toEqual({ ...WELL, region: "us", outside: "up", mark: { region: "eu", epoch: 1, seenForMs: 6_000 } });
});

test("a veto that it hears goes with its votes, so that who cannot hear it does not act against it", async () => {
  const world = regionWorld();
  await world.rounds(1);
  expect(world.loop.answer({ nonce: "n", about: ["eu", "us"] }).map((vote) => vote.vetoed)).toEqual([true, false]);
});

test("a daemon that does not lead looks, and decides nothing", async () => {
  const world = regionWorld();
  world.loop.end();
  loseEu(world);
  await world.rounds(4);
  expect([world.events, world.traffic.reads, world.loop.answer({ nonce: "n", about: ["eu", "mars"] })]).toEqual([[], 0, [{ nonce: "n", observer: "us", about: "eu", says: "down", copiesForMs: 0, vetoed: false }]]);
});
