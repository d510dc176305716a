import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { keepResults, keptResults } from "./results.ts";
import type { Result, SideResult } from "./measure.ts";

const folder = mkdtempSync(join(tmpdir(), "shopkeeper-results-"));
afterAll(() => rmSync(folder, { recursive: true }));

const side: SideResult = { tally: { fetches: 1, notServed: 0, span: null, how: {}, bySecond: [], by: {} }, noticed: null, detected: null, recoveredAfterS: 0, log: [], spread: {} };
const result: Result = { fault: "application killed", bare: side, ours: side };

test("results of the same images are found again, those of others are not", () => {
  const file = join(folder, "new", "results.json");
  expect(keptResults(file, "image:1")).toEqual([]);
  keepResults(file, "image:1", [result]);
  expect(keptResults(file, "image:1")).toEqual([result]);
  expect(keptResults(file, "image:2")).toEqual([]);
});

test("a file that is no result is none", () => {
  const file = join(folder, "broken.json");
  writeFileSync(file, '{"of": "image:1", "results": [');
  expect(keptResults(file, "image:1")).toEqual([]);
});
