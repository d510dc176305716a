/** Storefront pods as a cluster has them, each on a loopback address of its own: a small application, and the real daemon as its sidecar. */
import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, request, type Agent, type IncomingHttpHeaders, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import { createSystemClock } from "../../src/adapters/system-clock.ts";
import { parseSidecarReport, type SidecarReport } from "../../src/core/sidecar-report.ts";
import type { Resolver } from "../../src/ports/resolver.ts";
import { startDaemon, type Daemon } from "../../src/roles/daemon.ts";
import { partsOf } from "../../src/roles/parts.ts";
import { readConfig } from "../../src/roles/read-config.ts";
import { checkFile } from "./kept-shop.ts";

export const SHOP = "shop.example";
const PEER = "token-of-the-pods";

export type Answer = { readonly status: number; readonly headers: IncomingHttpHeaders; readonly text: string };

export type App = {
  /** Every route answers 500. */
  ill: boolean;
  /** Requests to /search are held while this is set. */
  held: Promise<void> | null;
  /** Paths asked, oldest first. */
  readonly asked: string[];
  listen(): Promise<void>;
  /** New connections are refused from here on; what runs goes on. */
  leave(): void;
  close(): Promise<void>;
};

export type Pod = {
  readonly address: string;
  readonly app: App;
  readonly daemon: Daemon;
  readonly log: readonly Readonly<Record<string, unknown>>[];
  /** /health/ready with the peer token: its status, and why. */
  ready(): Promise<{ readonly status: number; readonly why: string }>;
  /** /health with the peer token. */
  report(): Promise<SidecarReport>;
  metrics(): Promise<string>;
  /** As a buyer, at the gateway. Rejects where the connection is refused or cut. */
  buy(path: string, agent?: Agent | false): Promise<Answer>;
  end(): Promise<void>;
};

export type PodOptions = {
  readonly address: string;
  readonly healthPort: number;
  readonly appPort: number;
  readonly resolver?: Resolver;
  /** More lines of the gateway's settings, and of the file. */
  readonly gateway?: string;
  readonly extra?: string;
  /** The application does not listen yet. */
  readonly appLater?: boolean;
};

export async function startPod({ address, healthPort, appPort, resolver, gateway = "", extra = "", appLater = false }: PodOptions): Promise<Pod> {
  const app = createApp(address, appPort);
  if (!appLater) await app.listen();
  const folder = await mkdtemp(join(tmpdir(), "shopkeeper-pod-"));
  await mkdir(join(folder, "checks"));
  await writeFile(join(folder, "checks", "application.yaml"), checkFile("1s"));
  await writeFile(
    join(folder, "shopkeeper.yaml"),
    `site: pods\nrole: sidecar\ntargets:\n  app: { url: "http://${address}:${appPort}", workload: storefront }\ngateway:\n  listen: ${address}:0\n  hosts: [${SHOP}]\n${gateway}` +
      `listeners: { health: "${address}:${healthPort}", admin: "off" }\nconnectivity: []\npeer_token: "\${PEER}"\n${extra}`,
  );
  const { loaded } = await readConfig(join(folder, "shopkeeper.yaml"), { PEER });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors));
  const parts = partsOf("sidecar");
  if (parts === null) throw new Error("there is no sidecar");
  const log: Record<string, unknown>[] = [];
  const daemon = await startDaemon({
    config: loaded.config, parts, env: {}, clock: createSystemClock(),
    log: pino({ base: {} }, { write: (line) => void log.push(JSON.parse(line) as Record<string, unknown>) }),
    ...(resolver === undefined ? {} : { resolver }),
  });
  const health = (path: string): Promise<Answer> => ask(address, daemon.ports().health, path, { authorization: `Bearer ${PEER}` }, false);
  return {
    address, app, daemon, log,
    async ready() {
      const { status, text } = await health("/health/ready");
      return { status, why: String((JSON.parse(text) as { notes?: string[] }).notes?.[0]) };
    },
    async report() {
      const reading = parseSidecarReport(JSON.parse((await health("/health")).text));
      if (reading.kind === "refused") throw new Error(reading.why);
      return reading.report;
    },
    metrics: async () => (await health("/metrics")).text,
    buy: (path, agent = false) => ask(address, daemon.ports().ingress ?? 0, path, { host: SHOP }, agent),
    async end() {
      await daemon.stop();
      await app.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function createApp(address: string, port: number): App {
  const asked: string[] = [];
  const server: Server = createServer((req, res) => {
    const url = req.url ?? "";
    asked.push(url);
    if (app.ill) return void res.writeHead(500).end("ill");
    if (url === "/health") return void res.writeHead(200, { "content-type": "application/json" }).end('{"status":"pass"}');
    const nonce = randomBytes(16).toString("hex");
    const page = (): void => {
      res.writeHead(200, { "content-type": "text/html; charset=utf-8", "content-security-policy": `script-src 'self' 'nonce-${nonce}'` });
      res.end(`<!DOCTYPE html><html><head><title>Pod</title></head><body><h1>${url}</h1><script nonce="${nonce}">streamController.close()</script></body></html>`);
    };
    if (url === "/search" && app.held !== null) void app.held.then(page);
    else page();
  });
  const app: App = {
    ill: false,
    held: null,
    asked,
    listen: () => new Promise((resolve, reject) => server.once("error", reject).listen(port, address, () => resolve())),
    leave() {
      server.close();
      server.closeIdleConnections();
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return app;
}

function ask(host: string, port: number, path: string, headers: Readonly<Record<string, string>>, agent: Agent | false): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const req = request({ host, port, path, headers, agent, timeout: 15_000 }, (res) => {
      let text = "";
      res.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      res.once("end", () => resolve({ status: res.statusCode ?? 0, headers: res.headers, text }));
      res.once("error", reject);
    });
    req.once("timeout", () => req.destroy(new Error("no answer within 15 s")));
    req.once("error", reject);
    req.end();
  });
}
