import { expect, test } from "vitest";
import { RegionTeller, type RegionEvent } from "../../../src/engine/region/region-told.ts";
import { ManualClock } from "../../support/manual-clock.ts";

test("two troubles that alternate are told once each, and again when an hour has passed or they say something else", async () => {
  const clock = new ManualClock();
  const told: string[] = [];
  const ledger = { append: () => Promise.reject(new Error("nothing is written")), query: async () => [], observe: () => undefined, observations: async () => [], close: async () => undefined };
  const teller = new RegionTeller({ me: "us", ledger, clock, told: (event: RegionEvent) => void (event.kind === "troubled" && told.push(`${event.where}: ${event.detail}`)) });
  const both = (): void => {
    teller.troubled("provider", "503");
    teller.troubled("state", "no answer");
  };
  both();
  both();
  expect(told).toEqual(["provider: 503", "state: no answer"]);
  teller.troubled("provider", "no route");
  await clock.advance(3_600_000);
  teller.troubled("state", "no answer");
  expect(told.slice(2)).toEqual(["provider: no route", "state: no answer"]);
});
