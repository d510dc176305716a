/**
 * Memory and CPU of a process or a cgroup v2, from /proc and /sys/fs/cgroup.
 *
 * Read synchronously: both are kernel memory, never a disk, and a read costs less
 * than the way through the thread pool.
 */
import { readFileSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";
import { join } from "node:path";
import type { Usage } from "../ports/processes.ts";

/** Where the kernel's folders are mounted. */
export type UsageRoots = { readonly proc: string; readonly cgroup: string };

const ROOTS: UsageRoots = { proc: "/proc", cgroup: "/sys/fs/cgroup" };
/** Linux counts a process's CPU time in hundredths of a second for every program (USER_HZ). */
const MS_PER_TICK = 10;

/**
 * Usage of one process, or of a cgroup v2 folder given as an absolute path
 * ("/sys/fs/cgroup/system.slice/app.service").
 *
 * @returns null when there is no such process or cgroup. Never throws.
 */
export function readUsage(of: { readonly pid: number } | { readonly cgroup: string }, roots: UsageRoots = ROOTS): Usage | null {
  return "pid" in of ? processUsage(of.pid, roots) : cgroupUsage(of.cgroup, roots);
}

function processUsage(pid: number, roots: UsageRoots): Usage | null {
  const folder = join(roots.proc, String(pid));
  const stat = read(join(folder, "stat"));
  const status = read(join(folder, "status"));
  if (stat === null || status === null) return null;
  const cpuMs = parseStatCpu(stat);
  const rss = /^VmRSS:\s+(\d+) kB$/m.exec(status);
  // A zombie has neither memory nor a future.
  if (cpuMs === null || rss === null) return null;
  const own = /^0::(.*)$/m.exec(read(join(folder, "cgroup")) ?? "");
  const limits = own === null ? NO_LIMITS : limitsOf(join(roots.cgroup, own[1] ?? ""), roots);
  return { rssBytes: Number(rss[1]) * 1_024, cpuMs, ...machineWithin(limits), source: "process" };
}

function cgroupUsage(folder: string, roots: UsageRoots): Usage | null {
  const memory = Number(read(join(folder, "memory.current")) ?? Number.NaN);
  const cpu = /^usage_usec (\d+)$/m.exec(read(join(folder, "cpu.stat")) ?? "");
  if (Number.isNaN(memory) || cpu === null) return null;
  // Page cache counts in memory.current but is given back under pressure; inactive files are what the kubelet leaves out too.
  const inactive = /^inactive_file (\d+)$/m.exec(read(join(folder, "memory.stat")) ?? "");
  const rssBytes = Math.max(0, memory - Number(inactive?.[1] ?? 0));
  return { rssBytes, cpuMs: Number(cpu[1]) / 1_000, ...machineWithin(limitsOf(folder, roots)), source: "cgroup" };
}

/**
 * CPU time of a /proc/PID/stat line in milliseconds: utime + stime, the 14th and 15th field (proc_pid_stat(5)).
 * The name, the 2nd field, may hold spaces and brackets, so fields are counted from the last ")".
 */
export function parseStatCpu(stat: string): number | null {
  const end = stat.lastIndexOf(")");
  const fields = stat.slice(end + 2).trim().split(" ");
  const ticks = Number(fields[11]) + Number(fields[12]);
  return end < 0 || Number.isNaN(ticks) ? null : ticks * MS_PER_TICK;
}

type Limits = { readonly memoryBytes: number; readonly cpus: number };

const NO_LIMITS: Limits = { memoryBytes: Infinity, cpus: Infinity };

/** The tightest limits from a cgroup up to the root: a parent's limit binds its children. */
function limitsOf(folder: string, roots: UsageRoots): Limits {
  let limits = NO_LIMITS;
  let at = folder;
  while (at.startsWith(roots.cgroup)) {
    limits = {
      memoryBytes: Math.min(limits.memoryBytes, parseMax(read(join(at, "memory.max")))),
      cpus: Math.min(limits.cpus, parseCpuMax(read(join(at, "cpu.max")))),
    };
    const parent = join(at, "..");
    if (parent === at) break;
    at = parent;
  }
  return limits;
}

function machineWithin(limits: Limits): { readonly memoryLimitBytes: number; readonly cpus: number } {
  return { memoryLimitBytes: Math.min(limits.memoryBytes, totalmem()), cpus: Math.min(limits.cpus, availableParallelism()) };
}

function parseMax(text: string | null): number {
  const value = Number(text ?? Number.NaN);
  return Number.isNaN(value) ? Infinity : value;
}

/** "50000 100000" is half a CPU; "max 100000" is no limit. */
function parseCpuMax(text: string | null): number {
  const [quota, period] = (text ?? "max").trim().split(" ").map(Number);
  return quota === undefined || period === undefined || Number.isNaN(quota) || !(period > 0) ? Infinity : quota / period;
}

function read(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}
