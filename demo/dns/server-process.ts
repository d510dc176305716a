/** A server of Debian's packages as an unprivileged process of its own, on loopback ports, in a folder of its own. */
import { spawn, type ChildProcess } from "node:child_process";
import { accessSync, chownSync, constants, mkdtempSync, rmSync } from "node:fs";
import { createSocket } from "node:dgram";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

/** Debian's "nobody". */
const NOBODY = 65_534;
const START_MS = 10_000;
const STEP_MS = 20;

/** The path of a program, in the system's folders too; null: it is not installed. */
export function programPath(name: string): string | null {
  for (const folder of [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/usr/bin", "/sbin"]) {
    const file = join(folder, name);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // Not in this folder; the next one may have it.
    }
  }
  return null;
}

export type OwnFolder = { readonly path: string; remove(): void };

/** A folder that the server may write to, whoever starts it. */
export function ownFolder(name: string): OwnFolder {
  const path = mkdtempSync(join(tmpdir(), `shopkeeper-${name}-`));
  if (process.getuid?.() === 0) chownSync(path, NOBODY, NOBODY);
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Hands a file made by us to the server. */
export function giveToServer(file: string): void {
  if (process.getuid?.() === 0) chownSync(file, NOBODY, NOBODY);
}

/** A loopback port that is free for TCP and for UDP. */
export async function freeDnsPort(): Promise<number> {
  for (let attempt = 0; attempt < 20; attempt++) {
    const tcp = createServer();
    await new Promise<void>((resolve, reject) => tcp.once("error", reject).listen(0, "127.0.0.1", resolve));
    const { port } = tcp.address() as AddressInfo;
    const udp = createSocket("udp4");
    const free = await new Promise<boolean>((resolve) => udp.once("error", () => resolve(false)).bind(port, "127.0.0.1", () => resolve(true)));
    await Promise.all([new Promise((resolve) => tcp.close(resolve)), new Promise<void>((resolve) => (free ? udp.close(resolve) : resolve()))]);
    if (free) return port;
  }
  throw new Error("no port of the loopback is free for both TCP and UDP");
}

/** All that runs; ended with us, however we end. */
const alive = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of alive) child.kill("SIGKILL");
});

export type ServerProcess = { readonly pid: number; stop(): Promise<void> };

/** @param ready asked again and again until it says so. @throws {Error} with what the server said, where it ends or does not get ready. */
export async function startServer(program: string, args: readonly string[], ready: () => Promise<boolean>): Promise<ServerProcess> {
  const path = programPath(program);
  if (path === null) throw new Error(`${program} is not installed`);
  const identity = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
  const child = spawn(path, args, { stdio: ["ignore", "pipe", "pipe"], ...identity });
  let said = "";
  const keep = (chunk: Buffer): void => void (said = (said + chunk.toString()).slice(-2_000));
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  child.on("error", (error) => (said += error.message));
  alive.add(child);
  const stop = async (): Promise<void> => {
    await ended(child);
    alive.delete(child);
  };
  const deadline = performance.now() + START_MS;
  while (!(await ready())) {
    if (child.exitCode !== null || child.pid === undefined || performance.now() > deadline) {
      await stop();
      throw new Error(`${program} did not get ready: ${said}`);
    }
    await new Promise((resolve) => setTimeout(resolve, STEP_MS));
  }
  return { pid: child.pid ?? 0, stop };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await gone;
}
