import { describe, expect, test } from "vitest";
import { simulateIncident } from "../../src/simulation/regions/simulate-incident.ts";
import { addTally, startTally } from "../../src/simulation/regions/tally.ts";

const INCIDENTS = 200;

describe("simulated incidents over regions", () => {
  test(`no promise is broken in ${INCIDENTS} of them, and they were no idle ones`, { timeout: 120_000 }, async () => {
    let tally = startTally();
    for (let seed = 1; seed <= INCIDENTS; seed += 1) tally = addTally(tally, await simulateIncident(seed));
    expect(tally.violations).toEqual([]);
    expect(tally.incidents).toBe(INCIDENTS);
    expect(tally.flips).toBeGreaterThan(INCIDENTS / 2);
    expect(tally.promised).toBeGreaterThan(INCIDENTS / 4);
    expect(tally.lateWrites).toBeGreaterThan(0);
    expect(tally.repairs).toBeGreaterThan(0);
    expect(tally.codes).toEqual(expect.arrayContaining(["block", "blind", "disagree", "not_preferred", "provider_down", "quorum", "unfit_capacity", "unfit_checks", "unfit_path", "veto", "yielding"]));
  });

  test("the same seed is the same incident, to the last line", async () => {
    const [one, again, other] = [await simulateIncident(7), await simulateIncident(7), await simulateIncident(8)];
    expect(again.transcript).toEqual(one.transcript);
    expect(other.transcript).not.toEqual(one.transcript);
  });
});
