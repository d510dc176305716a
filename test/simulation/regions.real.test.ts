/**
 * Some seconds of one core, so that the suite stays short. All ten thousand, by the same code: `shopkeeper simulate --regions --count 10000`.
 * Progress goes to standard error.
 */
import { expect, test } from "vitest";
import { simulateIncident } from "../../src/simulation/regions/simulate-incident.ts";
import { addTally, startTally, tallyText } from "../../src/simulation/regions/tally.ts";

const INCIDENTS = 500;
const FIRST_SEED = 10_000;

test(`no promise is broken in ${INCIDENTS} simulated incidents over regions`, { timeout: 3_600_000 }, async () => {
  let tally = startTally();
  for (let seed = FIRST_SEED; seed < FIRST_SEED + INCIDENTS; seed += 1) {
    tally = addTally(tally, await simulateIncident(seed));
    if (tally.incidents % 250 === 0) process.stderr.write(`${tallyText(tally)}\n`);
  }
  expect(tally.violations).toEqual([]);
  expect(tally.incidents).toBe(INCIDENTS);
  expect(tally.promised).toBeGreaterThan(INCIDENTS / 4);
  expect(tally.lateWrites).toBeGreaterThan(INCIDENTS / 100);
  expect(tally.observerPages).toBeGreaterThan(INCIDENTS / 100);
});
