/**
 * Settings of the kernel that nodes change for the whole machine (kubelet and the
 * network plugins write them without asking), to be put back afterwards.
 */
import { readFileSync, writeFileSync } from "node:fs";

const CHANGED = ["net/ipv4/ip_forward", "vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops", "kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes", "net/bridge/bridge-nf-call-iptables", "net/bridge/bridge-nf-call-ip6tables"];

/** Value by name; those this kernel has. */
export type KernelSettings = Readonly<Record<string, string>>;

export function readKernelSettings(): KernelSettings {
  return Object.fromEntries(CHANGED.flatMap((name) => read(name) ?? []));
}

/** Writes those that are no longer as they were. */
export function restoreKernelSettings(before: KernelSettings): void {
  const now = readKernelSettings();
  for (const [name, value] of Object.entries(before)) {
    if (now[name] !== value) writeFileSync(`/proc/sys/${name}`, value);
  }
}

/** Lets packets go from one node's pods to another's through this machine. */
export const forwardPackets = (): void => writeFileSync("/proc/sys/net/ipv4/ip_forward", "1");

function read(name: string): [[string, string]] | null {
  try {
    return [[name, readFileSync(`/proc/sys/${name}`, "utf8").trim()]];
  } catch {
    return null;
  }
}
