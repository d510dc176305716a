/**
 * The buyers' entrance: what it is made of, and its life.
 */
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { GatewayConfig } from "../config/config.ts";
import type { GatewayPreset, RouteMode, RouteSpec } from "../core/preset.ts";
import type { Ms } from "../core/time.ts";
import { closeServer } from "./closing.ts";
import { createContradictions } from "./contradictions.ts";
import { createDeadlines } from "./deadlines.ts";
import { createUpstream } from "./exchange.ts";
import { createFiller } from "./fill.ts";
import { createFront } from "./front.ts";
import { compileRequestFields } from "./headers.ts";
import type { IngressParts } from "./ingress-parts.ts";
import { KEEP_ALIVE } from "./keep-alive.ts";
import { createNonces } from "./nonce.ts";
import { compileRequestGuard } from "./request-guard.ts";
import { compileRoutes } from "../core/route.ts";
import { tunnel, wantsTunnel } from "./upgrade.ts";
import { createWarmer, type Warmer } from "./warm.ts";

export type { IngressParts, QuarantineGate } from "./ingress-parts.ts";

/** A running entrance. */
export interface Ingress {
  /** @returns the port it listens on. Rejects with the system's error when it cannot. */
  listen(): Promise<number>;
  /** Fills the warm list and keeps it fresh until closed. To be called once the application has answered; a page it answers a buyer begins it, too. */
  warm(): void;
  /** Stops accepting, finishes what runs, then closes; what still runs after `withinMs` is cut. */
  drain(withinMs: number): Promise<void>;
}

/** Time for the head of a request, and for all of one with its body. */
const HEADERS_WITHIN: Ms = 15_000;
const REQUEST_WITHIN: Ms = 120_000;
const MAX_HEADER_BYTES = 32_768;

/** Puts an entrance together. It does nothing until `listen`. */
export function createIngress(parts: IngressParts): Ingress {
  const { config, preset, clock, telemetry } = parts;
  const upstream = createUpstream(parts.upstream, config.maxConnections);
  const deadlines = createDeadlines(clock);
  const nonces = createNonces();
  const contradictions = createContradictions();
  const read = compileRequestGuard(config, preset, telemetry);
  const fields = compileRequestFields(preset.dropRequestHeaders);
  const filler = createFiller({
    preset, upstream, deadlines, clock, nonces, contradictions, telemetry,
    copies: parts.copies,
    breaker: parts.breakers.ingressApp,
    storefrontAdmits: () => parts.breakers.egressStorefront.admits(),
    storefront: parts.storefront,
    suspects: (name) => parts.quarantine.suspects(name),
    trouble: parts.trouble,
    assetRoute: routesOf(config, preset, "asset"),
    entryBytes: config.copyBytesPerEntry,
  });
  const warmer = createWarmer({ paths: config.warm, clock, copies: parts.copies, filler, routeOf: routesOf(config, preset, "page"), filled: parts.filled });
  const life = { draining: false };
  const front = createFront({ ...parts, upstream, deadlines, nonces, contradictions, read, fields, filler, warmer, draining: () => life.draining });

  const server = createServer(
    {
      keepAliveTimeout: KEEP_ALIVE,
      headersTimeout: HEADERS_WITHIN,
      requestTimeout: REQUEST_WITHIN,
      connectionsCheckingInterval: 5_000,
      maxHeaderSize: MAX_HEADER_BYTES,
      // A request without a body has no stream to be read to its end.
      optimizeEmptyRequests: true,
      shouldUpgradeCallback: (req: IncomingMessage) => wantsTunnel(read, req),
    },
    front,
  );
  server.maxConnections = config.maxConnections;
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  const tunnels = new Set<() => void>();
  server.on("upgrade", (req, socket, head) => {
    const cut = (): void => void socket.destroy();
    tunnels.add(cut);
    socket.once("close", () => tunnels.delete(cut));
    telemetry.count("upgrade");
    tunnel({ upstream, deadlines, read, fields, nonces, breaker: parts.breakers.ingressApp, quarantine: parts.quarantine, telemetry, clock, bypass: parts.bypass }, req, socket, head);
  });

  return {
    listen: () => listen(server, config, warmer),
    warm: () => warmer.start(),
    async drain(withinMs) {
      life.draining = true;
      warmer.close();
      filler.close();
      await closeServer(server, { clock, withinMs, sockets, cut: () => tunnels.forEach((cut) => cut()) });
      deadlines.close();
      await upstream.close();
    },
  };
}

/** Finds the route of a path; null where it is of another mode. */
function routesOf(config: GatewayConfig, preset: GatewayPreset, mode: RouteMode): (path: string) => RouteSpec | null {
  const nothing: RouteSpec = { name: "other", match: "/**", mode: "pass", ttl: 0, staleWhileRevalidate: 0, staleIfError: 0, query: [], firstByte: 0, bodyIdle: 0, whole: 0 };
  const find = compileRoutes(config.routes, preset.never, nothing);
  return (path) => {
    const route = find(path);
    return route.mode === mode ? route : null;
  };
}

async function listen(server: Server, config: GatewayConfig, warmer: Warmer): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  server.once("error", reject);
  // Shared with the other workers and with a successor: the kernel spreads connections (SO_REUSEPORT).
  server.listen({ host: config.listen.host, port: config.listen.port, backlog: 1_024, reusePort: true }, () => {
    server.off("error", reject);
    resolve((server.address() as AddressInfo).port);
  });
  const port = await promise;
  // Where any host is answered, the names of this machine are as good a guess as any; buyers' own are learnt.
  const hosts = config.hosts.length > 0 ? config.hosts.map((host) => host.toLowerCase()) : [`127.0.0.1:${port}`, `localhost:${port}`];
  for (const host of hosts) warmer.learn(config.trustedHops > 0 ? "https" : "http", host);
  return port;
}
