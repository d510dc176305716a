/**
 * An ingress on a real socket before a real application with faults to order; only time is handed in.
 */
import { request, type IncomingHttpHeaders, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { createMemoryCopies } from "../../src/adapters/memory-copies.ts";
import { createOpossumBreaker } from "../../src/adapters/opossum-breaker.ts";
import type { GatewayConfig } from "../../src/config/config.ts";
import type { BreakerName } from "../../src/core/breaker.ts";
import type { GatewayPreset, RouteSpec } from "../../src/core/preset.ts";
import type { FirstFill } from "../../src/core/readiness.ts";
import type { Breaker } from "../../src/ports/breaker.ts";
import type { CopyStore } from "../../src/ports/copy-store.ts";
import type { DependencyHealth } from "../../src/ports/gateway-link.ts";
import { createIngress, type Ingress } from "../../src/gateway/ingress.ts";
import { hydrogenReactRouter } from "../../src/gateway/presets/hydrogen-react-router.ts";
import { routeNames } from "../../src/gateway/request-guard.ts";
import { createTelemetryMemory, type GatewayEvent } from "../../src/gateway/telemetry-layout.ts";
import { TelemetrySum } from "../../src/gateway/telemetry-reader.ts";
import { openTelemetry } from "../../src/gateway/telemetry.ts";
import { serveHttp } from "../support/faulty-server.ts";
import { ManualClock, settle } from "../support/manual-clock.ts";

export const NONCE = "0123456789abcdef0123456789abcdef";

/** A page as the starter renders one, in small. */
export function rendered(text: string, nonce = NONCE): string {
  return (
    `<!DOCTYPE html><html><head><title>Shop</title><link rel="modulepreload" href="https://cdn.example/assets/manifest-abc123.js" nonce="${nonce}"/></head><body>` +
    `<a href="/cart">Cart <span aria-label="(items: 0)">0</span></a><main>${text}</main><script nonce="${nonce}">window.x = 1;</script></body></html>` +
    `<script nonce="${nonce}">window.__reactRouterContext.streamController.close();</script>`
  );
}

export function sendPage(res: ServerResponse, text: string, fields: Readonly<Record<string, string | string[]>> = {}): void {
  res.writeHead(200, { "content-type": "text/html", "content-security-policy": `default-src 'self' 'nonce-${NONCE}'`, ...fields });
  res.end(rendered(text));
}

export type Answer = {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly trailers: NodeJS.Dict<string>;
  /** The connection was cut before the body ended. */
  readonly cut: boolean;
};

export type Asking = { readonly method?: string; readonly headers?: Readonly<Record<string, string | string[]>>; readonly body?: string | Buffer };

export type Seen = { readonly method: string; readonly url: string; readonly headers: IncomingHttpHeaders; readonly raw: readonly string[]; readonly body: string };

export type World = AsyncDisposable & {
  readonly clock: ManualClock;
  readonly port: number;
  readonly ingress: Ingress;
  readonly copies: CopyStore;
  readonly breakers: { readonly ingressApp: Breaker; readonly egressStorefront: Breaker };
  /** What was counted so far; what was not is left out. */
  counted(): Partial<Record<GatewayEvent, number>>;
  /** Requests the application got, oldest first. */
  readonly seen: Seen[];
  readonly troubles: string[];
  /** What came of the first filling, once it is over. */
  readonly filled: FirstFill[];
  /** Changeable conditions. */
  readonly given: { app: RequestListener; storefront: DependencyHealth; bypass: boolean; suspects: ReadonlySet<string> };
  ask(path: string, asking?: Asking): Promise<Answer>;
  /** Asks for a page and waits until its copy is stored. */
  visit(path: string): Promise<Answer>;
  /** The application's connections are refused from here on. */
  kill(): Promise<void>;
};

/** Short windows so that the cases can be told apart by their ages. */
export const WINDOWS = { ttl: 60_000, staleWhileRevalidate: 60_000, staleIfError: 3_600_000 };

export async function createWorld(app: RequestListener, changes: { readonly config?: Partial<GatewayConfig>; readonly preset?: Partial<GatewayPreset>; /** Another application than the one given. */ readonly upstream?: string } = {}): Promise<World> {
  const clock = new ManualClock();
  const seen: Seen[] = [];
  const given: World["given"] = { app, storefront: "healthy", bypass: false, suspects: new Set() };
  const served = await serveHttp((req, res) => {
    let body = "";
    req.on("data", (chunk: Buffer) => (body += chunk.toString("latin1")));
    const entry = (): Seen => ({ method: req.method ?? "", url: req.url ?? "", headers: req.headers, raw: req.rawHeaders, body });
    const at = seen.push(entry()) - 1;
    req.on("end", () => (seen[at] = entry()));
    given.app(req, res);
  });
  const preset = { ...hydrogenReactRouter, ...changes.preset };
  const routes: RouteSpec[] = preset.routes.map((route) => (route.mode === "page" ? { ...route, ...WINDOWS } : route));
  const config: GatewayConfig = {
    ...preset, preset: preset.name, listen: { host: "127.0.0.1", port: 0 }, target: "app", hosts: [], routes, trustedHops: 0, workers: 1, copyBytes: 8_000_000, copyBytesPerEntry: 500_000,
    warm: [], maxConnections: 1_000, breaker: { errorThresholdPercent: 50, windowMs: 10_000, volumeThreshold: 20, consecutiveFailures: 5, resetMs: 30_000, maxResetMs: 300_000 }, ...changes.config,
  };
  const breakerOf = (name: BreakerName): Breaker => createOpossumBreaker({ name, ...config.breaker, deadline: 5_000, trial: null, clock, random: { next: () => 0.5, id: () => "0".repeat(32) }, onChange: () => {} });
  const breakers = { ingressApp: breakerOf("ingress:app"), egressStorefront: breakerOf("egress:storefront") };
  const copies = createMemoryCopies({ totalBytes: config.copyBytes, entryBytes: config.copyBytesPerEntry });
  const names = routeNames(config);
  const memory = createTelemetryMemory(names.length);
  const troubles: string[] = [];
  const filled: FirstFill[] = [];
  const ingress = createIngress({
    config, preset, upstream: changes.upstream ?? served.url, breakers, copies, clock,
    telemetry: openTelemetry(memory, names),
    quarantine: { suspects: (name) => given.suspects.has(name) },
    storefront: () => given.storefront,
    bypass: () => given.bypass,
    filled: (fill) => void filled.push(fill),
    trouble: (cause) => void troubles.push(cause),
  });
  const port = await ingress.listen();
  const ask: World["ask"] = (path, asking) => sendRequest(port, path, asking);
  return {
    clock, port, ingress, copies, breakers, seen, troubles, filled, given, ask,
    counted: () => Object.fromEntries(Object.entries(new TelemetrySum(names).add(memory, true).counters().events).filter(([, count]) => count > 0)),
    async visit(path) {
      const answer = await ask(path);
      const before = copies.size();
      await until(() => copies.size() > before || copies.all().some(({ meta }) => meta.url === path));
      return answer;
    },
    kill: () => served.close(),
    async [Symbol.asyncDispose]() {
      const drained = ingress.drain(0);
      await clock.advance(0);
      await drained;
      breakers.ingressApp.shutdown();
      breakers.egressStorefront.shutdown();
      await served.close();
    },
  };
}

/** Sends one request on a connection of its own. */
export function sendRequest(port: number, path: string, { method = "GET", headers = {}, body }: Asking = {}): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const req = request({ host: "127.0.0.1", port, path, method, headers, agent: false }, (res) => {
    let text = "";
    res.setEncoding("latin1");
    res.on("data", (chunk: string) => (text += chunk));
    const done = (cut: boolean): void => resolve({ status: res.statusCode ?? 0, headers: res.headers, body: text, trailers: res.trailers, cut });
    res.on("end", () => done(false));
    res.on("error", () => done(true));
  });
  req.on("error", reject);
  req.end(body);
  return promise;
}

/** Begins a request and hands over the answer as soon as its head is there. */
export function openRequest(port: number, path: string, headers: Readonly<Record<string, string>> = {}): { readonly answer: Promise<IncomingMessage>; close(): void } {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const req = request({ host: "127.0.0.1", port, path, headers, agent: false }, resolve);
  req.on("error", reject);
  req.end();
  return { answer: promise, close: () => void req.destroy() };
}

/** Waits for a condition that real sockets bring about; fails after 5 s. */
export async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 5_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error("the condition did not come about within 5 s");
    await settle();
  }
}

/** Moves time on until an answer is there: deadlines ring, sockets work in between. */
export async function passTime<T>(world: World, answer: Promise<T>): Promise<T> {
  const state = { done: false };
  const finished = answer.finally(() => (state.done = true));
  finished.catch(() => {});
  const deadline = performance.now() + 10_000;
  while (!state.done && performance.now() < deadline) {
    await world.clock.advance(100);
    await settle();
  }
  return finished;
}
