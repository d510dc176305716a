/**
 * systemd does not run where these tests run. So systemctl is a stand-in on PATH, a script that keeps
 * its units in a folder; what the real `systemctl show` prints is tested as text.
 */
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import * as os from "node:os";
import * as path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createLocalProcesses } from "../../src/adapters/local-processes.ts";
import { createSystemClock } from "../../src/adapters/system-clock.ts";
import { createSystemdUnits, parseUnit } from "../../src/adapters/systemd-units.ts";
import type { Units } from "../../src/ports/units.ts";

/** Prints what it was asked into `calls`; a unit is a file of its properties; `restart` counts in its InvocationID. */
const STAND_IN = `#!/bin/sh
cd "$(dirname "$0")" || exit 1
echo "$*" >> calls
for unit in "$@"; do :; done
case "$*" in
  *" show "*)
    if [ -f "$unit" ]; then cat "$unit"; else printf 'LoadState=not-found\\nActiveState=inactive\\nSubState=dead\\nMainPID=0\\nInvocationID=\\n'; fi ;;
  *" restart "*)
    [ "$unit" = locked.service ] && { echo "Failed to restart locked.service: Access denied" >&2; exit 4; }
    [ "$unit" = slow.service ] && exec sleep 600
    [ "$unit" = broken.service ] && { echo "Job for broken.service failed." >&2; exit 1; }
    [ -f "$unit" ] || { echo "Failed to restart $unit: Unit $unit not found." >&2; exit 5; }
    printf 'LoadState=loaded\\nActiveState=active\\nSubState=running\\nMainPID=4711\\nInvocationID=second\\n' > "$unit" ;;
esac
`;

let folder: string;
let units: Units;

beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "shopkeeper-systemd-"));
  await writeFile(path.join(folder, "systemctl"), STAND_IN);
  await chmod(path.join(folder, "systemctl"), 0o755);
  await writeFile(path.join(folder, "shop.service"), "LoadState=loaded\nActiveState=active\nSubState=running\nMainPID=42\nInvocationID=first\n");
  units = createSystemdUnits({ processes: createLocalProcesses({ clock: createSystemClock(), env: { PATH: `${folder}:/usr/bin:/bin` } }) });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const calls = async (): Promise<readonly string[]> => (await readFile(path.join(folder, "calls"), "utf8")).trim().split("\n");

describe("through systemctl", () => {
  test("a unit's state is read, and after a restart it is another invocation", async () => {
    expect(await units.state("shop.service")).toEqual({ active: "active", sub: "running", mainPid: 42, invocationId: "first" });
    await units.restart("shop.service", 5_000);
    expect(await units.state("shop.service")).toMatchObject({ mainPid: 4711, invocationId: "second" });
    expect((await calls())[1]).toBe("--system --no-ask-password --no-pager restart -- shop.service");
  });

  test("a unit that looks like an option is only a name", async () => {
    await expect(units.restart("--force", 5_000)).rejects.toMatchObject({ code: "NOT_FOUND" });
    expect((await calls())[0]).toMatch(/ -- --force$/);
  });

  test("what is not there, not allowed, or fails says which", async () => {
    await expect(units.state("nothing.service")).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(units.restart("nothing.service", 5_000)).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(units.restart("locked.service", 5_000)).rejects.toMatchObject({ code: "DENIED", message: expect.stringContaining("Access denied") });
    await expect(units.restart("broken.service", 5_000)).rejects.toMatchObject({ code: "UNAVAILABLE", message: expect.stringContaining("Job for broken.service failed") });
  });

  test("no answer within the deadline is no answer", async () => {
    await expect(units.restart("slow.service", 200)).rejects.toMatchObject({ code: "UNAVAILABLE" });
  });

  test("no systemctl at all is unavailable", async () => {
    const none = createSystemdUnits({ processes: createLocalProcesses({ clock: createSystemClock(), env: { PATH: path.join(folder, "empty") } }) });
    await expect(none.state("shop.service")).rejects.toMatchObject({ code: "UNAVAILABLE" });
  });
});

describe("what systemctl show prints (systemd 252)", () => {
  test("a running service", () => {
    const shown = "MainPID=812\nLoadState=loaded\nActiveState=active\nSubState=running\nInvocationID=5a3f0c1e9b7d4d0f8a2c6e4b1d9f7a30\n";
    expect(parseUnit("nginx.service", shown)).toEqual({ active: "active", sub: "running", mainPid: 812, invocationId: "5a3f0c1e9b7d4d0f8a2c6e4b1d9f7a30" });
  });

  test("one that waits to be restarted by systemd has no process", () => {
    const shown = "MainPID=0\nLoadState=loaded\nActiveState=activating\nSubState=auto-restart\nInvocationID=5a3f0c1e9b7d4d0f8a2c6e4b1d9f7a30\n";
    expect(parseUnit("shop.service", shown)).toMatchObject({ active: "activating", sub: "auto-restart", mainPid: 0 });
  });

  test("one that never ran, and words we have not met", () => {
    expect(parseUnit("shop.service", "MainPID=0\nLoadState=loaded\nActiveState=inactive\nSubState=dead\nInvocationID=\n")).toEqual({ active: "inactive", sub: "dead", mainPid: 0, invocationId: "" });
    expect(parseUnit("shop.service", "ActiveState=hibernating\n").active).toBe("unknown");
  });

  test("an unknown unit, and nothing at all", () => {
    expect(() => parseUnit("x.service", "MainPID=0\nLoadState=not-found\nActiveState=inactive\nSubState=dead\n")).toThrow(expect.objectContaining({ code: "NOT_FOUND" }));
    expect(() => parseUnit("x.service", "")).toThrow(expect.objectContaining({ code: "UNAVAILABLE" }));
  });
});
