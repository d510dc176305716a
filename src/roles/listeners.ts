/**
 * The health and admin listeners of a role.
 */
import { monitorEventLoopDelay, type IntervalHistogram } from "node:perf_hooks";
import type { FastifyInstance } from "fastify";
import type { Logger } from "pino";
import type { Config, Listen } from "../config/config.ts";
import type { Evidence } from "../core/evidence.ts";
import { readinessOf, type Readiness } from "../core/readiness.ts";
import type { Reach } from "../core/reach.ts";
import type { SiblingsState } from "../core/siblings.ts";
import type { Snapshot } from "../core/snapshot.ts";
import type { Instant } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";
import type { GatewayHost } from "../gateway/worker-host.ts";
import { adminListener, type AdminParts } from "../server/admin-listener.ts";
import type { GatewayStanding } from "../server/health-body.ts";
import { lostElsewhere } from "../server/forward.ts";
import { healthListener } from "../server/health-listener.ts";
import { knownToken, type KnownToken } from "../server/tokens.ts";
import { adminToken } from "./admin-token.ts";
import { metricsText } from "./gateway-metrics.ts";
import { currentControl, type Sitting } from "./sitting.ts";
import { VERSION } from "./version.ts";

/** The loop's delay is sampled this often; what the histogram holds is this and the delay together. */
const DELAY_RESOLUTION_MS = 20;

export type ListenersParts = {
  readonly config: Config;
  readonly admin: boolean;
  /** Who answers, asked at each call. */
  readonly sitting: () => Sitting;
  /** Where another daemon may be the one that acts. */
  readonly forward?: AdminParts["forward"];
  readonly host: GatewayHost | null;
  readonly clock: Clock;
  readonly log: Logger;
  /** What the siblings said last; null: none are asked. */
  readonly siblings: () => SiblingsState | null;
  /** Looks at one of them; null: none are known. */
  readonly reach: ((address: string) => Promise<Reach>) | null;
  /** The daemon has started before, with another configuration: it goes on, it does not start. */
  readonly resumed: boolean;
};

export type Listeners = {
  readonly ports: { readonly health: number; readonly admin: number | null; readonly public: number | null };
  /** From now on `/health/startup` passes. */
  started(): void;
  /** From now on `/health/ready` fails, so that nothing new is sent here. */
  leaving(): void;
  close(): Promise<void>;
};

export async function startListeners(parts: ListenersParts): Promise<Listeners> {
  const { config } = parts;
  const life: Life = { startedAt: parts.resumed ? parts.clock.now() : null, leaving: false, wasReady: parts.resumed };
  const delay = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS });
  delay.enable();
  const open: FastifyInstance[] = [];
  const close = async (): Promise<void> => {
    delay.disable();
    await Promise.all(open.map((one) => one.close()));
  };
  const start = async (app: FastifyInstance, at: Listen): Promise<number> => {
    open.push(app);
    app.server.maxConnections = LISTENER_CONNECTIONS;
    return listen(app, at);
  };
  try {
    const ports = {
      health: await start(healthOf(parts, life, delay), config.listeners.health),
      admin: !parts.admin || config.listeners.admin === null ? null : await start(await adminOf(parts), config.listeners.admin),
      public: await openPublic(parts, start),
    };
    return { ports, started: () => void (life.startedAt ??= parts.clock.now()), leaving: () => void (life.leaving = true), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function adminOf({ config, sitting, forward, log }: ListenersParts): Promise<FastifyInstance> {
  return adminListener({
    control: currentControl(() => sitting().control),
    regions: () => sitting().regions?.control ?? null,
    ledger: { query: (query) => sitting().ledger.query(query) },
    tokens: await tokensOf(config),
    trouble: (detail) => troubled(log, detail),
    ...(forward === undefined ? {} : { forward }),
  });
}

/** Votes between regions; null: there are none, or nobody may ask here. */
async function openPublic({ config, sitting, forward, log }: ListenersParts, start: (app: FastifyInstance, at: Listen) => Promise<number>): Promise<number | null> {
  const { regions, listeners } = config;
  if (regions === null || listeners.public === null) return null;
  const [{ publicListener }, { regionSigner, SIGNATURE_HEADER }] = await Promise.all([import("../server/public-listener.ts"), import("../adapters/region-signature.ts")]);
  const signer = regionSigner(config.site, regions.secret);
  const app = publicListener({
    answer: (question) => sitting().regions?.answer(question) ?? null,
    isSigned: (body, given) => signer.isOurs("question", body, given),
    sign: (body) => signer.sign("answer", body),
    signatureHeader: SIGNATURE_HEADER,
    trouble: (detail) => troubled(log, detail),
    ...(forward === undefined ? {} : { forward: { ...forward, port: listeners.public.port } }),
  });
  return start(app, listeners.public);
}

/** `wasReady`: it said so once, so it no longer waits for its first pages. */
type Life = { startedAt: Instant | null; leaving: boolean; wasReady: boolean };

/** Anybody may ask the health listener, as often as they like: a picture of the whole site is not taken anew for each. */
const SNAPSHOT_MS = 250;
/** Connections of a listener: the kubelet, Prometheus, peers and a few people need a handful. */
const LISTENER_CONNECTIONS = 256;

function atMostEvery<T>(ms: number, make: () => T): () => T {
  let made: { readonly at: number; readonly value: T } | null = null;
  return () => {
    const now = performance.now();
    if (made === null || now - made.at >= ms) made = { at: now, value: make() };
    return made.value;
  };
}

/** Whether it is ready; remembers that it was. */
function ask({ clock, host, siblings }: ListenersParts, life: Life, { status }: Snapshot): Readiness {
  if (life.leaving) return { ready: false, reason: "stopping" };
  const gateway = host === null ? null : { copies: host.evidence().copies, firstFill: host.firstFill() };
  const answer = readinessOf({ now: clock.now(), startedAt: life.startedAt, status, gateway, siblings: siblings(), wasReady: life.wasReady });
  life.wasReady ||= answer.ready;
  return answer;
}

function healthOf(parts: ListenersParts, life: Life, delay: IntervalHistogram): FastifyInstance {
  const { config, sitting, host, clock, log, forward } = parts;
  const snapshot = atMostEvery(SNAPSHOT_MS, () => sitting().control.snapshot());
  return healthListener({
    snapshot,
    published: new Map(config.checks.map((check) => [check.published, check.name])),
    readiness: () => ask(parts, life, snapshot()),
    started: () => life.startedAt !== null,
    gateway: () => standingOf(host?.evidence() ?? null, clock.now()),
    metrics: () => {
      const { metrics, registry, measure } = sitting();
      measure();
      metrics.loopDelay(delay.percentile(99) / 1e6 - DELAY_RESOLUTION_MS);
      delay.reset();
      for (const { name, effective } of host?.breakers() ?? []) metrics.breakerState(name, effective);
      metrics.quarantined(host?.view().quarantined.length ?? 0);
      return metricsText(registry, host?.counters() ?? null, config.site);
    },
    peers: config.peerToken === null ? [] : [knownToken("peer", "viewer", config.peerToken.reveal())],
    version: VERSION,
    region: () => sitting().regions,
    lostElsewhere: async () => (forward === undefined || config.regions === null ? null : lostElsewhere(forward, config.listeners.health.port)),
    reach: parts.reach,
    trouble: (detail) => troubled(log, detail),
  });
}

function standingOf(evidence: Evidence | null, now: Instant): GatewayStanding {
  if (evidence === null) return { copies: 0, lastGoodMsAgo: null };
  const { copies, lastGoodAt } = evidence;
  // Milliseconds without fractions: the gateway writes from another thread, which may be a moment ahead.
  return { copies, lastGoodMsAgo: lastGoodAt === null ? null : Math.max(0, Math.round(now - lastGoodAt)) };
}

function troubled(log: Logger, detail: string): void {
  log.error({ event: "trouble", where: "listener" }, detail);
}

/** The configured tokens; without any, one for the person on this machine. */
async function tokensOf(config: Config): Promise<readonly KnownToken[]> {
  if (config.tokens.length > 0) return config.tokens.map(({ name, role, value }) => knownToken(name, role, value.reveal()));
  return [knownToken("local", "operator", await adminToken(config.folder))];
}

async function listen(app: FastifyInstance, { host, port }: Listen): Promise<number> {
  await app.listen({ host, port });
  const address = app.server.address();
  return typeof address === "object" && address !== null ? address.port : port;
}
