/** A real redis-server of Debian's package, started by the test that needs it. */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { connect } from "node:net";
import { until } from "./faulty-server.ts";

const BINARY = "/usr/bin/redis-server";

export const redisInstalled = existsSync(BINARY);

/** Starts it on a port of the loopback and waits until it accepts. Nothing is written to disk. */
export async function startRedis(port: number, ...options: readonly string[]): Promise<ChildProcess> {
  const child = spawn(BINARY, ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--daemonize", "no", ...options], { stdio: "ignore" });
  await until(() => accepts(port), `redis-server listens on ${port}`);
  return child;
}

/** Ends a child for good and waits until it is gone. */
export async function killChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await gone;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}
