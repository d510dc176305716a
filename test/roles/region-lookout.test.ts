/** Who looks at the regions while a daemon stands by, leads, and leads no more: the real watch, over HTTP that the test answers. */
import { pino } from "pino";
import { describe, expect, test } from "vitest";
import { Secret } from "../../src/config/secret.ts";
import type { RegionsConfig } from "../../src/config/regions-config.ts";
import { openLookout, type RegionLookout } from "../../src/roles/region-lookout.ts";
import { startRound } from "../../src/engine/region/in-time.ts";
import type { Http } from "../../src/ports/http.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { PLAN } from "../support/region-scene.ts";

const REGIONS: RegionsConfig = {
  here: "us", me: "us", plan: PLAN, witnesses: [{ name: "w1", daemon: "https://w1.example" }], secret: new Secret("0123456789abcdef0123456789abcdef", "test"), page: "/", expect: 200, provider: null,
  places: PLAN.regions.map(({ name }) => ({ name, origin: `https://${name}.example`, daemon: `https://guard.${name}.example` })),
};

/** Looks at `eu` by the second in which each was made. */
function lookout() {
  const clock = new ManualClock(0);
  const looks: number[] = [];
  const http: Http = {
    request: async ({ url }) => {
      if (url.startsWith("https://eu.")) looks.push(clock.now() / 1_000);
      return { kind: "failed", cause: "refused", detail: "ECONNREFUSED", tookMs: 1, answered: false, noNetwork: false };
    },
    close: async () => undefined,
  };
  return { clock, looks, open: openLookout({ regions: REGIONS, connectivity: [], http, clock, log: pino({ level: "silent" }) }) };
}

/** As the region loop does it: its step begins with the looks. */
function leader({ watch }: RegionLookout, clock: ManualClock, steps: number[]) {
  return {
    step: async (signal: AbortSignal): Promise<void> => {
      steps.push(clock.now() / 1_000);
      const round = startRound(clock, 1_000, signal);
      await watch.round(round);
      round.end();
    },
  };
}

const saysOfEu = ({ watch }: RegionLookout): string | undefined => watch.answer({ nonce: "n", about: ["eu"] })[0]?.says;

describe("the looks at regions", () => {
  test("go on every two seconds while the daemon stands by", async () => {
    const { clock, looks, open } = lookout();
    await clock.advance(6_500);
    expect([looks, saysOfEu(open)]).toEqual([[0, 2, 4, 6], "down"]);
  });

  test("are the leader's from when it leads, who steps at once and looks no more often", async () => {
    const { clock, looks, open } = lookout();
    const steps: number[] = [];
    await clock.advance(4_500);
    open.follow(leader(open, clock, steps), new AbortController().signal);
    await clock.advance(4_500);
    expect([steps, looks]).toEqual([[4.5, 6.5, 8.5], [0, 2, 4, 6.5, 8.5]]);
  });

  test("are the standby's again when it leads no more, with all that was seen", async () => {
    const { clock, looks, open } = lookout();
    const steps: number[] = [];
    await clock.advance(5_000);
    const stopping = new AbortController();
    const giveBack = open.follow(leader(open, clock, steps), stopping.signal);
    await clock.advance(3_000);
    giveBack();
    stopping.abort();
    await clock.advance(4_000);
    expect([steps, looks, saysOfEu(open)]).toEqual([[5, 7], [0, 2, 4, 5, 7, 8, 10, 12], "down"]);
  });

  test("end with the daemon, whoever has them", async () => {
    const { clock, looks, open } = lookout();
    const stopping = new AbortController();
    const giveBack = open.follow(leader(open, clock, []), stopping.signal);
    stopping.abort();
    await open.close();
    giveBack();
    await clock.advance(10_000);
    expect([looks, clock.waiting]).toEqual([[0], 0]);
  });
});
