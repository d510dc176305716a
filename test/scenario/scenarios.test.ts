/**
 * The shipped scenarios: what each expects is met, and its transcript is what it was.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { simulationParts } from "../../src/roles/simulating.ts";
import type { Scenario } from "../../src/simulation/scenario.ts";
import { readScenario } from "../../src/simulation/scenario.ts";
import { runScenario } from "../../src/simulation/simulate.ts";

const FOLDER = join(import.meta.dirname, "../../scenarios");
const FILES = readdirSync(FOLDER).filter((file) => file.endsWith(".yaml"));

function scenarioOf(file: string): Scenario {
  const read = readScenario(readFileSync(join(FOLDER, file), "utf8"), file);
  if (!read.ok) throw new Error(read.problems.map((problem) => `${problem.file}:${problem.line}: ${problem.message}`).join("\n"));
  return read.scenario;
}

async function run(scenario: Scenario, seed?: number) {
  const simulated = await runScenario(scenario, seed === undefined ? {} : { seed }, simulationParts);
  if (!simulated.ok) throw new Error(simulated.problems.map((problem) => `${problem.path}: ${problem.message}`).join("\n"));
  return simulated;
}

test("eleven scenarios are shipped", () => {
  expect(FILES.map((file) => file.replace(".yaml", "")).toSorted()).toEqual([
    "clock-jump", "crash", "crash-loop", "escalation", "flapping", "maintenance", "poisoned-pod", "probe-network-gone", "slow", "storefront-api-outage", "storefront-api-throttled",
  ]);
});

describe.each(FILES)("%s", (file) => {
  test("meets what it expects, and goes as it went", async () => {
    const { transcript, expectations } = await run(scenarioOf(file));
    expect(expectations.filter((one) => !one.met)).toEqual([]);
    await expect(`${transcript.join("\n")}\n`).toMatchFileSnapshot(join(import.meta.dirname, file.replace(".yaml", ".golden.txt")));
  });
});

test("the same seed gives the same transcript, another seed another one", async () => {
  const scenario = scenarioOf("flapping.yaml");
  const [first, again, other] = [await run(scenario), await run(scenario), await run(scenario, 99)];
  expect(again).toEqual(first);
  expect(other.transcript).not.toEqual(first.transcript);
});

test("an expectation that is not met is said to be so, with what was seen", async () => {
  const scenario: Scenario = { ...scenarioOf("crash.yaml"), expect: [{ never: "act" }, { status: "degraded", at: 120_000 }, { decision: "escalate" }] };
  const { expectations } = await run(scenario);
  expect(expectations.map(({ met, seen }) => ({ met, seen }))).toEqual([
    { met: false, seen: "at +01:00.0" },
    { met: false, seen: "healthy" },
    { met: false, seen: "never" },
  ]);
});

test("settings that the configuration refuses are problems, not a run", async () => {
  const simulated = await runScenario({ ...scenarioOf("crash.yaml"), policies: { pod_restart: { trigger: "aplication fails 3 consecutive times" } } }, {}, simulationParts);
  if (simulated.ok) throw new Error("it ran");
  expect(simulated.problems.map(({ code, nearest }) => ({ code, nearest }))).toEqual([{ code: "TRIGGER", nearest: "application" }]);
});

describe("a broken scenario", () => {
  test.each([
    ["name: x\ndescription: y\nduraton: 3m\n", 3, "duration"],
    ["name: x\ndescription: y\ntimeline:\n  - { fault: exit, at: 1m, target: web-9 }\n", 4, null],
    ["name: x\ndescription: y\ntimeline:\n  - { fault: hang, at: soon, target: app }\n", 4, null],
  ])("is told by line and word: %j", (text, line, nearest) => {
    const read = readScenario(text, "broken.yaml");
    if (read.ok) throw new Error("it was read");
    expect(read.problems[0]).toMatchObject({ file: "broken.yaml", line, nearest });
  });
});
