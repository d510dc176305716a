/**
 * What this machine lacks for a cluster, in words that say how to get it. Looks only.
 */
import { platform } from "node:os";
import { debianPackage, findProgram } from "../support/provide-servers.ts";
import { findKubectl, givenCluster } from "./given-cluster.ts";
import { findBuilt, PROGRAMS, type ProgramName } from "./programs.ts";

/**
 * `api`: an API server on loopback, as any user. `controllers`: that, with the
 * controllers. `fake`: also a scheduler and fake nodes. `whole`: with real nodes, and
 * all there is.
 */
export type Level = "api" | "controllers" | "fake" | "whole";

type Needs = { readonly programs: readonly ProgramName[]; readonly tools: readonly string[]; readonly root: boolean };

/** By its path: iproute2 has a program of this name too. */
const CNI_BRIDGE = "/usr/lib/cni/bridge";

const NEEDS: Readonly<Record<Level, Needs>> = {
  api: { programs: ["etcd", "kube-apiserver"], tools: ["openssl", "setpriv"], root: false },
  controllers: { programs: ["etcd", "kube-apiserver", "kube-controller-manager"], tools: ["openssl", "setpriv"], root: false },
  fake: { programs: ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl", "kwok"], tools: ["openssl", "ip", "iptables"], root: true },
  whole: { programs: PROGRAMS, tools: ["openssl", "ip", "iptables", "containerd", "ctr", "runc", CNI_BRIDGE, "busybox"], root: true },
};

export const programsFor = (level: Level): readonly ProgramName[] => NEEDS[level].programs;
/** Programs of Debian's packages. */
export const toolsFor = (level: Level): readonly string[] => NEEDS[level].tools;

/** What no compiling helps against. Empty: nothing. */
export function lackingOnMachine(level: Level): readonly string[] {
  if (platform() !== "linux") return [`a cluster needs Linux, and this is ${platform()}`];
  const { tools, root } = NEEDS[level];
  const missing = tools.filter((name) => findProgram(name) === null);
  return [...(root && process.getuid?.() !== 0 ? ["a cluster with nodes needs root"] : []), ...missing.map((name) => `${name} is not installed: apt-get install ${debianPackage(name)}`)];
}

/** For a cluster that was given (CLUSTER_KUBECONFIG), else for a whole one of this machine. Empty: the shop's suite can run here. */
export function lackingForShop(env: NodeJS.ProcessEnv = process.env): readonly string[] {
  if (givenCluster(env) === null) return lacking("whole", env);
  return findKubectl(env) === null ? ["kubectl is not installed: npm run cluster -- build kubectl"] : [];
}

/** Also the programs that are not built yet. Empty: that level can run here. */
export function lacking(level: Level, env: NodeJS.ProcessEnv = process.env): readonly string[] {
  const unbuilt = programsFor(level).filter((name) => findBuilt(name, env) === null);
  return [...lackingOnMachine(level), ...(unbuilt.length > 0 ? [`not built: npm run cluster -- build ${unbuilt.join(" ")}`] : [])];
}
