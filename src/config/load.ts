/**
 * Files and environment in, one frozen configuration out, or every error there is.
 */
import { dirname, resolve } from "node:path";
import type { TargetKind } from "../core/target.ts";
import type { Catalogues } from "./catalogue.ts";
import type { Config } from "./config.ts";
import { buildCheck, buildPolicy } from "./build-parts.ts";
import { buildSite } from "./build-site.ts";
import { diskFiles, gatherFiles, readSecretFiles, shippedFolder, type FileText, type Files, type Gathered } from "./files.ts";
import { readShipped } from "./known-yaml.ts";
import { fit, mapOf, openPart, textsOf, warn, type Part, type Reports } from "./part.ts";
import { podParts } from "./pod-parts.ts";
import { PAGE_CHECK, presetCheck } from "./preset-check.ts";
import { inOrder, type Problem } from "./problem.ts";
import { secretFilesOf, type ReferenceContext, type ReferenceRule } from "./references.ts";
import { checkRules, readCheck, relateChecks, type ReadCheck } from "./relate-checks.ts";
import { warnOfNoFailover } from "./relate-failover.ts";
import { ON_CALL, policyRules, readPolicy, relatePolicies, type PolicyNames, type ReadPolicy } from "./relate-policies.ts";
import { relateSite } from "./relate-site.ts";
import { secretRules } from "./secret-rules.ts";
import { Secret } from "./secret.ts";
import { siteSchema } from "./site-schema.ts";
import { readYaml, type YamlSource } from "./yaml-source.ts";

export type LoadOptions = {
  /** Path of shopkeeper.yaml; `checks/` and `policies/` are looked for beside it. */
  readonly file: string;
  /** The environment, for `${NAME}`. The only place it enters. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly catalogues: Catalogues;
  /** Default: the disk. */
  readonly files?: Files;
  /** Folder of the shipped `checks/` and `policies/`; default: found beside the program. */
  readonly shipped?: string;
};

export type Loaded =
  | { readonly ok: true; readonly config: Config; readonly warnings: readonly Problem[] }
  | { readonly ok: false; readonly errors: readonly Problem[]; readonly warnings: readonly Problem[] };

/** Reads, validates and relates everything. Never rejects: what cannot be read is an error of the configuration. */
export async function loadConfig(options: LoadOptions): Promise<Loaded> {
  const files = options.files ?? diskFiles;
  const gathered = await gatherFiles(options.file, files, options.shipped ?? shippedFolder());
  const opened = open(gathered, options.catalogues);
  const secretFiles = await readSecretFiles(
    [opened.site, ...opened.checks, ...opened.policies].flatMap(({ source, rules }) => secretFilesOf(source, rules)),
    dirname(options.file),
    files,
  );
  return assemble(opened, gathered.problems, { env: options.env, secretFiles }, options);
}

/** A file that was read, and how its references are. */
type Opened = { readonly source: YamlSource; readonly rules: readonly ReferenceRule[]; readonly shipped: boolean; readonly idle: string | null };
type OpenedFiles = { readonly site: Opened; readonly checks: readonly Opened[]; readonly policies: readonly Opened[] };

const SITE_RULES = secretRules(siteSchema);

function open(gathered: Gathered, catalogues: Catalogues): OpenedFiles {
  const read = (text: FileText, rulesOf: (value: unknown) => readonly ReferenceRule[]): Opened => {
    const source = (text.shipped ? readShipped : readYaml)(text.text, text.file);
    return { source, rules: rulesOf(source.value), shipped: text.shipped, idle: null };
  };
  return {
    site: read(gathered.site ?? { file: "shopkeeper.yaml", text: "", shipped: false }, () => SITE_RULES),
    checks: withoutReplaced(gathered.checks.map((text) => read(text, (value) => checkRules(value, catalogues)))),
    policies: withoutReplaced(gathered.policies.map((text) => read(text, (value) => policyRules(value, catalogues)))),
  };
}

/** The checks, and the preset's page check where the project has none of that name; what the preset is, references included, stands in the site's file. */
function withPageCheck(checks: readonly Opened[], site: Part, catalogues: Catalogues): readonly Opened[] {
  const preset = presetCheck(site.value, catalogues);
  if (preset === null || checks.some((check) => nameOf(check) === PAGE_CHECK)) return checks;
  return [...checks, { source: preset.source, rules: [], shipped: true, idle: preset.idle }];
}

/** With those that come with something in the site's file, where the project has none of that name. */
function withDerived(opened: readonly Opened[], derived: readonly FileText[]): readonly Opened[] {
  const added = derived.map((text): Opened => ({ source: readYaml(text.text, text.file), rules: [], shipped: true, idle: null }));
  return [...opened, ...added.filter((one) => !opened.some((other) => nameOf(other) === nameOf(one)))];
}

/** A file of the project replaces the shipped one that has the same `name:`, whatever its own is called. */
function withoutReplaced(parts: readonly Opened[]): readonly Opened[] {
  const own = new Set(parts.filter((part) => !part.shipped).map(nameOf));
  return parts.filter((part) => !part.shipped || !own.has(nameOf(part)));
}

/** `name:`, or the file's own name where that cannot be read, so that others may still name it. */
function nameOf(part: Opened): string {
  const name = mapOf(part.source.value)["name"];
  return typeof name === "string" ? name : (/([^/\\]+)\.ya?ml$/.exec(part.source.file)?.[1] ?? part.source.file);
}

function assemble(opened: OpenedFiles, problems: readonly Problem[], context: ReferenceContext, options: LoadOptions): Loaded {
  const { catalogues } = options;
  const reports: Reports = { errors: [...problems], warnings: [] };
  // Without shopkeeper.yaml there is one thing to say, and that has been said.
  const missing = problems.some((problem) => problem.file === options.file);
  const read = (one: Opened, to: Reports = reports): Part => openPart(one, one.rules, context, to);
  const site = read(opened.site, missing ? { errors: [], warnings: [] } : reports);
  if (missing) return { ok: false, errors: reports.errors, warnings: [] };

  const input = fit(site, siteSchema, reports);
  const ofPods = podParts(site.value, catalogues);
  const openedChecks = withDerived(withPageCheck(opened.checks, site, catalogues), ofPods.checks);
  const openedPolicies = withDerived(opened.policies, ofPods.policies);
  const checkNames = openedChecks.map(nameOf);
  relateSite(site, catalogues, { checks: checkNames, policies: openedPolicies.map(nameOf) }, reports);

  const checks = openedChecks.map((one): ReadCheck => ({ ...readCheck(read(one), catalogues, reports), idle: one.idle }));
  relateChecks(checks, Object.keys(mapOf(site.value["targets"])), checkNames, reports);

  const disabled = new Set(textsOf(site.value["disabled"]).map((entry) => entry.text));
  const names = policyNames(site, checkNames, catalogues);
  // A witness carries out none, so only what cannot be read is worth a word.
  const ofPolicies: Reports = site.value["role"] === "witness" ? { errors: reports.errors, warnings: [] } : reports;
  const policies = openedPolicies
    .filter((one) => !disabled.has(nameOf(one)))
    .map((one) => readPolicy(read(one), catalogues, names, ofPolicies));
  relatePolicies(policies, reports);
  warnOfAlerts(site, policies, reports);
  warnOfNoFailover(site, policies, reports);

  const warnings = inOrder(reports.warnings);
  if (reports.errors.length > 0 || input === undefined) return { ok: false, errors: inOrder(reports.errors), warnings };
  const built = buildSite(input, resolve(dirname(options.file)), catalogues);
  const config: Config = {
    ...built,
    checks: checks.map((check) => buildCheck(check, built, disabled)).filter((check) => check !== null),
    policies: policies.map((policy) => buildPolicy(policy, built)).filter((policy) => policy !== null),
  };
  return { ok: true, config: freeze(config), warnings };
}

function policyNames(site: Part, checkNames: readonly string[], catalogues: Catalogues): PolicyNames {
  const targets = Object.values(mapOf(site.value["targets"])).map(mapOf);
  const regions = targets.flatMap((target) => (typeof target["region"] === "string" ? [target["region"]] : []));
  // Every kind's own percentages may be asked for: which check measures them is a matter of the fleet.
  const metrics = Object.values(catalogues.probes).flatMap((kind) => Object.entries(kind.assertions).flatMap(([name, { value }]) => (value === "percent" ? [name] : [])));
  return {
    checks: new Set(checkNames),
    metrics: new Set(metrics),
    regions: new Set(["primary", "secondary", ...Object.keys(mapOf(site.value["regions"])), ...regions]),
    alerts: Object.keys(mapOf(site.value["alerts"])),
    windows: Object.keys(mapOf(site.value["windows"])),
    targetKinds: [...new Set(targets.flatMap(kindsOf))],
    gateway: site.value["gateway"] !== undefined,
    failover: site.value["failover"] === undefined ? undefined : Object.keys(mapOf(site.value["regions"]))[0],
    armed: new Set(textsOf(site.value["armed"]).map(({ text }) => text)),
  };
}

/** Of pods both: one may be restarted, and all of them scaled. */
function kindsOf(target: Readonly<Record<string, unknown>>): readonly TargetKind[] {
  if (target["kubernetes"] !== undefined) return ["pod", "workload"];
  if (target["process"] !== undefined) return ["process"];
  return [target["unit"] === undefined ? "origin" : "systemd"];
}

/** A route that nobody uses is worth a word. */
function warnOfAlerts(site: Part, policies: readonly ReadPolicy[], reports: Reports): void {
  const routes = Object.entries(mapOf(site.value["alerts"])).map(([name, route]) => ({ name, severity: mapOf(route)["severity"] ?? "page" }));
  const named = new Set([ON_CALL, ...policies.flatMap((policy) => [policy.input?.escalation?.alert, policy.params["route"]])]);
  for (const { name, severity } of routes) {
    const isFirst = routes.find((route) => route.severity === severity)?.name === name;
    if (!isFirst && !named.has(name)) warn(site, reports, { path: ["alerts", name], at: "key", message: `nothing is sent to the alert route "${name}": no policy names it, and it is not the first of its severity` });
  }
}

/** All the way down; secrets are closed by themselves. */
function freeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || value instanceof Secret || Object.isFrozen(value)) return value;
  for (const inner of Object.values(value)) freeze(inner);
  return Object.freeze(value);
}
