/**
 * A scenario: an outage written down, and what is expected of us in it.
 *
 * It lays its own settings over the shipped checks and policies, so that what it shows
 * is what an installation with these settings would do.
 */
import * as z from "zod";
import { explainIssues } from "../config/explain.ts";
import type { Problem } from "../config/problem.ts";
import { duration, percent, slug } from "../config/values.ts";
import { readYaml } from "../config/yaml-source.ts";

const settings = z.record(z.string(), z.unknown());
const at = duration().describe("Time since the start of the run.");
const target = z.union([slug(), z.array(slug())]).describe('A target, several, or "all".');
const lasting = { at, for: duration({ min: 1 }).optional().describe("Ends by itself after this long; absent: never.") };
const ofProcess = { ...lasting, target, cured_by_restart: z.boolean().prefault(true).describe("A restarted process does not have it any more.") };

/** What can go wrong, or be ordered, at a moment of the run. */
const event = z.discriminatedUnion("fault", [
  z.strictObject({ fault: z.literal("exit"), at, target, cannot_start: z.boolean().prefault(false).describe("Its starts end at once, until the fault is lifted.") }),
  z.strictObject({ fault: z.literal("crash_loop"), ...lasting, target, after: duration({ min: 1 }).prefault("2s").describe("Every process exits this long after its start.") }),
  z.strictObject({ fault: z.literal("hang"), ...ofProcess }),
  z.strictObject({ fault: z.literal("slow"), ...ofProcess, by: duration({ min: 1 }).describe("Added to every answer.") }),
  z.strictObject({ fault: z.literal("status"), ...ofProcess, code: z.int().min(400).max(599).prefault(500).describe("Every route answers this.") }),
  z.strictObject({ fault: z.literal("broken_pages"), ...ofProcess }),
  z.strictObject({ fault: z.literal("flaky"), ...ofProcess, share: percent({ min: 1, max: 100 }).describe("This share of requests fails.") }),
  z.strictObject({ fault: z.literal("usage"), ...ofProcess, cpu: percent({ max: 1_000 }).optional(), memory: percent().optional() }),
  z.strictObject({ fault: z.literal("storefront_api_down"), ...lasting }),
  z.strictObject({ fault: z.literal("storefront_api_slow"), ...lasting, by: duration({ min: 1 }) }),
  z.strictObject({ fault: z.literal("storefront_api_throttled"), ...lasting }),
  z.strictObject({ fault: z.literal("network_gone"), ...lasting }),
  z.strictObject({ fault: z.literal("clock_jump"), at, by: duration(), back: z.boolean().prefault(false) }),
  z.strictObject({ fault: z.literal("pause"), ...lasting, target: slug().optional(), policy: slug().optional() }),
  z.strictObject({ fault: z.literal("acknowledge"), at, target: slug() }),
  z.strictObject({ fault: z.literal("manual_restart"), at, target: slug() }),
]);

const span = { by: duration().optional().describe("At this time at the latest."), after: duration().optional().describe("Not before this time.") };
const about = { policy: slug().optional(), target: slug().optional(), guard: slug().optional() };
const count = {
  at_least: z.int().min(0).optional().describe("Absent: once, where there is no at_most either."),
  at_most: z.int().min(0).optional().describe("Alone it is met by nothing at all, too."),
};

const expectation = z.union([
  z.strictObject({ decision: z.enum(["act", "hold", "escalate"]), ...about, ...span, ...count }),
  z.strictObject({ never: z.enum(["act", "hold", "escalate"]), ...about, ...span }),
  z.strictObject({ status: z.enum(["healthy", "degraded", "unhealthy", "unknown"]), at }),
  z.strictObject({ check: slug(), target: slug().optional(), verdict: z.enum(["healthy", "degraded", "unhealthy", "unknown"]), at }),
  z.strictObject({ alert: z.string().min(1).describe('Its reason: "restart_escalated".'), ...span, ...count }),
]);

export const scenarioSchema = z.strictObject({
  name: slug(),
  description: z.string().min(1).describe("One or two sentences: what happens, and what should."),
  seed: z.int().min(0).max(4_294_967_295).prefault(1).describe("Chance of the run; the same seed gives the same transcript."),
  starts: z.iso.datetime().prefault("2026-01-05T12:00:00Z").describe("Wall time at the start, for windows and calendars."),
  duration: duration({ min: 1_000, max: 366 * 86_400_000 }).prefault("10m"),
  targets: z.int().min(1).max(50).prefault(1).describe('One: "app". More: "web-1", "web-2" and so on, replicas of workload "web".'),
  boot: duration({ max: 600_000 }).prefault("2s").describe("From a process's start to its first answer."),
  buyers: z.boolean().prefault(true).describe("A page is asked of every target each second, through the gateway."),
  site: settings.prefault({}).describe("Laid over the simulated shopkeeper.yaml."),
  checks: z.record(z.string(), settings).prefault({}).describe("Laid over shipped checks, by name."),
  policies: z.record(z.string(), settings).prefault({}).describe("Laid over shipped policies, by name."),
  timeline: z.array(event).max(1_000).prefault([]),
  expect: z.array(expectation).max(1_000).prefault([]),
});

export type Scenario = z.output<typeof scenarioSchema>;
export type ScenarioEvent = Scenario["timeline"][number];
export type Expectation = Scenario["expect"][number];

export type ReadScenario =
  | { readonly ok: true; readonly scenario: Scenario }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Targets of a scenario, in order. */
export function targetNames(scenario: Pick<Scenario, "targets">): readonly string[] {
  return scenario.targets === 1 ? ["app"] : Array.from({ length: scenario.targets }, (_, index) => `web-${index + 1}`);
}

/** Reads a scenario file. Every error at once, each with file, line and column. Never throws. */
export function readScenario(text: string, file: string): ReadScenario {
  const source = readYaml(text, file);
  if (source.errors.length > 0) return { ok: false, problems: source.errors };
  const parsed = scenarioSchema.safeParse(source.value);
  if (!parsed.success) return { ok: false, problems: explainIssues(parsed.error.issues, source, scenarioSchema, source.value, []) };
  const scenario = parsed.data;
  const known = new Set([...targetNames(scenario), "all", "site"]);
  const named = (path: readonly PropertyKey[], name: string): readonly Problem[] =>
    known.has(name) ? [] : [source.problem({ code: "UNKNOWN_NAME", path, message: `there is no target "${name}"`, expected: [...known].join(", ") })];
  const problems = [
    ...scenario.timeline.flatMap((one, index) => targetsOf(one).flatMap((name) => named(["timeline", index, "target"], name))),
    ...scenario.expect.flatMap((one, index) => ("target" in one && one.target !== undefined ? named(["expect", index, "target"], one.target) : [])),
  ];
  return problems.length > 0 ? { ok: false, problems } : { ok: true, scenario };
}

/** The targets an event names. */
export function targetsOf(one: ScenarioEvent): readonly string[] {
  if (!("target" in one) || one.target === undefined) return [];
  return typeof one.target === "string" ? [one.target] : one.target;
}
