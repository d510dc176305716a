import { spawn } from "node:child_process";
import * as fs from "node:fs/promises";
import * as os from "node:os";
import * as path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createLocalProcesses } from "../../src/adapters/local-processes.ts";
import type { LocalProcesses } from "../../src/adapters/local-processes.ts";
import { rotateLog } from "../../src/adapters/log-file.ts";
import { createSystemClock } from "../../src/adapters/system-clock.ts";
import type { Exit, ProcessSpec } from "../../src/ports/processes.ts";
import { eventually, processesContract } from "./processes.ts";

const clock = createSystemClock();
const tick = (): Promise<void> => pause(10);

processesContract("this host", async () => {
  const processes = createLocalProcesses({ clock, env: process.env });
  return {
    processes, cwd: os.tmpdir(), stays: ["sleep", "600"], exits: (code) => ["sh", "-c", `exit ${code}`], says: (text) => ["printf", text], tick, cleanUp: async () => processes.close(),
  };
});

describe("this host", () => {
  let processes: LocalProcesses;
  let folder: string;
  let spec: ProcessSpec;

  beforeEach(async () => {
    processes = createLocalProcesses({ clock, env: process.env });
    folder = await fs.mkdtemp(path.join(os.tmpdir(), "shopkeeper-processes-"));
    spec = { command: ["sleep", "600"], cwd: folder, env: {}, marker: `real-${process.pid}-${Math.random().toString(36).slice(2)}/app`, intentId: "i", logFile: path.join(folder, "logs", "app.log") };
  });
  afterEach(async () => {
    for (const { ref } of await processes.find(spec.marker)) await processes.stop(ref, 0);
    processes.close();
    await fs.rm(folder, { recursive: true, force: true });
  });

  const shell = (script: string): ProcessSpec => ({ ...spec, command: ["sh", "-c", script] });
  const logged = (text: string): Promise<void> => eventually({ tick }, async () => (await fs.readFile(path.join(folder, "logs", "app.log"), "utf8").catch(() => "")).includes(text));

  test("a child gets a minimal environment and what its spec adds, and writes to its log", async () => {
    await processes.start({ ...shell("env; echo done"), env: { GREETING: "hello" } });
    await logged("done");
    const names = (await fs.readFile(path.join(folder, "logs", "app.log"), "utf8")).split("\n").map((line) => line.split("=")[0]);
    expect(names).toEqual(expect.arrayContaining(["GREETING", "PATH", "SHOPKEEPER_CHILD", "SHOPKEEPER_INTENT"]));
    expect(names.filter((name) => name?.startsWith("VITEST"))).toEqual([]);
  });

  test("a child that ignores SIGTERM is killed after the grace", async () => {
    const ref = await processes.start(shell("trap '' TERM; echo ready; while :; do sleep 1; done"));
    await logged("ready");
    expect(await processes.stop(ref, 100)).toBe("stopped");
    expect(await processes.find(spec.marker)).toEqual([]);
  });

  test("a frozen child ends by itself once it is asked, and is killed where it does not", async () => {
    const polite = await processes.start(shell("trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.05; done"));
    await logged("ready");
    process.kill(polite.pid, "SIGSTOP");
    expect(await processes.stop(polite, 5_000)).toBe("stopped");
    await logged("bye");
  });

  test("stopping ends the whole process group", async () => {
    const ref = await processes.start(shell("sleep 600 & sleep 600 & echo ready; wait"));
    await logged("ready");
    await processes.stop(ref, 1_000);
    expect(await processes.find(spec.marker)).toEqual([]);
  });

  test("a child with children of its own is one process", async () => {
    const ref = await processes.start(shell("sleep 600 & echo ready; wait"));
    await logged("ready");
    expect((await processes.find(spec.marker)).map((found) => found.ref)).toEqual([ref]);
  });

  test("what a dead leader left running is found and can be stopped", async () => {
    const ref = await processes.start(shell("sleep 600 & echo ready; wait"));
    await logged("ready");
    process.kill(ref.pid, "SIGKILL");
    await eventually({ tick }, async () => !(await processes.alive(ref)));
    const left = await processes.find(spec.marker);
    expect(left).toHaveLength(1);
    expect(left[0]?.ref.pid).not.toBe(ref.pid);
    expect(await processes.stop(left[0]?.ref ?? ref, 1_000)).toBe("stopped");
    expect(await processes.find(spec.marker)).toEqual([]);
  });

  test("a child of somebody else is adopted: seen, watched, stopped", async () => {
    const starter = new URL("../support/start-child.ts", import.meta.url).pathname;
    const other = spawn(process.execPath, [starter, JSON.stringify(spec)], { stdio: "inherit" });
    await new Promise((resolve) => other.once("exit", resolve));
    const [adopted] = await processes.find(spec.marker);
    if (adopted === undefined) throw new Error("not found");
    const exits: Exit[] = [];
    processes.onExit(adopted.ref, (exit) => exits.push(exit));
    process.kill(adopted.ref.pid, "SIGKILL");
    await eventually({ tick }, () => exits.length > 0);
    expect(exits).toEqual([{ ref: adopted.ref, code: null, signal: null }]);
  });

  test("usage is reported for a living process and null for none", async () => {
    const ref = await processes.start(spec);
    expect((await processes.usage({ pid: ref.pid }))?.rssBytes).toBeGreaterThan(0);
    await processes.stop(ref, 100);
    expect(await processes.usage({ pid: ref.pid })).toBeNull();
  });

  test("a command's whole process group is killed at its deadline", async () => {
    const result = await processes.run({ command: ["sh", "-c", `sleep 600 & echo $!; wait`], cwd: folder, env: {}, deadlineMs: 200, maxOutputBytes: 100 });
    expect(result).toMatchObject({ kind: "killed", reason: "deadline" });
    const grandchild = Number(result.kind === "killed" ? result.output : 0);
    await eventually({ tick }, async () => !(await fs.readFile(`/proc/${grandchild}/stat`, "utf8").catch(() => ") Z")).match(/\) [^ZX]/));
    expect(grandchild).toBeGreaterThan(0);
  });

  test("a command that leaves a grandchild holding its output still ends", async () => {
    const marker = { SHOPKEEPER_CHILD: spec.marker };
    const result = await processes.run({ command: ["sh", "-c", "sleep 600 & echo over"], cwd: folder, env: marker, deadlineMs: 10_000, maxOutputBytes: 100 });
    expect(result).toMatchObject({ kind: "exited", code: 0, output: "over\n" });
  });

  test("no shell reads the arguments", async () => {
    const result = await processes.run({ command: ["printf", "%s", "$(id); `id`; $HOME"], cwd: folder, env: {}, deadlineMs: 5_000, maxOutputBytes: 100 });
    expect(result).toMatchObject({ output: "$(id); `id`; $HOME" });
  });

  test("a large log is copied aside and emptied while its writer goes on", async () => {
    await processes.start(shell("echo first; while [ ! -e go ]; do sleep 0.02; done; echo second; sleep 600"));
    await logged("first");
    const file = path.join(folder, "logs", "app.log");
    expect(await rotateLog(file, 1_000)).toBe("kept");
    expect(await rotateLog(file, 1)).toBe("rotated");
    await fs.writeFile(path.join(folder, "go"), "");
    await logged("second");
    expect(await fs.readFile(file, "utf8")).toBe("second\n");
    expect(await fs.readFile(`${file}.1`, "utf8")).toBe("first\n");
  });
});
