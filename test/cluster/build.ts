/**
 * Builds a real Kubernetes and its companions from their public Go modules, into a
 * cache by version. What is there already is not built again.
 *
 * About five minutes for all from nothing on two cores (0.7 GB of programs, 4 GB in
 * Go's own caches); seconds when Go has them compiled.
 */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { findProgram } from "../support/provide-servers.ts";
import { cacheFolder, executable, findBuilt, goVersionNeeded, kubernetesVersion, MODULES, PACKAGES, stagesFile, type ProgramName } from "./programs.ts";

const run = promisify(execFile);

export type Built = { readonly ok: true } | { readonly ok: false; readonly why: string };

/** Of the stages in kwok's module: nodes that beat, pods that run, end and go. */
const STAGES = ["node/fast/node-initialize", "node/heartbeat/node-heartbeat", "pod/fast/pod-ready", "pod/fast/pod-complete", "pod/fast/pod-delete"];
/** How often a line of progress is written where there is no terminal to write over. */
const PROGRESS_MS = 15_000;

const HOW = "see https://go.dev/dl, or set KUBEBUILDER_ASSETS for etcd, kube-apiserver and kubectl";

/** Whether version `found` ("1.26.8") is at least `needed`. */
export function atLeast(found: string, needed: string): boolean {
  const have = found.split(".").map(Number);
  for (const [index, want] of needed.split(".").map(Number).entries()) {
    const own = have[index] ?? 0;
    if (own !== want) return own > want;
  }
  return true;
}

/** A Go that is new enough, or what to do about it. */
async function findGo(): Promise<{ readonly go: string } | { readonly why: string }> {
  const go = findProgram("go") ?? (executable("/usr/local/go/bin/go") ? "/usr/local/go/bin/go" : null);
  const needed = goVersionNeeded();
  if (go === null) return { why: `Go ${needed} or later is not installed: ${HOW}` };
  const { stdout } = await run(go, ["env", "GOVERSION"], { env: goEnv() });
  const found = stdout.trim().replace(/^go/, "").replace(/[^\d.].*$/, "");
  return atLeast(found, needed) ? { go } : { why: `Go ${found} is too old, ${needed} or later is needed: ${HOW}` };
}

/** No other Go is fetched in silence, and go.mod stays as it is. */
function goEnv(): NodeJS.ProcessEnv {
  return { ...process.env, CGO_ENABLED: "0", GOFLAGS: "-mod=readonly", GOTOOLCHAIN: "local" };
}

/** Without a version the server calls itself v0.0.0-master, and clients misjudge it. */
function linkerFlags(): string {
  const version = kubernetesVersion();
  const [major, minor] = version.slice(1).split(".");
  const stamp = { "component-base/version.gitVersion": version, "component-base/version.gitMajor": major, "component-base/version.gitMinor": minor, "client-go/pkg/version.gitVersion": version };
  return ["-s", "-w", ...Object.entries(stamp).map(([name, value]) => `-X k8s.io/${name}=${value}`)].join(" ");
}

/** Builds those that are missing. Never throws for what the machine lacks: it says so. */
export async function build(names: readonly ProgramName[]): Promise<Built> {
  const missing = names.filter((name) => findBuilt(name, process.env) === null);
  if (missing.length === 0) return { ok: true };
  const found = await findGo();
  if ("why" in found) return { ok: false, why: `${missing.join(", ")} cannot be built: ${found.why}` };
  const failure = await compile(found.go, missing);
  if (failure !== null) return { ok: false, why: failure };
  if (missing.includes("kwok")) await keepStages(found.go);
  return { ok: true };
}

/** null: all compiled and in the cache. */
async function compile(go: string, names: readonly ProgramName[]): Promise<string | null> {
  const cache = cacheFolder(process.env);
  await mkdir(dirname(cache), { recursive: true });
  // Beside the cache: what is renamed into it is whole, also when two builds run at once.
  const fresh = await mkdtemp(`${cache}.building-`);
  // Ctrl-C ends Go; we stay until its folder is removed.
  process.on("SIGINT", stay);
  try {
    process.stdout.write(`building ${names.join(", ")} ${kubernetesVersion()} (all ten from nothing: about five minutes on two cores)\n`);
    const child = spawn(go, ["build", "-v", "-trimpath", "-buildvcs=false", "-ldflags", linkerFlags(), "-o", `${fresh}/`, ...names.map((name) => PACKAGES[name])], { cwd: MODULES, env: goEnv(), stdio: ["ignore", "ignore", "pipe"] });
    const said = followProgress(child.stderr);
    const [code] = (await once(child, "close")) as [number | null];
    const lines = said.finish();
    if (code !== 0) return `go build failed:\n${lines.slice(-20).join("\n")}`;
    await mkdir(cache, { recursive: true });
    // Go names a program after the last part of its package's path, which is v3 or server for etcd.
    for (const file of await readdir(fresh)) await rename(join(fresh, file), join(cache, file === "v3" || file === "server" ? "etcd" : file));
    return null;
  } finally {
    process.off("SIGINT", stay);
    await rm(fresh, { recursive: true, force: true });
  }
}

const stay = (): void => undefined;

/** Counts the packages that Go names as it goes: over one line of a terminal, else a line from time to time. */
function followProgress(stream: NodeJS.ReadableStream): { finish(): readonly string[] } {
  const lines: string[] = [];
  const started = performance.now();
  const say = (): string => `  ${lines.length} packages fetched or compiled, ${Math.round((performance.now() - started) / 1_000)} s`;
  createInterface({ input: stream }).on("line", (line) => lines.push(line));
  const terminal = process.stdout.isTTY;
  const timer = setInterval(() => process.stdout.write(terminal ? `\r${say()}` : `${say()}\n`), terminal ? 500 : PROGRESS_MS);
  return {
    finish: () => {
      clearInterval(timer);
      process.stdout.write(`${terminal ? "\r" : ""}${say()}\n`);
      return lines;
    },
  };
}

async function keepStages(go: string): Promise<void> {
  const { stdout } = await run(go, ["list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/kwok"], { cwd: MODULES, env: goEnv() });
  const texts = await Promise.all(STAGES.map((name) => readFile(join(stdout.trim(), "kustomize/stage", `${name}.yaml`), "utf8")));
  await writeFile(stagesFile(process.env), texts.join("\n---\n"));
}
