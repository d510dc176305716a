/**
 * Emulators of AWS that are written in Python: found where they are installed, else put into a virtual environment in our cache.
 */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { homedir } from "node:os";
import { join } from "node:path";
import { freePort, until } from "./faulty-server.ts";
import { findProgram } from "./provide-servers.ts";

export type Emulator = "moto_server" | "ministack";

/** What pip installs it by. */
const PACKAGES: Readonly<Record<Emulator, string>> = { moto_server: "moto[server,route53]==5.2.5", ministack: "ministack==1.5.33" };
const INSTALL_TIMEOUT_MS = 300_000;
const START_TIMEOUT_MS = 45_000;

const environment = (name: Emulator): string => join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "shopkeeper-python", PACKAGES[name].replaceAll(/[^a-z0-9.=]+/g, "-"));

/** null: it is not on this machine. */
export function findEmulator(name: Emulator): string | null {
  const own = join(environment(name), "bin", name);
  return existsSync(own) ? own : findProgram(name);
}

/** @returns why it cannot be had; null: it can. */
export function provideEmulator(name: Emulator): string | null {
  if (findEmulator(name) !== null) return null;
  if (findProgram("python3") === null) return "python3 is not installed: apt-get install python3-venv";
  process.stdout.write(`\n== installing ${PACKAGES[name]} into a virtual environment\n`);
  const folder = environment(name);
  const steps = [["python3", "-m", "venv", folder], [join(folder, "bin/pip"), "install", "--quiet", "--disable-pip-version-check", PACKAGES[name]]] as const;
  for (const [program, ...args] of steps) {
    const { status } = spawnSync(program, args, { stdio: ["ignore", "ignore", "inherit"], timeout: INSTALL_TIMEOUT_MS });
    if (status !== 0) {
      // Half an environment would be taken for a whole one.
      rmSync(folder, { recursive: true, force: true });
      return `"${[program.split("/").at(-1), ...args.slice(0, 2)].join(" ")}" failed`;
    }
  }
  return findEmulator(name) === null ? `${PACKAGES[name]} brought no ${name}` : null;
}

export type RunningEmulator = AsyncDisposable & { readonly url: string };

/** On loopback, with nothing beside: no containers, no further listeners, no folders. Resolves once its port is open. */
export async function startEmulator(name: Emulator): Promise<RunningEmulator> {
  const program = findEmulator(name);
  if (program === null) throw new Error(`${name} is not on this machine`);
  const port = await freePort();
  const args = name === "moto_server" ? ["-H", "127.0.0.1", "-p", String(port)] : [];
  const { PATH = "", HOME = "" } = process.env;
  const alone = { BIND_HOST: "127.0.0.1", GATEWAY_PORT: String(port), SERVICES: "route53", DOCKER_HOST: "unix:///nonexistent", IOT_MTLS_ENABLED: "0", SFTP_ENABLED: "0" };
  const child = spawn(program, args, { stdio: "ignore", env: { PATH, HOME, ...alone } });
  const running = { url: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: () => ended(child) };
  try {
    await until(() => isOpen(port), `${name} to listen`, START_TIMEOUT_MS);
  } catch (error) {
    await running[Symbol.asyncDispose]();
    throw error;
  }
  return running;
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => (socket.destroy(), resolve(true)));
    socket.once("error", () => resolve(false));
  });
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once("exit", () => resolve());
    child.kill("SIGKILL");
  });
}
