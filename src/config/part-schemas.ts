/** A check's and a policy's file as schemas. Trigger and assertions have parsers of their own. */
import * as z from "zod";
import { ACTION_NAMES } from "../core/action.ts";
import type { ProbeKind } from "./catalogue.ts";
import { oneOf } from "./explain.ts";
import { duration, slug, text, urlPath } from "./values.ts";

const HOUR = 3_600_000;

const assertionValue = z
  .union([z.string().min(1), z.number(), z.boolean(), z.strictObject({ warn: z.union([z.string(), z.number()]).optional(), fail: z.union([z.string(), z.number()]).optional() })])
  .describe('"< 500ms", "200 OK", "reachable", or { warn: …, fail: … }.');

/** Keys every check's file may have, whatever its probe. */
const commonCheck = {
  name: slug().describe("Unique in the site."),
  probe: z.string({ error: 'expected a kind of look, for example "http"' }).min(1).describe("Kind of look."),
  endpoint: urlPath().optional().describe("http: the path asked; others: the path it is published under, default /health/NAME."),
  targets: z.array(slug()).min(1).optional().describe("Names of targets; default: all the probe can look at."),
  interval: duration({ min: 500, max: 24 * HOUR }).prefault("10s").describe("While steady."),
  fast: duration({ min: 100, max: 24 * HOUR }).prefault("2s").describe("While a run against the verdict is under way; never slower than interval."),
  down: duration({ min: 100, max: 24 * HOUR }).prefault("5s").describe("While unhealthy; never slower than interval."),
  timeout: duration({ min: 50, max: 300_000 }).prefault("5s").describe("Hard deadline of one look; below interval."),
  fall: z.int().min(1).max(100).prefault(3).describe("Failures in a row that turn the verdict."),
  rise: z.int().min(1).max(100).prefault(2).describe("Successes in a row that turn it back."),
  critical: z.boolean().prefault(true).describe("Unhealthy makes the site unhealthy; else only degraded."),
  depends_on: z.array(z.string()).prefault([]).describe("Checks whose being unhealthy explains this one's failing."),
  checks: z.record(z.string(), assertionValue).prefault({}).describe("Assertions by name."),
};

/** Names that a probe kind's own settings may not have. */
export const COMMON_CHECK_KEYS: readonly string[] = Object.keys(commonCheck);

/** The keys of every check, with any others beside them: enough to know the probe. */
export const looseCheckSchema = z.looseObject(commonCheck);

/** The file of a check of one kind: the common keys and the kind's own settings. */
export function checkSchema(kind: ProbeKind) {
  return z.strictObject({ ...commonCheck, probe: z.literal(kind.name), ...kind.schema.shape });
}

export type CheckInput = z.output<typeof looseCheckSchema>;

/** "5 failed restarts": the number of failed attempts; the noun is for people. */
const attempts = text('a number of attempts, for example "5 failed restarts"', (written, wrong) => {
  const count = Number(/^(\d{1,3}) failed(?: [a-z]+)?$/.exec(written.trim())?.[1]);
  return Number.isInteger(count) && count >= 1 ? count : wrong(`${JSON.stringify(written)} is not a number of attempts`);
});

/** A policy's file. `params` are judged by the remedy's own schema. */
export const policySchema = z.strictObject({
  name: slug().describe("Unique in the site."),
  trigger: z.string({ error: 'expected a trigger, for example "application fails 3 consecutive times"' }).min(1).describe("When it fires: `CHECK fails N consecutive times`, `METRIC > X% for DURATION`, `CHECK error rate > X%`, `region NAME is unhealthy`, `CRON \"…\"`, joined by and / or."),
  action: z.string({ error: `expected ${oneOf(ACTION_NAMES)}` }).min(1).describe("What it does."),
  mode: z.enum(["observe", "act"]).optional().describe("observe: decide and record only. Default: observe for what can take something working away, else act."),
  cooldown: duration({ max: 7 * 24 * HOUR }).optional().describe("Between two actions on a workload for one cause; default: restart 60s, rollout 10m, scale 120s, region 3600s, else 60s."),
  escalation: z
    .strictObject({
      after: attempts.describe("Failed attempts of one episode."),
      within: duration({ min: 1_000, max: 7 * 24 * HOUR }).prefault("1h").describe("Failures older than this are forgotten."),
      alert: slug().describe("Alert route."),
    })
    .optional(),
  verify_within: duration({ min: 1_000, max: HOUR }).prefault("60s").describe("The target must turn healthy in this time after the action; where pods are replaced the default is 3m."),
  params: z.record(z.string(), z.unknown()).prefault({}).describe("What the action needs."),
  windows: z.array(slug()).optional().describe("Maintenance windows it obeys; default: all."),
});

export type PolicyInput = z.output<typeof policySchema>;
