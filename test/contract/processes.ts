/** What every Processes promises; run against the real host and the fake. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Exit, Processes, ProcessSpec } from "../../src/ports/processes.ts";

export type ProcessesHome = {
  readonly processes: Processes;
  readonly cwd: string;
  /** Command lines by what they do. */
  readonly stays: readonly [string, ...string[]];
  readonly exits: (code: number) => readonly [string, ...string[]];
  readonly says: (text: string) => readonly [string, ...string[]];
  /** Lets the world move on. */
  readonly tick: () => Promise<void>;
  readonly cleanUp: () => Promise<void>;
};

/** Polls until it holds; the deadline of the test ends it otherwise. */
export async function eventually(home: { readonly tick: () => Promise<void> }, holds: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await holds())) await home.tick();
}

export function processesContract(name: string, makeHome: () => Promise<ProcessesHome>): void {
  describe(`processes: ${name}`, () => {
    let home: ProcessesHome;
    let spec: ProcessSpec;

    beforeEach(async () => {
      home = await makeHome();
      spec = { command: home.stays, cwd: home.cwd, env: {}, marker: `test-${process.pid}-${Math.random().toString(36).slice(2)}/app`, intentId: "intent-1", logFile: null };
    });
    afterEach(async () => {
      for (const { ref } of await home.processes.find(spec.marker)) await home.processes.stop(ref, 0);
      await home.cleanUp();
    });

    test("a started process is alive and found by its marker, with the intent that started it", async () => {
      const ref = await home.processes.start(spec);
      expect(await home.processes.alive(ref)).toBe(true);
      await eventually(home, async () => (await home.processes.find(spec.marker)).length === 1);
      expect(await home.processes.find(spec.marker)).toEqual([{ ref, intentId: "intent-1" }]);
      expect(await home.processes.find(`${spec.marker}2`)).toEqual([]);
    });

    test("a pid with another start time is another process", async () => {
      const ref = await home.processes.start(spec);
      expect(await home.processes.alive({ pid: ref.pid, startTime: "other/1" })).toBe(false);
      expect(await home.processes.stop({ pid: ref.pid, startTime: "other/1" }, 0)).toBe("gone");
      expect(await home.processes.alive(ref)).toBe(true);
    });

    test("a stopped process is gone, and stopping it again says so", async () => {
      const ref = await home.processes.start(spec);
      expect(await home.processes.stop(ref, 5_000)).toBe("stopped");
      expect(await home.processes.alive(ref)).toBe(false);
      expect(await home.processes.find(spec.marker)).toEqual([]);
      expect(await home.processes.stop(ref, 5_000)).toBe("gone");
    });

    test("what cannot be started rejects with the reason", async () => {
      await expect(home.processes.start({ ...spec, command: ["missing"] })).rejects.toThrow(/ENOENT/);
    });

    test("an exit is told once, with its code", async () => {
      const exits: Exit[] = [];
      const ref = await home.processes.start({ ...spec, command: home.exits(3) });
      home.processes.onExit(ref, (exit) => exits.push(exit));
      await eventually(home, () => exits.length > 0);
      await home.tick();
      expect(exits).toEqual([{ ref, code: 3, signal: null }]);
    });

    test("an exit that was before is told too", async () => {
      const exits: Exit[] = [];
      const ref = await home.processes.start({ ...spec, command: home.exits(0) });
      await eventually(home, async () => !(await home.processes.alive(ref)));
      home.processes.onExit(ref, (exit) => exits.push(exit));
      await eventually(home, () => exits.length > 0);
      expect(exits[0]?.ref).toEqual(ref);
    });

    test("nobody is told who has cancelled", async () => {
      const told: string[] = [];
      const ref = await home.processes.start(spec);
      const cancel = home.processes.onExit(ref, () => told.push("cancelled"));
      home.processes.onExit(ref, () => told.push("kept"));
      cancel();
      await home.processes.stop(ref, 1_000);
      await eventually(home, () => told.length > 0);
      expect(told).toEqual(["kept"]);
    });

    test("a command ends with its code and the last bytes of its output", async () => {
      const base = { cwd: home.cwd, env: {}, deadlineMs: 10_000, maxOutputBytes: 4 };
      expect(await home.processes.run({ ...base, command: home.exits(7) })).toMatchObject({ kind: "exited", code: 7 });
      expect(await home.processes.run({ ...base, command: home.says("abcdefgh") })).toMatchObject({ kind: "exited", code: 0, output: "efgh" });
      expect(await home.processes.run({ ...base, command: ["missing"] })).toMatchObject({ kind: "not_started" });
    });

    test("a command past its deadline is killed", async () => {
      expect(await home.processes.run({ command: home.stays, cwd: home.cwd, env: {}, deadlineMs: 50, maxOutputBytes: 100 })).toMatchObject({ kind: "killed", reason: "deadline" });
    });

    test("a command is not begun once it was called off", async () => {
      const command = { command: home.stays, cwd: home.cwd, env: {}, deadlineMs: 10_000, maxOutputBytes: 100, signal: AbortSignal.abort() };
      expect(await home.processes.run(command)).toMatchObject({ kind: "not_started" });
    });
  });
}
