import { describe, expect, test } from "vitest";
import { RegionWatch } from "../../../src/engine/region/watch.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { PLAN } from "../../support/region-scene.ts";
import { FakeEyes } from "../../support/region-world.ts";

function witness(): { readonly clock: ManualClock; readonly eyes: FakeEyes; readonly watch: RegionWatch; rounds(count: number): Promise<void>; says(region?: string): string | undefined } {
  const clock = new ManualClock();
  const eyes = new FakeEyes();
  const watch = new RegionWatch({ observer: "w1", plan: PLAN, eyes, clock });
  return {
    clock, eyes, watch,
    rounds: async (count) => {
      for (let at = 0; at < count; at += 1) {
        void watch.step(new AbortController().signal);
        await clock.advance(2_000);
      }
    },
    says: (region = "eu") => watch.answer({ nonce: "n", about: [region] })[0]?.says,
  };
}

describe("a witness", () => {
  test("says unknown before it has looked, and what it sees after", async () => {
    const { watch, rounds, says } = witness();
    expect(says()).toBe("unknown");
    await rounds(1);
    expect(watch.answer({ nonce: "n", about: ["eu", "us", "mars"] })).toEqual(["eu", "us"].map((about) => ({ nonce: "n", observer: "w1", about, says: "up", copiesForMs: 0, vetoed: false })));
  });

  test.each([
    ["fails", { kind: "failed", detail: "refused" }],
    ["never answers", "never"],
  ] as const)("sees a region down after three looks where it %s", async (_, sight) => {
    const { eyes, rounds, says } = witness();
    await rounds(2);
    eyes.sights.set("eu", sight);
    await rounds(2);
    expect(says()).toBe("up");
    await rounds(1);
    expect([says(), says("us")]).toEqual(["down", "up"]);
  });

  test.each([
    ["answer either", false, "unknown"],
    ["end in time either", "never", "unknown"],
    ["are configured", null, "down"],
  ] as const)("where no reference hosts %s, a failed look counts as %s would", async (_, reached, expected) => {
    const { eyes, rounds, says } = witness();
    await rounds(1);
    eyes.reached = reached;
    eyes.sights.set("eu", { kind: "failed", detail: "refused" });
    await rounds(4);
    expect(says()).toBe(expected);
    // What got through got through.
    expect(says("us")).toBe("up");
  });

  test("counts no look that a stop cut short", async () => {
    const { clock, eyes, rounds, watch, says } = witness();
    await rounds(2);
    eyes.sights.set("eu", "never");
    for (let at = 0; at < 4; at += 1) {
      const stopping = new AbortController();
      const cut = watch.step(stopping.signal);
      stopping.abort();
      await cut;
      await clock.advance(2_000);
    }
    await rounds(2);
    expect(says()).toBe("up");
  });

  test("makes no second look in one moment: three of them are to be seconds apart", async () => {
    const { clock, eyes, rounds, watch, says } = witness();
    await rounds(1);
    eyes.sights.set("eu", { kind: "failed", detail: "refused" });
    for (let at = 0; at < 6; at += 1) {
      await watch.step(new AbortController().signal);
      await clock.advance(500);
    }
    expect([says(), watch.views().get("eu")?.failing]).toEqual(["down", 3]);
  });

  test("leaves no timer behind, and does nothing once it is stopped", async () => {
    const { clock, eyes, rounds, watch, says } = witness();
    await rounds(3);
    expect(clock.waiting).toBe(0);
    const stopped = AbortSignal.abort();
    eyes.sights.set("eu", { kind: "failed", detail: "refused" });
    for (let at = 0; at < 4; at += 1) await watch.step(stopped);
    expect(says()).toBe("up");
  });
});
