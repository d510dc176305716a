import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { parseStatCpu, readUsage } from "../../src/adapters/usage.ts";

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** Kernel folders made of files, as the kernel would show them. */
function kernel(files: Readonly<Record<string, string>>): { proc: string; cgroup: string } {
  const root = mkdtempSync(join(tmpdir(), "usage-"));
  folders.push(root);
  for (const [path, text] of Object.entries(files)) {
    const file = join(root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  return { proc: join(root, "proc"), cgroup: join(root, "cgroup") };
}

const STAT = "42 (node (v 24)) S 1 42 42 0 -1 4194304 9 0 0 0 150 50 7 7 20 0 11 0 1234 0 0 18446744073709551615";

describe("a process", () => {
  test("of ours is read from the real kernel", () => {
    const usage = readUsage({ pid: process.pid });
    expect(usage).toMatchObject({ source: "process" });
    expect(usage?.rssBytes).toBeGreaterThan(10_000_000);
    expect(usage?.cpuMs).toBeGreaterThan(0);
    expect(usage?.memoryLimitBytes).toBeLessThanOrEqual(totalmem());
    expect(usage?.cpus).toBeLessThanOrEqual(availableParallelism());
  });

  test("that is not there has none", () => {
    expect(readUsage({ pid: 2 ** 30 })).toBeNull();
  });

  test("whose name holds spaces and brackets is counted from the last one", () => {
    expect(parseStatCpu(STAT)).toBe(2_000);
    expect(parseStatCpu("nonsense")).toBeNull();
  });

  test("is held against the tightest limit between it and the root", () => {
    const roots = kernel({
      "proc/42/stat": STAT,
      "proc/42/status": "Name:\tnode\nVmRSS:\t  2048 kB\n",
      "proc/42/cgroup": "0::/shop/app\n",
      "cgroup/shop/app/memory.max": "max\n",
      "cgroup/shop/app/cpu.max": "max 100000\n",
      "cgroup/shop/memory.max": "1048576000\n",
      "cgroup/shop/cpu.max": "25000 100000\n",
    });
    expect(readUsage({ pid: 42 }, roots)).toEqual({ rssBytes: 2_097_152, cpuMs: 2_000, memoryLimitBytes: 1_048_576_000, cpus: 0.25, source: "process" });
  });

  test("without any limit has the machine", () => {
    const roots = kernel({ "proc/42/stat": STAT, "proc/42/status": "VmRSS:\t1 kB\n" });
    expect(readUsage({ pid: 42 }, roots)).toMatchObject({ memoryLimitBytes: totalmem(), cpus: availableParallelism() });
  });

  test("that is a zombie has none", () => {
    expect(readUsage({ pid: 42 }, kernel({ "proc/42/stat": STAT, "proc/42/status": "Name:\tnode\nState:\tZ (zombie)\n" }))).toBeNull();
  });
});

describe("a cgroup", () => {
  test("counts what it cannot give back, and its CPU", () => {
    const roots = kernel({
      "cgroup/app/memory.current": "300000000\n",
      "cgroup/app/memory.stat": "anon 1\ninactive_file 100000000\nactive_file 5\n",
      "cgroup/app/cpu.stat": "usage_usec 4500000\nuser_usec 1\n",
      "cgroup/app/memory.max": "536870912\n",
      "cgroup/app/cpu.max": "100000 100000\n",
    });
    expect(readUsage({ cgroup: join(roots.cgroup, "app") }, roots)).toEqual({ rssBytes: 200_000_000, cpuMs: 4_500, memoryLimitBytes: 536_870_912, cpus: 1, source: "cgroup" });
  });

  test("that is not there has none", () => {
    expect(readUsage({ cgroup: "/sys/fs/cgroup/no/such/thing" })).toBeNull();
  });
});
