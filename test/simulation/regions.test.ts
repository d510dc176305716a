import { beforeAll, describe, expect, test } from "vitest";
import { simulateIncident, type SimulatedIncident } from "../../src/simulation/regions/simulate-incident.ts";
import { addTally, startTally } from "../../src/simulation/regions/tally.ts";

const INCIDENTS = 120;

describe("simulated incidents over regions", () => {
  const incidents: SimulatedIncident[] = [];
  beforeAll(async () => {
    for (let seed = 1; seed <= INCIDENTS; seed += 1) incidents.push(await simulateIncident(seed));
  }, 120_000);

  test(`no promise is broken in ${INCIDENTS} of them, and they were no idle ones`, () => {
    const tally = incidents.reduce(addTally, startTally());
    expect(tally.violations).toEqual([]);
    expect(tally.incidents).toBe(INCIDENTS);
    expect(tally.flips).toBeGreaterThan(INCIDENTS / 2);
    expect(tally.promised).toBeGreaterThan(INCIDENTS / 4);
    expect(tally.lateWrites).toBeGreaterThan(0);
    expect(tally.repairs).toBeGreaterThan(0);
    expect(tally.observerPages).toBeGreaterThan(0);
    expect(tally.silencesShown).toBeGreaterThan(0);
    expect(tally.codes).toEqual(expect.arrayContaining(["block", "blind", "disagree", "not_preferred", "provider_down", "quorum", "unfit_capacity", "unfit_checks", "unfit_path", "veto", "yielding"]));
  });

  test("an observer that has been dead for minutes is told before anything else goes wrong, and too few of them page", () => {
    const found = incidents.flatMap(({ transcript }) => {
      const silentAt = transcript.findIndex((line) => line.includes("world    witness_dead"));
      const struckAt = transcript.findIndex((line) => / world +(lost|region) /.test(line));
      return silentAt === -1 || struckAt <= silentAt ? [] : [transcript.slice(silentAt, struckAt).join("\n")];
    });
    expect(found.some((told) => /; not w\d, .*\(refused\)/.test(told) && !told.includes("region_observers_few"))).toBe(true);
    expect(found.some((told) => /; not w\d, .*\(refused\)/.test(told) && told.includes("page firing: region_observers_few"))).toBe(true);
  });

  test("the same seed is the same incident, to the last line", async () => {
    const [one, again, other] = [await simulateIncident(7), await simulateIncident(7), await simulateIncident(8)];
    expect(again.transcript).toEqual(one.transcript);
    expect(other.transcript).not.toEqual(one.transcript);
  });
});
