/**
 * What a cluster may leave on a machine, looked at from outside and without knowing
 * how it is removed: to compare before and after.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { readKernelSettings, type KernelSettings } from "./kernel-settings.ts";
import { tool } from "./tool.ts";

export type MachineState = Readonly<Record<"processes" | "mounts" | "links" | "routes" | "rules" | "namespaces" | "firewall" | "cgroups" | "folders", readonly string[]>> & { readonly kernel: KernelSettings };

const FOLDERS = ["/var/lib/kubelet", "/var/lib/cni", "/var/log/containers", "/var/log/pods", "/run/containerd", "/run/netns", "/opt/containerd", "/usr/libexec/kubernetes", "/etc/kubernetes", "/etc/cni"];

/** @param mark processes and mounts count that name it; on a machine with other work the rest come and go. */
export async function machineState(mark: string): Promise<MachineState> {
  return {
    processes: commandLines().filter((line) => line.includes(mark)),
    mounts: readFileSync("/proc/self/mounts", "utf8").split("\n").filter((line) => line.includes(mark) || line.includes("/netns/")),
    links: await lines("ip", "-brief", "link"),
    routes: [...(await lines("ip", "route", "show", "table", "all")), ...(await lines("ip", "-6", "route", "show", "table", "all"))].map((line) => line.replace(/ expires .*/, "")),
    rules: await lines("ip", "rule"),
    namespaces: await lines("ip", "netns"),
    firewall: (await Promise.all([lines("iptables-save"), lines("ip6tables-save")])).flat().filter((line) => line.startsWith("-") || /^:\S+ -/.test(line)),
    cgroups: await lines("find", "/sys/fs/cgroup", "-type", "d", "-path", "*k8s.io*"),
    folders: FOLDERS.filter((folder) => existsSync(folder)),
    kernel: readKernelSettings(),
  };
}

async function lines(command: string, ...args: readonly string[]): Promise<readonly string[]> {
  return (await tool(command, ...args)).split("\n").map((line) => line.trim()).filter((line) => line !== "").toSorted();
}

function commandLines(): readonly string[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  return pids.flatMap((pid) => {
    try {
      return [readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ")];
    } catch {
      // It has ended since.
      return [];
    }
  });
}
