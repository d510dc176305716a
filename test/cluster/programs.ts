/**
 * Which programs a cluster is made of, and where they are found.
 *
 * First in KUBEBUILDER_ASSETS (envtest's convention), then in our own cache, where
 * `build.ts` puts them.
 */
import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** Go package by program. */
export const PACKAGES = {
  etcd: "go.etcd.io/etcd/server/v3",
  "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
  "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
  "kube-scheduler": "k8s.io/kubernetes/cmd/kube-scheduler",
  kubectl: "k8s.io/kubernetes/cmd/kubectl",
  kubelet: "k8s.io/kubernetes/cmd/kubelet",
  "kube-proxy": "k8s.io/kubernetes/cmd/kube-proxy",
  kwok: "sigs.k8s.io/kwok/cmd/kwok",
  coredns: "github.com/coredns/coredns",
  "metrics-server": "sigs.k8s.io/metrics-server/cmd/metrics-server",
} as const;

export type ProgramName = keyof typeof PACKAGES;

export const PROGRAMS = Object.keys(PACKAGES) as readonly ProgramName[];

/** The folder of go.mod and go.sum. */
export const MODULES = join(import.meta.dirname, "modules");

/** What envtest's folder is known to hold. */
const ENVTEST: ReadonlySet<ProgramName> = new Set(["etcd", "kube-apiserver", "kubectl"]);

/** What go.mod says. @throws {Error} when the line is not there. */
function stated(pattern: RegExp): string {
  const found = pattern.exec(readFileSync(join(MODULES, "go.mod"), "utf8"))?.[1];
  if (found === undefined) throw new Error(`go.mod has no line like ${pattern}`);
  return found;
}

/** Like "v1.36.3". */
export const kubernetesVersion = (): string => stated(/^\s*k8s\.io\/kubernetes (v\S+)/m);
/** Like "1.26.4". */
export const goVersionNeeded = (): string => stated(/^go (\S+)/m);

/** Where built programs are kept, by version of Kubernetes. */
export function cacheFolder(env: NodeJS.ProcessEnv): string {
  return join(env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "shopkeeper-cluster", kubernetesVersion());
}

/** The program's path; null where it has to be built first. */
export function findBuilt(name: ProgramName, env: NodeJS.ProcessEnv): string | null {
  if (name === "kwok" && !existsSync(stagesFile(env))) return null;
  const assets = env["KUBEBUILDER_ASSETS"];
  const folders = assets !== undefined && ENVTEST.has(name) ? [assets, cacheFolder(env)] : [cacheFolder(env)];
  return folders.map((folder) => join(folder, name)).find(executable) ?? null;
}

/** The program's path. @throws {Error} that says how to build it. */
export function builtProgram(name: ProgramName, env: NodeJS.ProcessEnv): string {
  const found = findBuilt(name, env);
  if (found === null) throw new Error(`${name} is not built: npm run cluster -- build ${name}`);
  return found;
}

/** What kwok's fake nodes and pods do, taken from its own module; kwok ends without. */
export const stagesFile = (env: NodeJS.ProcessEnv): string => join(cacheFolder(env), "kwok-stages.yaml");

export function executable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
