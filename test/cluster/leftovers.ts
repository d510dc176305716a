/**
 * What a node's containerd and kubelet have made on this machine, and its removal,
 * whether they still run or have crashed: found by what lies in the node's own
 * folder, not by asking them.
 */
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { readdir, rm, rmdir, unlink } from "node:fs/promises";
import { join } from "node:path";
import { isRunning, readStat } from "../../src/adapters/proc-files.ts";
import { podNetwork } from "./addresses.ts";
import { containerdSocket, tasksFolder } from "./nodes.ts";
import { holds, signalPid } from "./processes.ts";
import { attempt } from "./tool.ts";

/** Folders that kubelet, containerd and the network plugins make wherever they are told to write. */
const MADE = ["/var/lib/kubelet", "/var/lib/cni", "/var/log/containers", "/run/containerd", "/run/netns"];
const NETWORK_NOTES = "/var/lib/cni/results";
const LOG_LINKS = "/var/log/containers";

export const notThere = (): readonly string[] => MADE.filter((folder) => !existsSync(folder));

type Container = { readonly id: string; readonly pid: number | null; readonly cgroup: string | null; readonly socket: string | null };

/** Ends every container and shim of a node whose containerd and kubelet have ended, and removes what they leave outside its folder. */
export async function removeContainers(folder: string): Promise<void> {
  const containers = await listContainers(folder);
  const pids = [...new Set([...containers.flatMap(containerPids), ...shimPids(folder)])];
  for (const pid of pids) signalPid(pid, "SIGKILL");
  if (!(await holds(() => pids.every(ended), 10_000))) throw new Error(`survived SIGKILL for 10 s: ${pids.filter((pid) => !ended(pid)).join(", ")}`);
  for (const { id, cgroup, socket } of containers) {
    await removeWithin(NETWORK_NOTES, (name) => name.includes(id));
    if (cgroup !== null) await removeCgroup(cgroup);
    if (socket !== null) await rm(socket, { force: true });
  }
}

async function listContainers(folder: string): Promise<readonly Container[]> {
  const tasks = tasksFolder(folder);
  const ids = existsSync(tasks) ? await readdir(tasks) : [];
  return ids.map((id) => {
    const read = (name: string): string | null => readOrNull(join(tasks, id, name));
    const spec = read("config.json");
    const pid = Number(read("init.pid"));
    return { id, pid: pid > 0 ? pid : null, cgroup: spec === null ? null : ((JSON.parse(spec).linux?.cgroupsPath as string | undefined) ?? null), socket: read("address")?.replace("unix://", "") ?? null };
  });
}

/** Its first process, if the number is still that container's, and all others in its cgroup. */
function containerPids({ id, pid, cgroup }: Container): readonly number[] {
  const first = pid !== null && readOrNull(`/proc/${pid}/cgroup`)?.includes(id) === true ? [pid] : [];
  const others = cgroup === null ? [] : cgroupFolders(cgroup).flatMap((folder) => (readOrNull(join(folder, "cgroup.procs")) ?? "").split("\n").filter(Boolean).map(Number));
  return [...first, ...others];
}

/** Shims say whose they are on their command line. */
function shimPids(folder: string): readonly number[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map(Number);
  return pids.filter((pid) => {
    const words = (readOrNull(`/proc/${pid}/cmdline`) ?? "").split("\0");
    return (words[0] ?? "").endsWith("containerd-shim-runc-v2") && words.includes(containerdSocket(folder));
  });
}

function ended(pid: number): boolean {
  const stat = readStat(pid);
  return stat === null || !isRunning(stat);
}

/** One a controller with version 1, one in all with version 2; those that exist. */
function cgroupFolders(path: string): readonly string[] {
  const root = "/sys/fs/cgroup";
  const folders = [root, ...readdirSync(root).map((controller) => join(root, controller))];
  return folders.map((folder) => join(folder, path)).filter((folder) => existsSync(join(folder, "cgroup.procs")));
}

async function removeCgroup(path: string): Promise<void> {
  for (const folder of cgroupFolders(path)) {
    await holds(() => (readOrNull(join(folder, "cgroup.procs")) ?? "").trim() === "", 2_000);
    await rmdir(folder);
    // The namespace's own (`/k8s.io`), when it was the last in it.
    await rmdir(join(folder, "..")).catch(() => undefined);
  }
}

/** Unmounts all that is mounted within a folder. @throws {Error} when something still is: nothing below it may be deleted then. */
export async function unmountWithin(folder: string): Promise<void> {
  // What was mounted last goes first.
  for (const mount of mountsWithin(folder).toReversed()) await attempt("umount", "--lazy", mount);
  const left = mountsWithin(folder);
  if (left.length > 0) throw new Error(`still mounted: ${left.join(", ")}`);
}

export function mountsWithin(folder: string): readonly string[] {
  const lines = readFileSync("/proc/self/mounts", "utf8").trim().split("\n");
  const points = lines.map((line) => (line.split(" ")[1] ?? "").replaceAll(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))));
  return points.filter((point) => point.startsWith(`${folder}/`));
}

/** Removes what was written beside the cluster's folder: the plugins' notes, links to logs, and folders that were not there before. */
export async function removeTraces(clusterFolder: string, nodes: number, madeSince: readonly string[]): Promise<void> {
  const networks = Array.from({ length: nodes }, (_, index) => `${podNetwork(index + 1)}-`);
  await removeWithin(NETWORK_NOTES, (name) => networks.some((network) => name.startsWith(network)));
  await removeWithin(LOG_LINKS, (name) => (linkTarget(join(LOG_LINKS, name)) ?? "").startsWith(`${clusterFolder}/`));
  if (madeSince.includes("/var/lib/kubelet")) await rm("/var/lib/kubelet/device-plugins/kubelet.sock", { force: true });
  for (const folder of madeSince) await attempt("find", folder, "-depth", "-type", "d", "-empty", "-delete");
}

async function removeWithin(folder: string, ours: (name: string) => boolean): Promise<void> {
  const names = existsSync(folder) ? await readdir(folder) : [];
  for (const name of names.filter(ours)) await unlink(join(folder, name));
}

function linkTarget(file: string): string | null {
  try {
    return readlinkSync(file);
  } catch {
    return null;
  }
}

function readOrNull(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return null;
  }
}

