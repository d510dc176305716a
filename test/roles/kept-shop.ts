/** The real daemon in a process of its own, keeping a tiny shop. */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { LedgerEntry } from "../../src/core/ledger-entry.ts";
import type { Snapshot } from "../../src/core/snapshot.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const MAIN = join(ROOT, "src", "main.ts");
const SHOP = join(import.meta.dirname, "tiny-shop.ts");

/** Everything here happens on one host; a minute is for a machine that is busy with other suites. */
const PATIENCE_MS = 45_000;

export const TOKEN = "operator-token-of-the-test";

export type LogLine = Readonly<Record<string, unknown>> & { readonly level: number; readonly msg: string; readonly event?: string; readonly taken?: boolean; readonly errors?: readonly string[] };

export type Ports = { readonly ingress: number; readonly health: number; readonly admin: number };

export type KeptShop = {
  readonly folder: string;
  readonly appPort: number;
  readonly child: ChildProcess;
  /** As the log told them last: those configured as 0 may change with the configuration. */
  ports(): Ports;
  /** All that was written to both outputs so far. */
  output(): string;
  log(): readonly LogLine[];
  /** Writes a file of the configuration. */
  write(name: string, text: string): Promise<void>;
  status(): Promise<Snapshot>;
  ledger(): Promise<readonly LedgerEntry[]>;
  /** Gives the daemon an order of ada's. */
  order(path: string, body: object): Promise<unknown>;
  page(path: string): Promise<{ readonly status: number; readonly text: string; readonly cache: string | null }>;
  appPid(): Promise<number>;
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>;
};

export type ShopOptions = {
  readonly site?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, string>>;
};

/** `extra` goes to the end of the file. */
export function siteFile(appPort: number, extra = "", gateway = ""): string {
  return `site: tiny
targets:
  app:
    url: http://127.0.0.1:${appPort}
    process:
      command: [${JSON.stringify(process.execPath)}, ${JSON.stringify(SHOP)}, "${appPort}"]
      log_file: app.log
      env: { SHOP_SECRET: "\${SHOP_SECRET}" }
gateway:
  listen: 127.0.0.1:0
${gateway}listeners: { health: "127.0.0.1:0", admin: "127.0.0.1:0" }
connectivity: []
tokens:
  ada: { role: operator, value: "\${ADA_TOKEN}" }
${extra}`;
}

export function checkFile(interval: string): string {
  return `name: application
probe: http
endpoint: /health
interval: ${interval}
timeout: 500ms
checks:
  http_status: "200 OK"
`;
}

/** Starts it in a folder of its own and waits until it has started. */
export async function keepShop(options: ShopOptions = {}): Promise<KeptShop> {
  const folder = await mkdtemp(join(tmpdir(), "shopkeeper-kept-"));
  const appPort = await freePort();
  const write = async (name: string, text: string): Promise<void> => {
    await mkdir(join(folder, name, ".."), { recursive: true });
    await writeFile(join(folder, name), text);
  };
  await write("shopkeeper.yaml", siteFile(appPort, options.site));
  for (const [name, text] of Object.entries(options.files ?? { "checks/application.yaml": checkFile("1s") })) await write(name, text);
  const { child, output } = runDaemon(folder, { ADA_TOKEN: TOKEN, SHOP_SECRET: "of the shop", ...options.env });
  const log = (): readonly LogLine[] => linesOf(output());
  await until("the daemon has started", () => {
    if (child.exitCode !== null) throw new Error(`the daemon ended with ${child.exitCode}: ${output()}`);
    return log().find((line) => line.event === "started");
  });
  const ports = (): Ports => {
    const told = log().findLast((line) => typeof line["admin"] === "number");
    return { ingress: Number(told?.["ingress"]), health: Number(told?.["health"]), admin: Number(told?.["admin"]) };
  };
  const api = async (path: string, body?: object): Promise<unknown> => {
    const authorization = `Bearer ${options.env?.["ADA_TOKEN"] ?? TOKEN}`;
    const sent = body === undefined ? { headers: { authorization } } : { method: "POST", headers: { authorization, "content-type": "application/json" }, body: JSON.stringify(body) };
    const response = await fetch(`http://127.0.0.1:${ports().admin}/api/v1/${path}`, { ...sent, signal: AbortSignal.timeout(5_000) });
    return response.json();
  };
  const page: KeptShop["page"] = async (path) => {
    const response = await fetch(`http://127.0.0.1:${ports().ingress}${path}`, { signal: AbortSignal.timeout(20_000) });
    return { status: response.status, text: await response.text(), cache: response.headers.get("x-cache-status") };
  };
  return {
    folder, appPort, child, ports, output, log, write, page,
    status: async () => (await api("status")) as Snapshot,
    order: api,
    ledger: async () => ((await api("ledger")) as { entries: LedgerEntry[] }).entries,
    appPid: async () => Number(await (await fetch(`http://127.0.0.1:${appPort}/pid`, { signal: AbortSignal.timeout(5_000) })).text()),
    stop: () => stopped(child),
  };
}

/** The daemon as a process; both outputs are kept. */
export function runDaemon(folder: string, env: Readonly<Record<string, string>>, args: readonly string[] = []): { readonly child: ChildProcess; readonly output: () => string } {
  let text = "";
  const child = spawn(process.execPath, [MAIN, "run", ...args], { cwd: folder, env: { PATH: process.env["PATH"] ?? "", HOME: folder, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  return { child, output: () => text };
}

/** Ends the daemon, the shop it leaves running, and the folder. */
export async function endShop(shop: KeptShop): Promise<void> {
  await stopped(shop.child);
  const pid = await shop.appPid().catch(() => null);
  if (pid !== null) process.kill(pid, "SIGKILL");
  await rm(shop.folder, { recursive: true, force: true });
}

export async function stopped(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = new Promise((resolve) => child.once("exit", resolve));
    const insist = setTimeout(() => child.kill("SIGKILL"), 30_000);
    child.kill("SIGTERM");
    await ended;
    clearTimeout(insist);
  }
  return child.exitCode;
}

/** Asks until there is an answer. Rejects with what was waited for. */
export async function until<T>(what: string, ask: () => T | undefined | Promise<T | undefined>): Promise<T> {
  const end = performance.now() + PATIENCE_MS;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > end) throw new Error(`waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** A port nobody listens on, below those the kernel gives away: so nobody gets it before the shop does. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    const server = createServer();
    const free = await new Promise<boolean>((resolve) => server.once("error", () => resolve(false)).listen(port, "127.0.0.1", () => resolve(true)));
    if (!free) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}

function linesOf(text: string): readonly LogLine[] {
  // The last line may be half written.
  return text.split("\n").slice(0, -1).flatMap((line) => (line.startsWith("{") ? [JSON.parse(line) as LogLine] : []));
}
