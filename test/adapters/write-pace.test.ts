import { expect, test } from "vitest";
import { WritePace } from "../../src/adapters/kubernetes/write-pace.ts";
import { ManualClock, settle } from "../support/manual-clock.ts";

const KB = 1_024;

/** How long the turn after a write of so many bytes is waited for. */
async function restAfter(bytes: number): Promise<number> {
  const clock = new ManualClock();
  const pace = new WritePace(clock);
  const from = clock.now();
  let came: number | null = null;
  pace.wrote(bytes);
  void pace.turn(new AbortController().signal).then(() => (came = clock.now()));
  for (let step = 0; came === null && step < 100; step++) await clock.advance(100);
  return (came ?? Infinity) - from;
}

test.each([
  [0, 0, "the first one waits for nobody"],
  [100 * KB, 100, "a tenth of a megabyte rests for a tenth of a second"],
  [1_024 * KB, 1_024, "a full one for a second"],
])("after %i bytes the next write begins %i ms later: %s", async (bytes, ms) => {
  expect(await restAfter(bytes)).toBe(ms);
});

test("what was written long ago makes nobody wait, and an end is not waited for", async () => {
  const clock = new ManualClock();
  const pace = new WritePace(clock);
  pace.wrote(512 * KB);
  await clock.advance(1_000);
  await pace.turn(new AbortController().signal);
  expect(clock.waiting).toBe(0);
  pace.wrote(512 * KB);
  const ending = new AbortController();
  const turn = pace.turn(ending.signal);
  await settle();
  expect(clock.waiting).toBe(1);
  ending.abort();
  await turn;
  expect(clock.waiting).toBe(0);
});
