/**
 * The real storefront as a process: started, broken and stopped by tests.
 *
 * Everything listens on 127.0.0.1. A storefront that dies by itself is a result,
 * not an error: `exited` says how.
 */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import path from "node:path";
import { createInterface } from "node:readline";
import type { Starter } from "./build-starter.ts";

/** How long a storefront may take to listen; far beyond the second it needs on an idle machine. */
const START_TIMEOUT_MS = 60_000;
/** From SIGTERM to SIGKILL. */
const STOP_TIMEOUT_MS = 6_000;
/** Only the end of what it wrote to standard error is kept. */
const ERRORS_CHARACTERS = 8_000;

export type StorefrontOptions = {
  readonly starter: Starter;
  /** Where its Storefront API calls go: the simulator, or a gateway in front of it. */
  readonly simulator: { readonly url: string };
  /** 0, the default, takes a free port. */
  readonly port?: number;
  /** Added to the process's environment, such as `PUBLIC_CHECKOUT_DOMAIN`. */
  readonly env?: Readonly<Record<string, string>>;
};

/** How a process ended: an exit code, or the signal that ended it. */
export type Exit = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

export type Storefront = AsyncDisposable & {
  /** `http://127.0.0.1:<port>`, without a trailing slash. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly process: ChildProcess;
  /** Settles when the process has ended, for whatever reason. */
  readonly exited: Promise<Exit>;
  /** The last 8,000 characters it wrote to standard error. */
  readonly errors: () => string;
  /** Empties the application's own cache, as a restart would. */
  readonly flush: () => Promise<void>;
  /** SIGKILL, and its end. */
  readonly kill: () => Promise<Exit>;
  /** SIGSTOP: it keeps its sockets and answers nothing. */
  readonly freeze: () => void;
  /** SIGCONT. */
  readonly thaw: () => void;
  /** SIGTERM, then SIGKILL after 6 s; does nothing to a process that has ended. */
  readonly stop: () => Promise<Exit>;
};

/** An argument vector that runs a storefront, for whoever starts the process themselves. Prints one line of JSON when it listens. */
export function storefrontCommand(options: Omit<StorefrontOptions, "env">): readonly [command: string, ...args: string[]] {
  const { starter, simulator, port = 0 } = options;
  const host = path.join(import.meta.dirname, "host.ts");
  return [process.execPath, host, "--app", starter.folder, "--storefront-origin", simulator.url, "--port", String(port)];
}

/**
 * Starts a storefront with an empty cache, and waits until it listens.
 *
 * @throws {Error} when it ends, or has not listened after a minute; with what it wrote to standard error.
 */
export async function startStorefront(options: StorefrontOptions): Promise<Storefront> {
  const [command, ...args] = storefrontCommand(options);
  const { PATH = "", HOME = "" } = process.env;
  const child = spawn(command, args, { env: { PATH, HOME, ...options.env }, stdio: ["ignore", "pipe", "pipe"] });
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => {
    errors = (errors + chunk.toString()).slice(-ERRORS_CHARACTERS);
  });
  const exited = new Promise<Exit>((resolve) => child.once("exit", (code, signal) => resolve({ code, signal })));
  // A test run that is cut short leaves no storefront behind.
  const reap = (): void => void child.kill("SIGKILL");
  process.once("exit", reap);
  void exited.then(() => process.off("exit", reap));
  const lines = createInterface(child.stdout);
  try {
    const { url, pid } = await listening(lines, exited);
    return { ...controls(child, exited), url, pid, port: Number(new URL(url).port), errors: () => errors, flush: () => flush(url) };
  } catch (error) {
    child.kill("SIGKILL");
    throw new Error(`the storefront did not start: ${String(error)}\n${errors}`, { cause: error });
  }
}

async function listening(lines: ReturnType<typeof createInterface>, exited: Promise<Exit>): Promise<{ url: string; pid: number }> {
  const ended = exited.then(({ code, signal }) => Promise.reject(new Error(`it ended with ${signal ?? code}`)));
  // Lost races must not be unhandled: every storefront ends one day.
  ended.catch(() => undefined);
  const deadline = AbortSignal.timeout(START_TIMEOUT_MS);
  const [line] = await Promise.race([once(lines, "line", { signal: deadline }), ended]);
  lines.resume();
  return JSON.parse(String(line)) as { url: string; pid: number };
}

type Controls = Pick<Storefront, "process" | "exited" | "kill" | "freeze" | "thaw" | "stop" | typeof Symbol.asyncDispose>;

function controls(child: ChildProcess, exited: Promise<Exit>): Controls {
  const kill = (): Promise<Exit> => {
    child.kill("SIGKILL");
    return exited;
  };
  const stop = async (): Promise<Exit> => {
    child.kill("SIGTERM");
    // A frozen process takes its SIGTERM only once it runs again.
    child.kill("SIGCONT");
    const late = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
    const exit = await exited;
    clearTimeout(late);
    return exit;
  };
  return {
    process: child,
    exited,
    kill,
    stop,
    freeze: () => void child.kill("SIGSTOP"),
    thaw: () => void child.kill("SIGCONT"),
    [Symbol.asyncDispose]: async () => void (await stop()),
  };
}

async function flush(url: string): Promise<void> {
  const response = await fetch(`${url}/__app/flush`, { method: "POST", signal: AbortSignal.timeout(5_000) });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`flush answered ${response.status}`);
}

/** A port of 127.0.0.1 that was free a moment ago, for a process that must be restarted on the same one. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("not a TCP listener");
  server.close();
  await once(server, "close");
  return address.port;
}
