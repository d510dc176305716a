/**
 * The real daemon as a child process: `node src/main.ts run --config …` on a
 * configuration in a scratch folder, everything on 127.0.0.1.
 *
 * The folder outlives a daemon, so that a second one can be started where the first
 * was killed. What the daemon wrote is shown when the test fails.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect } from "vitest";
import { createLocalProcesses } from "../../../src/adapters/local-processes.ts";
import { createSystemClock } from "../../../src/adapters/system-clock.ts";
import type { LedgerEntry } from "../../../src/core/ledger-entry.ts";
import type { Snapshot } from "../../../src/core/snapshot.ts";

const MAIN = path.join(import.meta.dirname, "../../../src/main.ts");
/** Far beyond the second or two a start needs on an idle machine. */
const START_TIMEOUT_MS = 60_000;
const POLL_MS = 50;
/** From SIGTERM to SIGKILL: a daemon that drains for its 10 s must have ended by then. */
const STOP_TIMEOUT_MS = 15_000;
const ASK_TIMEOUT_MS = 5_000;
/** Characters of the log shown when a test fails. */
const LOG_TAIL = 8_000;
/** What the configuration calls the token; its value stands in the environment only. */
const TOKEN = "test-operator-token-0123456789";

/** Lines every configuration of a test needs: its own ports (0: any free one), a token by reference, and no reference addresses beyond this machine. */
export function listeners({ health = 0, admin = 0 }: { readonly health?: number; readonly admin?: number } = {}): string {
  return `listeners:
  health: 127.0.0.1:${health}
  admin: 127.0.0.1:${admin}
connectivity: []
tokens:
  test: { role: operator, value: "\${SHOPKEEPER_TEST_TOKEN}" }
`;
}

export type Exit = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

/** A folder with a configuration, and the children daemons have started from it. */
export type Installation = AsyncDisposable & {
  readonly folder: string;
  /** The end of what its daemons wrote. */
  readonly log: () => string;
  /** Pids of the processes kept for a target, as a daemon would find them. */
  readonly pids: (target: string) => Promise<readonly number[]>;
};

/** The test's own `onTestFailed`: tests that run at the same time have one each. */
export type OnFailed = (tell: () => void) => void;

/**
 * Writes `shopkeeper.yaml` and further files into a scratch folder. Disposing removes it and
 * ends every child that still runs for it.
 *
 * @param files by path in the folder; `shopkeeper.yaml` says `site: SITE`.
 */
export async function createInstallation(site: string, files: Readonly<Record<string, string>>, onTestFailed: OnFailed): Promise<Installation> {
  const folder = await mkdtemp(path.join(tmpdir(), "shopkeeper-e2e-"));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await writeFile(path.join(folder, name), text);
  }
  const processes = createLocalProcesses({ clock: createSystemClock(), env: process.env });
  const find = (target: string): ReturnType<typeof processes.find> => processes.find(`${site}/${target}@${folder}`);
  const log = (): string => read(path.join(folder, "daemon.log")).slice(-LOG_TAIL);
  let last = "";
  onTestFailed(() => void process.stderr.write(`\n--- the end of ${site}'s log\n${last === "" ? log() : last}---\n`));
  return {
    folder,
    log,
    pids: async (target) => (await find(target)).map(({ ref }) => ref.pid),
    [Symbol.asyncDispose]: async () => {
      last = log();
      for (const { ref } of await find("app")) await processes.stop(ref, 1_000);
      processes.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

/** Any run of the program, to its end or to a signal. */
export type Program = {
  readonly pid: number;
  readonly exited: Promise<Exit>;
  readonly kill: (signal: NodeJS.Signals) => void;
};

/**
 * Starts `shopkeeper run` on an installation; says nothing about whether it comes up.
 *
 * @param main the program; default: the source's.
 */
export function runShopkeeper({ folder }: Installation, main = MAIN): Program {
  const output = openSync(path.join(folder, "daemon.log"), "a");
  const { PATH = "", HOME = "" } = process.env;
  const child = spawn(process.execPath, [main, "run", "--config", path.join(folder, "shopkeeper.yaml")], {
    cwd: folder,
    env: { PATH, HOME, SHOPKEEPER_TEST_TOKEN: TOKEN },
    stdio: ["ignore", output, output],
  });
  closeSync(output);
  const exited = new Promise<Exit>((resolve) => child.once("exit", (code, signal) => resolve({ code, signal })));
  // A test run that is cut short leaves no daemon behind.
  const reap = (): void => void child.kill("SIGTERM");
  process.once("exit", reap);
  void exited.then(() => process.off("exit", reap));
  return { pid: child.pid ?? 0, exited, kill: (signal) => void child.kill(signal) };
}

export type Daemon = AsyncDisposable &
  Program & {
    /** Where buyers come in, without a trailing slash; "" without a gateway. */
    readonly url: string;
    readonly healthUrl: string;
    readonly status: () => Promise<Snapshot>;
    /** Every entry of the ledger, oldest first. */
    readonly ledger: () => Promise<readonly LedgerEntry[]>;
    /** Prometheus text. */
    readonly metrics: () => Promise<string>;
    /** SIGTERM, and its end; SIGKILL after 15 s. */
    readonly stop: () => Promise<Exit>;
  };

/**
 * Starts a daemon and waits until it says that it is ready.
 *
 * @throws {Error} when it ends, or is not ready after a minute.
 */
export async function startDaemon(installation: Installation, main = MAIN): Promise<Daemon> {
  const before = startedLines(installation).length;
  const program = runShopkeeper(installation, main);
  let ended: Exit | null = null;
  void program.exited.then((exit) => (ended = exit));
  const stop = async (): Promise<Exit> => {
    program.kill("SIGTERM");
    const late = setTimeout(() => program.kill("SIGKILL"), STOP_TIMEOUT_MS);
    const exit = await program.exited;
    clearTimeout(late);
    return exit;
  };
  try {
    const ports = await until("the daemon says that it has started", () => {
      if (ended !== null) throw new Error(`the daemon ended: ${JSON.stringify(ended)}\n${installation.log()}`);
      const line = startedLines(installation)[before];
      return line === undefined ? null : (JSON.parse(line) as Ports);
    });
    const healthUrl = `http://127.0.0.1:${ports.health}`;
    const admin = `http://127.0.0.1:${ports.admin}`;
    await until("the daemon is ready", async () => (await fetch(`${healthUrl}/health/ready`, deadline())).ok);
    return {
      ...program,
      url: ports.ingress === null ? "" : `http://127.0.0.1:${ports.ingress}`,
      healthUrl,
      status: async () => (await ask(`${admin}/api/v1/status`)) as Snapshot,
      ledger: async () => ((await ask(`${admin}/api/v1/ledger?since=0&limit=10000`)) as { entries: readonly LedgerEntry[] }).entries,
      metrics: async () => await (await fetch(`${healthUrl}/metrics`, deadline())).text(),
      stop,
      [Symbol.asyncDispose]: async () => void (await stop()),
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

type Ports = { readonly ingress: number | null; readonly health: number; readonly admin: number };

/** The lines in which daemons of this folder told their ports, one a start. */
function startedLines({ folder }: Installation): readonly string[] {
  return read(path.join(folder, "daemon.log")).split("\n").filter((line) => line.includes('"event":"started"'));
}

function deadline(): RequestInit {
  return { signal: AbortSignal.timeout(ASK_TIMEOUT_MS) };
}

async function ask(url: string): Promise<unknown> {
  const response = await fetch(url, { ...deadline(), headers: { authorization: `Bearer ${TOKEN}` } });
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
  return await response.json();
}

/**
 * Polls until `look` gives something true, and returns it. A look that throws is a failure.
 *
 * @throws {Error} with `what` when it has not come true in time.
 */
export async function until<T>(what: string, look: () => T | Promise<T>, withinMs = START_TIMEOUT_MS): Promise<Exclude<T, null | undefined | false | 0>> {
  const end = performance.now() + withinMs;
  for (;;) {
    const seen = await look();
    if (seen !== null && seen !== undefined && seen !== false && seen !== 0) return seen as Exclude<T, null | undefined | false | 0>;
    if (performance.now() > end) expect.fail(`waited ${withinMs} ms in vain until ${what}`);
    await pause(POLL_MS);
  }
}

/** Ports of 127.0.0.1 that were free a moment ago, all different. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers: Server[] = [];
  for (let made = 0; made < count; made += 1) {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    servers.push(server);
  }
  const ports = servers.map((server) => {
    const address = server.address();
    if (address === null || typeof address === "string") throw new TypeError("not a TCP listener");
    return address.port;
  });
  await Promise.all(servers.map((server) => once(server.close(), "close")));
  return ports;
}

/** Is there such a process, zombies aside? */
export function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return false;
  }
}
