/**
 * What this machine lacks for a cluster, in words that say how to get it. Looks only.
 */
import { arch, platform } from "node:os";
import { debianPackage, findProgram } from "../support/provide-servers.ts";
import { findBuilt, PROGRAMS, type ProgramName } from "./programs.ts";

/** `api`: an API server on loopback, as any user. `controllers`: that, with the controllers. `whole`: with real nodes, and all there is. */
export type Level = "api" | "controllers" | "whole";

/** By its path: iproute2 has a program of this name too. */
const CNI_BRIDGE = "/usr/lib/cni/bridge";

const TOOLS: Readonly<Record<Level, readonly string[]>> = {
  api: ["openssl", "setpriv"],
  controllers: ["openssl", "setpriv"],
  whole: ["openssl", "containerd", "ctr", "runc", CNI_BRIDGE, "iptables", "ip", "busybox"],
};

const BUILT: Readonly<Record<Level, readonly ProgramName[]>> = {
  api: ["etcd", "kube-apiserver"],
  controllers: ["etcd", "kube-apiserver", "kube-controller-manager"],
  whole: PROGRAMS,
};

/** Programs of Debian's packages that a level stands on. */
export const toolsFor = (level: Level): readonly string[] => TOOLS[level];

/** Empty: that level can run here. */
export function lacking(level: Level, env: NodeJS.ProcessEnv = process.env): readonly string[] {
  if (platform() !== "linux") return [`Linux is needed, this is ${platform()} on ${arch()}`];
  const lacks = level === "whole" && process.getuid?.() !== 0 ? ["real nodes need root"] : [];
  const tools = TOOLS[level].filter((name) => findProgram(name) === null);
  const unbuilt = BUILT[level].filter((name) => findBuilt(name, env) === null);
  return [
    ...lacks,
    ...tools.map((name) => `${name} is not installed: apt-get install ${debianPackage(name)}`),
    ...(unbuilt.length > 0 ? [`not built: npm run cluster -- build ${unbuilt.join(" ")}`] : []),
  ];
}
