/** What a policy's file must fit: the trigger's grammar, the actions, the remedies' parameters, routes and windows. */
import type * as z from "zod";
import { ACTION_NAMES, isAction, isDestructiveAction, resolveAction, type ActionName, type Resolution } from "../core/action.ts";
import { leaves } from "../core/look-window.ts";
import { nearest } from "../core/nearest.ts";
import type { Trigger } from "../core/policy.ts";
import type { TargetKind } from "../core/target.ts";
import { parseTrigger, type TriggerNames } from "../core/trigger-grammar.ts";
import type { Catalogues } from "./catalogue.ts";
import { explainIssues, oneOf, show } from "./explain.ts";
import { fit, mapOf, report, textAt, textsOf, warn, type Part, type Reports } from "./part.ts";
import { paramsSchema } from "./params-schema.ts";
import { policySchema, type PolicyInput } from "./part-schemas.ts";
import { relateFailover } from "./relate-failover.ts";
import type { ReferenceRule } from "./references.ts";
import { secretRules } from "./secret-rules.ts";

/** A policy's file that was read; `input` is undefined where something in it is wrong. */
export type ReadPolicy = {
  readonly part: Part;
  readonly name: string;
  readonly input: PolicyInput | undefined;
  readonly trigger: Trigger | undefined;
  readonly action: ActionName | undefined;
  readonly params: Readonly<Record<string, unknown>>;
  /** Why nothing can carry it out; null where something can. */
  readonly unavailable: string | null;
  /** It acts, whatever its file says. */
  readonly armed: boolean;
};

/** What policies may name. */
export type PolicyNames = TriggerNames & {
  readonly alerts: readonly string[];
  readonly windows: readonly string[];
  /** Kinds of the configured targets. */
  readonly targetKinds: readonly TargetKind[];
  readonly gateway: boolean;
  /** The preferred region, where regions and a provider are configured. */
  readonly failover: string | undefined;
  /** Policies that act, whatever their files say. */
  readonly armed: ReadonlySet<string>;
};

/** Name of the alert route that the shipped policies escalate to. */
export const ON_CALL = "on_call";

/** How references are read in a policy's file; what its action does says where secrets may stand. */
export function policyRules(value: unknown, catalogues: Catalogues): readonly ReferenceRule[] {
  const { action } = mapOf(value);
  const schema = typeof action === "string" && isAction(action) ? paramsSchema(action, catalogues) : undefined;
  const names = ["name", "action", "trigger"].map((path): ReferenceRule => ({ path, need: "never" }));
  return [...names, ...(schema === undefined ? [] : secretRules(schema, "params"))];
}

/** Reads one policy's file and relates it to what is configured. */
export function readPolicy(part: Part, catalogues: Catalogues, names: PolicyNames, reports: Reports): ReadPolicy {
  const input = fit(part, policySchema, reports);
  const trigger = readTrigger(part, names, reports);
  const action = readAction(part, reports);
  relateRoutes(part, names, reports);
  const unavailable = action === undefined ? null : resolve(action, names, catalogues);
  const params = readParams(part, action === undefined ? undefined : paramsSchema(action, catalogues), reports);
  relateWorkload(part, action, trigger, reports);
  relateFailover(part, trigger, names.failover, reports);
  const name = textAt(part, "name") ?? "";
  const policy = { part, name, input, trigger, action, params, unavailable, armed: names.armed.has(name) };
  warnOfRest(policy, reports);
  return policy;
}

function readTrigger(part: Part, names: PolicyNames, reports: Reports): Trigger | undefined {
  const written = textAt(part, "trigger");
  if (written === undefined) return undefined;
  const parsed = parseTrigger(written, names);
  if (parsed.kind === "trigger") return parsed.trigger;
  const { offset, length, found, expected, nearest: near } = parsed.problem;
  report(part, reports, { code: "TRIGGER", path: ["trigger"], offset, length, message: found === "" ? "the trigger ends too early" : `${show(found)} is not understood here`, expected, nearest: near });
  return undefined;
}

function readAction(part: Part, reports: Reports): ActionName | undefined {
  const written = textAt(part, "action");
  if (written === undefined) return undefined;
  if (isAction(written)) return written;
  report(part, reports, { code: "UNKNOWN_NAME", path: ["action"], message: `no action is called "${written}"`, expected: oneOf(ACTION_NAMES), nearest: nearest(written, ACTION_NAMES) });
  return undefined;
}

function relateRoutes(part: Part, names: PolicyNames, reports: Reports): void {
  const places = [
    { path: ["escalation", "alert"], alert: mapOf(part.value["escalation"])["alert"] },
    ...(textAt(part, "action") === "alert" ? [{ path: ["params", "route"], alert: mapOf(part.value["params"])["route"] }] : []),
  ];
  for (const { path, alert } of places) {
    if (typeof alert !== "string" || names.alerts.includes(alert)) continue;
    const known = names.alerts.length === 0 ? "a route under alerts: in shopkeeper.yaml, which has none" : oneOf(names.alerts);
    const finding = { path, message: `no alert route is called "${alert}"`, expected: known, nearest: nearest(alert, names.alerts) };
    // The shipped policies name it, so a site without alerts is told, not refused.
    if (alert === ON_CALL) warn(part, reports, { ...finding, message: `${finding.message}: this escalation has nowhere to go` });
    else report(part, reports, { ...finding, code: "UNKNOWN_NAME" });
  }
  for (const { index, text } of textsOf(part.value["windows"])) {
    if (!names.windows.includes(text)) report(part, reports, { code: "UNKNOWN_NAME", path: ["windows", index], message: `no window is called "${text}"`, expected: names.windows.length === 0 ? "a window of shopkeeper.yaml, which has none" : oneOf(names.windows), nearest: nearest(text, names.windows) });
  }
}

/** Why nothing carries an action out here; null where something does: one kind of target that can be acted on is enough. */
function resolve(action: ActionName, names: PolicyNames, catalogues: Catalogues): string | null {
  // The watch of the regions carries it out, which no target stands for.
  if (action === "failover_dns" && names.failover !== undefined) return null;
  const kinds: readonly (TargetKind | null)[] = names.targetKinds.length === 0 ? [null] : names.targetKinds;
  const resolutions = kinds.map((kind): Resolution => resolveAction(action, kind));
  const found = resolutions.find((one) => one.kind === "remedy") ?? resolutions[0];
  if (found === undefined || found.kind === "unavailable") return found?.reason ?? "there is no target";
  if (catalogues.remedies[found.remedy] === undefined) return `the remedy ${found.remedy} is not in this build`;
  if (action === "hold_breaker" && !names.gateway) return "no gateway is configured, so there is no breaker to hold";
  if (action === "alert" && names.alerts.length === 0) return "no alert route is configured";
  return null;
}

/** A trigger that fires for the site as a whole names no workload that could be given another size. */
function relateWorkload(part: Part, action: ActionName | undefined, trigger: Trigger | undefined, reports: Reports): void {
  if ((action !== "scale_up" && action !== "pre_scale") || trigger === undefined || mapOf(part.value["params"])["workload"] !== undefined) return;
  if (leaves(trigger).some((leaf) => leaf.kind !== "cron" && leaf.kind !== "region")) return;
  report(part, reports, { code: "MISSING_KEY", path: ["params", "workload"], message: `${action} by a calendar or a region does not say which workload`, expected: "params.workload: the name of a Deployment" });
}

function readParams(part: Part, schema: z.ZodObject | undefined, reports: Reports): Readonly<Record<string, unknown>> {
  const written = part.value["params"] ?? {};
  if (schema === undefined) return mapOf(written);
  const result = schema.safeParse(written);
  if (result.success) return result.data;
  if (typeof written !== "object" || written === null || Array.isArray(written)) return {};
  const issues = result.error.issues.map((issue) => ({ ...issue, path: ["params", ...issue.path] }));
  reports.errors.push(...explainIssues(issues, part.source, policySchema.extend({ params: schema }), part.value, part.broken));
  return {};
}

function warnOfRest(policy: ReadPolicy, reports: Reports): void {
  const { part, action, input, name } = policy;
  if (action === undefined || input === undefined) return;
  if (policy.unavailable !== null) warn(part, reports, { path: ["action"], message: `${name} only records what it would do: ${policy.unavailable}` });
  else if (modeOf(policy, input, action) === "observe") {
    warn(part, reports, { path: part.value["mode"] === undefined ? ["action"] : ["mode"], message: `${name} is in mode observe: it decides and records, and does nothing`, expected: '"mode: act", or its name under "armed:" in shopkeeper.yaml, once you trust it' });
  }
}

/** What `armed:` says, else the file, else observe for what can take something working away. */
export function modeOf({ armed }: Pick<ReadPolicy, "armed">, input: PolicyInput, action: ActionName): "act" | "observe" {
  if (armed) return "act";
  return input.mode ?? (isDestructiveAction(action) ? "observe" : "act");
}

/** Names are unique; alert routes that nothing names are worth a word. */
export function relatePolicies(policies: readonly ReadPolicy[], reports: Reports): void {
  const byName = new Map<string, ReadPolicy>();
  for (const policy of policies) {
    const other = byName.get(policy.name);
    if (other !== undefined && policy.name !== "") {
      report(policy.part, reports, { code: "DUPLICATE_NAME", path: ["name"], message: `the policy "${policy.name}" stands in ${other.part.source.file} too`, expected: "each name once" });
    } else byName.set(policy.name, policy);
  }
  // The watch of the regions is one, and follows one.
  const [failover, ...others] = policies.filter(({ action, unavailable }) => action === "failover_dns" && unavailable === null);
  for (const { part } of others) report(part, reports, { code: "RELATION", path: ["action"], message: `the policy "${failover?.name}" in ${failover?.part.source.file} leads buyers elsewhere already`, expected: "one policy with failover_dns; the shipped one goes with: disabled: [failover]" });
}
