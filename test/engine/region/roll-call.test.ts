/** Observers that fall silent long before they are needed. */
import { describe, expect, test } from "vitest";
import { ManualClock } from "../../support/manual-clock.ts";
import { regionWorld, type RegionWorld } from "../../support/region-world.ts";

const MINUTE = 30;

function silence({ eyes }: RegionWorld, ...observers: readonly string[]): void {
  for (const name of observers) eyes.says.delete(name);
}

const called = ({ events }: RegionWorld): readonly string[] => events.flatMap((event) => (event.kind === "called" ? [event.text] : []));
const paged = ({ alerts }: RegionWorld): readonly string[] => alerts.map(({ reason, state, severity }) => `${severity} ${state}: ${reason}`);

describe("while all is calm", () => {
  test("every observer is asked once a minute, from a moment of the daemon's own on, and when each was heard is shown", async () => {
    const world = regionWorld({ random: { next: () => 0.5, id: () => "a-nonce-of-16-chars" } });
    expect(world.loop.view().observers).toEqual(["eu", "ap", "w1"].map((observer) => ({ observer, askedAt: null, heardAt: null, why: null })));
    await world.rounds(15);
    expect(world.eyes.asked).toBe(0);
    await world.rounds(1);
    const at = 1_000_000 + 30_000;
    expect(world.loop.view().observers).toEqual([{ observer: "eu", askedAt: at, heardAt: null, why: "refused" }, { observer: "ap", askedAt: at, heardAt: at, why: null }, { observer: "w1", askedAt: at, heardAt: at, why: null }]);
    await world.rounds(3 * MINUTE);
    expect([world.eyes.asked, called(world), paged(world)]).toEqual([4 * 3, ["in an incident of eu us, ap, w1 could speak, 2 needed"], []]);
  });

  test("an observer that never answers delays no look and no step", async () => {
    const world = regionWorld({ random: { next: () => 0, id: () => "a-nonce-of-16-chars" } });
    world.eyes.says.set("w1", "never");
    for (let round = 0; round < 3; round += 1) {
      const step = world.loop.step(new AbortController().signal);
      await world.clock.advance(0);
      expect((await step)?.kind).toBe(round === 0 ? "hold" : "stay");
      await world.clock.advance(2_000);
    }
    expect(world.loop.view().observers.at(-1)).toMatchObject({ observer: "w1", heardAt: null, why: "no answer within 900 ms" });
  });

  test("one that falls silent is told once and nobody is called, while the quorum holds without it", async () => {
    const world = regionWorld();
    await world.rounds(2 * MINUTE);
    silence(world, "w1");
    await world.rounds(5 * MINUTE);
    expect(called(world).slice(1)).toEqual([expect.stringMatching(/^in an incident of eu us, ap could speak, 2 needed; not w1, heard \d+s? ?.*ago \(refused\)$/)]);
    expect(paged(world)).toEqual([]);
    world.eyes.says.set("w1", "up");
    await world.rounds(MINUTE);
    expect(called(world).at(-1)).toBe("in an incident of eu us, ap, w1 could speak, 2 needed");
  });

  test("too few call a person once after three rounds, and are over with the first round that has enough", async () => {
    const world = regionWorld();
    await world.rounds(MINUTE);
    silence(world, "ap", "w1");
    await world.rounds(2 * MINUTE);
    expect(paged(world)).toEqual([]);
    await world.rounds(6 * MINUTE);
    expect(paged(world)).toEqual(["page firing: region_observers_few"]);
    expect(world.alerts[0]).toMatchObject({ runbook: "docs/runbooks/region-observers-few.md", target: "region/us", summary: expect.stringMatching(/^a failover could not happen: in an incident of eu us could speak, 2 needed; not ap, .*; not w1, /) });
    world.eyes.says.set("ap", "up");
    await world.rounds(2 * MINUTE);
    expect(paged(world)).toEqual(["page firing: region_observers_few", "page resolved: region_observers_few"]);
    expect(world.alerts[1]).toMatchObject({ key: world.alerts[0]?.key, startedAt: world.alerts[0]?.startedAt });
  });

  test("the next leader neither calls anew nor takes for over what it has not asked yet", async () => {
    const world = regionWorld();
    silence(world, "ap", "w1");
    await world.rounds(5 * MINUTE);
    world.succeed(new ManualClock(world.clock.now() + 300_000));
    await world.rounds(5 * MINUTE);
    expect(paged(world)).toEqual(["page firing: region_observers_few"]);
    world.eyes.says.set("w1", "up");
    await world.rounds(MINUTE);
    expect(paged(world).at(-1)).toBe("page resolved: region_observers_few");
    expect(world.alerts[1]?.key).toBe(world.alerts[0]?.key);
  });

  test("a daemon that leads no more asks nobody, and shows nobody", async () => {
    const world = regionWorld();
    world.loop.end();
    await world.rounds(3 * MINUTE);
    expect([world.eyes.asked, world.loop.view().observers]).toEqual([0, []]);
  });
});
