/**
 * The two twins of one fault: an application behind Shopkeeper, and the same application bare.
 * Each has a Storefront API simulator of its own.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import net from "node:net";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { PAGES } from "./catalogue.ts";

/** What a fault needs of either twin. */
export type Twin = {
  readonly appUrl: string;
  readonly apiUrl: string;
  /** Where buyers go. */
  readonly shopUrl: string;
  appPid(): Promise<number>;
};

export type Bare = Twin & { stop(): Promise<void> };
export type Kept = Twin & { readonly adminUrl: string; readonly token: string; readonly folder: string; stop(): Promise<void> };

const HERE = fileURLToPath(new URL(".", import.meta.url));
const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** The daemon's configuration. `mode: act` arms the restart policy, which ships in observe mode; the connectivity guard is off, since all is on this host. */
function configuration(name: string, ports: Ports): string {
  return `site: demo-${name}
targets:
  app:
    url: http://127.0.0.1:${ports.app}
    process:
      command: [${JSON.stringify(process.execPath)}, ${JSON.stringify(join(HERE, "storefront.ts"))}, "--port", "${ports.app}", "--api", "http://127.0.0.1:${ports.api}"]
      log_file: app.log
      on_exit: stop
storefront:
  origin: http://127.0.0.1:${ports.api}
  api_version: "2026-04"
gateway:
  preset: hydrogen-react-router
  listen: 127.0.0.1:${ports.ingress}
  hosts: ["127.0.0.1:${ports.ingress}", "localhost:${ports.ingress}"]
  warm: [${PAGES.map((page) => JSON.stringify(page)).join(", ")}]
listeners:
  health: 127.0.0.1:${ports.health}
  admin: 127.0.0.1:${ports.admin}
connectivity: []
tokens:
  demo: { role: operator, value: "\${DEMO_TOKEN}" }
`;
}

const POLICY = `# yaml-language-server: $schema=../../schemas/policy.schema.json
name: pod_restart
trigger: application fails 3 consecutive times or page fails 3 consecutive times
action: restart_pod
mode: act
`;

type Ports = { readonly app: number; readonly api: number; readonly ingress: number; readonly health: number; readonly admin: number };

/** Starts the application behind the daemon; resolves once buyers are answered through the gateway. */
export async function startKept(folder: string): Promise<Kept> {
  const [app, api, ingress, health, admin] = await freePorts(5);
  const ports: Ports = { app: app ?? 0, api: api ?? 0, ingress: ingress ?? 0, health: health ?? 0, admin: admin ?? 0 };
  await mkdir(join(folder, "policies"), { recursive: true });
  await writeFile(join(folder, "shopkeeper.yaml"), configuration(basename(folder), ports));
  await writeFile(join(folder, "policies", "pod_restart.yaml"), POLICY);
  const token = `demo-${ports.admin}-${process.pid}`;
  const simulator = node(join(HERE, "simulator.ts"), ["--port", String(ports.api)], folder, {});
  const daemon = node(join(ROOT, "src", "main.ts"), ["run", "--config", join(folder, "shopkeeper.yaml")], folder, { DEMO_TOKEN: token });
  const twin = { appUrl: `http://127.0.0.1:${ports.app}`, apiUrl: `http://127.0.0.1:${ports.api}`, shopUrl: `http://127.0.0.1:${ports.ingress}`, adminUrl: `http://127.0.0.1:${ports.admin}`, token, folder };
  return {
    ...twin,
    appPid: async () => Number(await (await fetch(`${twin.appUrl}/__demo/pid`, { signal: AbortSignal.timeout(5_000) })).text()),
    async stop() {
      await ended(daemon);
      await ended(simulator);
      await endLeftover(twin.appUrl);
    },
  };
}

/** The daemon ends its application with itself; one that had to be killed could not. Whoever answers on our port is ours. */
async function endLeftover(appUrl: string): Promise<void> {
  try {
    const answer = await fetch(`${appUrl}/__demo/pid`, { signal: AbortSignal.timeout(1_000) });
    process.kill(Number(await answer.text()), "SIGKILL");
  } catch {
    // Nobody is left: as it should be.
  }
}

/** Starts the bare twin: the same application, nobody before or behind it. */
export async function startBare(folder: string): Promise<Bare> {
  const [app, api] = await freePorts(2);
  await mkdir(folder, { recursive: true });
  const simulator = node(join(HERE, "simulator.ts"), ["--port", String(api)], folder, {});
  const storefront = node(join(HERE, "storefront.ts"), ["--port", String(app), "--api", `http://127.0.0.1:${api}`], folder, {});
  const url = `http://127.0.0.1:${app}`;
  return {
    appUrl: url,
    shopUrl: url,
    apiUrl: `http://127.0.0.1:${api}`,
    appPid: () => Promise.resolve(storefront.pid ?? 0),
    async stop() {
      await ended(storefront);
      await ended(simulator);
    },
  };
}

/** A Node process of the demo's own; its output goes to a file in its folder. */
function node(script: string, args: readonly string[], cwd: string, env: Readonly<Record<string, string>>): ChildProcess {
  const log = openSync(join(cwd, `${basename(script, ".ts")}.log`), "a");
  const child = spawn(process.execPath, [script, ...args], { cwd, env: { ...process.env, ...env }, stdio: ["ignore", log, log] });
  closeSync(log);
  return child;
}

/** Ends a process of ours: asks, and after 8 s insists. Frozen ones are killed too. */
async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise<void>((resolve) => {
    const insist = setTimeout(() => child.kill("SIGKILL"), 8_000);
    child.once("exit", () => {
      clearTimeout(insist);
      resolve();
    });
    child.kill("SIGTERM");
    child.kill("SIGCONT");
  });
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, () => new Promise<net.Server>((resolve, reject) => {
      const server = net.createServer().once("error", reject);
      server.listen(0, "127.0.0.1", () => resolve(server));
    })),
  );
  const ports = servers.map((server) => (server.address() as net.AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
