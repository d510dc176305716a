/**
 * `init --kubernetes`: reads manifests, hands them to the core, writes what it says.
 */
import { readdir } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { stringify } from "yaml";
import { diskFiles } from "../config/files.ts";
import { renderErrors, type Problem } from "../config/problem.ts";
import { readYamlDocuments } from "../config/yaml-documents.ts";
import { filelessProblem, type YamlSource } from "../config/yaml-source.ts";
import { findingsOf, type Finding } from "../core/kubernetes/findings.ts";
import { deploymentPatch, kustomization, peersService, planSidecar, servicePatches, servicePatchFile, type SidecarPlan } from "../core/kubernetes/sidecar-plan.ts";
import { applicationCheck, sidecarSite, singletonSite } from "../core/kubernetes/sidecar-site.ts";
import { singletonFiles } from "../core/kubernetes/singleton-plan.ts";
import type { Fields } from "../core/kubernetes/views.ts";
import { readWorkload, type Complaint, type Workload } from "../core/kubernetes/workload.ts";
import { EXIT_CONFIGURATION } from "./load-site.ts";
import { ExitError, printJson, type Terminal } from "./terminal.ts";
import { writeNew, type NewFile } from "./write-new.ts";

/** `kubernetes`: the file with the Deployment. */
export type KubernetesOptions = { readonly kubernetes: string; readonly deployment?: string; readonly container?: string; readonly json?: boolean };

const FOLDER = "shopkeeper";

export async function initKubernetes(terminal: Terminal, dir: string | undefined, options: KubernetesOptions): Promise<void> {
  const manifest = resolve(terminal.cwd, options.kubernetes);
  const sources = await readManifests(terminal, manifest, options.kubernetes);
  const read = readWorkload(sources.map(({ value }, index) => ({ index, value })), { deployment: options.deployment, container: options.container });
  if (!read.ok) throw refused(terminal, read.complaints.map((complaint) => problemOf(complaint, sources, options.kubernetes)));
  const { workload } = read;
  const plan = planSidecar(workload);
  const folder = dir === undefined ? join(dirname(manifest), FOLDER) : resolve(terminal.cwd, dir);
  const files = newFiles(workload, plan);
  await writeNew(folder, files);
  const findings = findingsOf(workload, plan);
  if (options.json === true) return printJson(terminal, { folder, files: files.map(({ path }) => path), findings });
  terminal.out(`${told(findings)}\nwritten into ${relative(terminal.cwd, folder) || "."}: ${files.map(({ path }) => path).join(", ")}\n\n${await nextSteps(terminal, manifest, folder, workload, plan)}`);
}

async function readManifests(terminal: Terminal, path: string, file: string): Promise<readonly YamlSource[]> {
  const text = await diskFiles.read(path).catch((error: unknown) => {
    throw refused(terminal, [filelessProblem("FILE_MISSING", file, `cannot be read: ${error instanceof Error ? error.message : "unknown reason"}`, "a readable file")]);
  });
  const template = templateIn(text, file);
  if (template !== null) throw refused(terminal, [template]);
  const sources = readYamlDocuments(text, file);
  const errors = sources.flatMap((source) => source.errors);
  if (errors.length > 0) throw refused(terminal, errors);
  if (sources.length === 0) throw refused(terminal, [filelessProblem("MISSING_KEY", file, "the file is empty", "a Deployment")]);
  return sources;
}

/** The first place where a chart's template stands instead of a value. Within quotes it is a text like others. */
function templateIn(text: string, file: string): Problem | null {
  const lines = text.split("\n");
  const index = lines.findIndex((line) => /^[^#'"]*?(?:^\s*|[:-]\s+)\{\{/.test(line));
  if (index === -1) return null;
  const source = lines[index] ?? "";
  const problem = filelessProblem("YAML_SYNTAX", file, "this is a chart's template", "manifests as they are applied: render the chart first, by helm template");
  return { ...problem, line: index + 1, column: source.indexOf("{{") + 1, length: 2, source };
}

function problemOf({ document, path, message, expected, nearest }: Complaint, sources: readonly YamlSource[], file: string): Problem {
  const source = sources[document];
  return source === undefined ? filelessProblem("MISSING_KEY", file, message, expected) : source.problem({ code: "BAD_VALUE", path, message, expected, nearest });
}

function refused(terminal: Terminal, problems: readonly Problem[]): ExitError {
  return new ExitError(EXIT_CONFIGURATION, renderErrors(problems, { color: terminal.paintErr("red", "") !== "" }));
}

function newFiles(workload: Workload, plan: SidecarPlan): readonly NewFile[] {
  const check = applicationCheck(plan);
  const singleton = singletonFiles(workload, plan);
  return [
    file("kustomization.yaml", "Shopkeeper beside the Deployment, and the singleton over its pods: a Component, laid over the kustomization that has it.", kustomization(workload, plan, singleton.map(({ path }) => path))),
    file("deployment-patch.yaml", "Joined with the Deployment: the sidecar is added, nothing is taken away.\n# Its CPU request must stay: without one an autoscaler on CPU stops. No CPU limit: throttling would delay buyers.", deploymentPatch(workload, plan)),
    ...servicePatches(workload, plan).map((patch, index) => file(servicePatchFile(workload.services[index]?.name ?? ""), `Buyers now come to the gateway. To go around Shopkeeper: targetPort ${workload.port}.`, patch)),
    file("peers-service.yaml", "All pods by address, the sick ones too: pods ask each other how they are. No buyer comes this way.", peersService(workload, plan)),
    ...singleton.map(({ path, why, objects }) => file(path, why, ...objects)),
    { path: "singleton/shopkeeper.yaml", text: singletonSite(workload, plan) },
    { path: "shopkeeper.yaml", text: sidecarSite(workload, plan) },
    ...(check === null ? [] : [{ path: "checks/application.yaml", text: check }]),
  ];
}

function file(path: string, why: string, ...values: readonly Fields[]): NewFile {
  return { path, text: `# ${why}\n${values.map((value) => stringify(value, { lineWidth: 0, aliasDuplicateObjects: false })).join("---\n")}` };
}

const HEADINGS: Readonly<Record<Finding["kind"], string>> = { found: "found", changed: "changed", kept: "not touched", attention: "not touched, for you to decide" };

function told(findings: readonly Finding[]): string {
  return Object.entries(HEADINGS)
    .map(([kind, heading]) => [heading, findings.filter((one) => one.kind === kind).map(({ text }) => `  - ${text}`)] as const)
    .filter(([, lines]) => lines.length > 0)
    .map(([heading, lines]) => `${heading}:\n${lines.join("\n")}\n`)
    .join("");
}

async function nextSteps(terminal: Terminal, manifest: string, folder: string, { namespace }: Workload, { names }: SidecarPlan): Promise<string> {
  const beside = dirname(manifest);
  const there = (await readdir(beside).catch(() => [])).find((name) => /^(kustomization\.ya?ml|Kustomization)$/.test(name));
  const component = relative(beside, folder);
  const where = relative(terminal.cwd, join(beside, there ?? "kustomization.yaml"));
  const lines = [`    components: [${component}]`, "    images: [{ name: shopkeeper, newName: registry.example.com/shopkeeper, newTag: \"0.1.0\" }]"];
  const secret = `kubectl create secret generic ${names.secret}${namespace === null ? "" : ` --namespace ${namespace}`} --from-literal=peer=$(openssl rand -hex 32) --from-literal=operator=$(openssl rand -hex 32)`;
  return [
    "next:",
    `  1. ${secret}`,
    there === undefined ? `  2. write ${where}:\n    resources: [${relative(beside, manifest)}]` : `  2. add to ${where}:`,
    ...lines,
    `  3. kubectl diff -k ${relative(terminal.cwd, beside) || "."}, then kubectl apply -k ${relative(terminal.cwd, beside) || "."}`,
    "",
  ].join("\n");
}
