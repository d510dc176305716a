/**
 * The gateway's own anonymous fetches: the only source of stored pages and assets.
 *
 * A page is stored from a fetch that carried nothing of any buyer, so that nothing of one
 * can be in it. They are few (two at a time, a twentieth of the time), one a key, never while
 * the breaker denies, and a failed one leaves the old copy alone. The assets a stored page asks for
 * are fetched after it, so that it is whole when the application is gone.
 */
import { copyAge } from "../core/copy-age.ts";
import { isWrong404 } from "../core/answer.ts";
import { keepsCopies, type GatewayPreset, type RouteSpec } from "../core/preset.ts";
import { assetKey } from "../core/cache-key.ts";
import { isFailureStatus, isThrottleStatus } from "../core/outcome.ts";
import { requestClass } from "../core/quarantine.ts";
import type { Instant, Ms } from "../core/time.ts";
import type { Breaker } from "../ports/breaker.ts";
import type { Clock } from "../ports/clock.ts";
import type { CopyStore } from "../ports/copy-store.ts";
import type { DependencyHealth } from "../ports/gateway-link.ts";
import { assetsIn, makeAsset } from "./asset-copy.ts";
import type { Contradictions } from "./contradictions.ts";
import type { Deadlines } from "./deadlines.ts";
import type { Upstream } from "./exchange.ts";
import { fetchPage, type Fetched, type FillOrder } from "./fetch-page.ts";
import { createPageMaker, type MakePage } from "./page-copy.ts";
import type { NonceSource } from "./nonce.ts";
import type { Telemetry } from "./telemetry.ts";

export type FillParts = {
  readonly preset: GatewayPreset;
  readonly upstream: Upstream;
  readonly deadlines: Deadlines;
  readonly clock: Clock;
  readonly copies: CopyStore;
  readonly breaker: Breaker;
  readonly storefrontAdmits: () => boolean;
  readonly storefront: () => DependencyHealth;
  readonly suspects: (requestClass: string) => boolean;
  readonly telemetry: Telemetry;
  readonly nonces: NonceSource;
  readonly contradictions: Contradictions;
  readonly trouble: (cause: string) => void;
  /** The asset route of a path; null where it is not an asset's. */
  readonly assetRoute: (path: string) => RouteSpec | null;
  /** Largest page or asset kept, in bytes. */
  readonly entryBytes: number;
};

export interface Filler {
  /** Asks for a page unless it is being fetched, was found uncacheable lately, or too many wait. */
  want(order: FillOrder): void;
  /** Fetches waiting and under way. */
  busy(): number;
  /** The page was answered, and may not be kept; nobody asks again for a while. */
  turnedDown(key: string): boolean;
  close(): void;
}

/** Fetches at once. */
const AT_ONCE = 2;
/** Orders waiting; more are dropped, since the next buyer of the page asks again. */
const MOST_WAITING = 256;
/** Share of the time that may go into fetches, and how much can be saved up. */
const SHARE = 0.05;
const SAVINGS: Ms = 10_000;
/** Most that one fetch is charged: a slow one waits for the API rather than works. */
const MOST_CHARGED: Ms = 250;
/** How long an uncacheable page is not tried again (hit-for-miss), and a failed one. */
const UNCACHEABLE_FOR: Ms = 120_000;
const FAILED_FOR: Ms = 5_000;
const MOST_SPURNED = 4_096;

export function createFiller(parts: FillParts): Filler {
  const { clock, breaker, telemetry } = parts;
  const makePage = createPageMaker(parts.preset, parts.entryBytes);
  const waiting: Record<"page" | "asset", Map<string, FillOrder>> = { page: new Map(), asset: new Map() };
  const running = new Map<string, () => void>();
  const spurned = new Map<string, { readonly until: Instant; readonly lasting: Ms }>();
  let savings = SAVINGS;
  let savedAt = clock.now();
  let cancelPump: (() => void) | null = null;
  let closed = false;

  const save = (): void => {
    const now = clock.now();
    savings = Math.min(SAVINGS, savings + (now - savedAt) * SHARE);
    savedAt = now;
  };

  const spurn = (key: string, lasting: Ms): void => {
    const [oldest] = spurned.keys();
    if (spurned.size >= MOST_SPURNED && oldest !== undefined) spurned.delete(oldest);
    spurned.set(key, { until: clock.now() + lasting, lasting });
  };

  const pump = (): void => {
    cancelPump?.();
    cancelPump = null;
    save();
    // Pages first: one without its styles is better than none.
    for (const [key, order] of [...waiting.page, ...waiting.asset]) {
      if (running.size >= AT_ONCE) return;
      if (!breaker.admits() || !parts.storefrontAdmits()) {
        waiting.page.clear();
        waiting.asset.clear();
        return;
      }
      if (savings <= 0) {
        cancelPump = clock.after(Math.ceil((1 - savings) / SHARE), pump);
        return;
      }
      waiting.page.delete(key);
      waiting.asset.delete(key);
      // What an application renders while its API is unwell may lack parts: better than nothing, worse than what we hold.
      if (parts.storefront() !== "unhealthy" || !parts.copies.has(key)) run(order);
    }
  };

  const run = (order: FillOrder): void => {
    const name = requestClass("GET", order.route.name, []);
    if (parts.suspects(name)) return;
    const startedAt = clock.now();
    const ticket = breaker.begin();
    const token = telemetry.sent(name, startedAt);
    telemetry.count("fill_started");
    const cancel = fetchPage(parts, order, (fetched) => {
      const now = clock.now();
      running.delete(order.key);
      savings -= Math.min(MOST_CHARGED, now - startedAt);
      telemetry.returned(token, fetched.kind === "broken", now);
      const fate = { order, fetched, startedAt, spurn };
      const meant = order.route.mode === "asset" ? concludeAsset(parts, fate) : concludePage(parts, makePage, fate, orderAssets);
      breaker.record(ticket, meant, now - startedAt > order.route.firstByte / 2);
      if (!closed) pump();
    });
    running.set(order.key, cancel);
  };

  /** Puts an order in its queue. */
  const take = (order: FillOrder): void => {
    const { mode } = order.route;
    if (closed || !keepsCopies(mode)) return;
    if (waiting[mode].has(order.key) || running.has(order.key)) return telemetry.count("coalesced");
    if (waiting[mode].size >= MOST_WAITING) return;
    const known = spurned.get(order.key);
    if (known !== undefined && clock.now() < known.until) return;
    spurned.delete(order.key);
    waiting[mode].set(order.key, order);
  };

  const orderAssets = ({ scheme, host }: FillOrder, body: Buffer): void => {
    for (const path of assetsIn(body)) {
      const route = parts.assetRoute(path);
      const key = assetKey(scheme, host, path);
      // Asking counts as a use: what stored pages need stays.
      if (route !== null && goesStaleSoon(parts.copies.get(key), clock.now())) take({ key, route, path, query: "", scheme, host, agent: "browser" });
    }
  };

  return {
    want(order) {
      take(order);
      pump();
    },
    busy: () => waiting.page.size + waiting.asset.size + running.size,
    turnedDown(key) {
      const known = spurned.get(key);
      return known !== undefined && known.lasting === UNCACHEABLE_FOR && clock.now() < known.until;
    },
    close() {
      closed = true;
      cancelPump?.();
      waiting.page.clear();
      waiting.asset.clear();
      for (const cancel of running.values()) cancel();
      running.clear();
    },
  };
}

type Spurn = (key: string, lasting: Ms) => void;
/** An order and what came of it. */
type Fate = { readonly order: FillOrder; readonly fetched: Fetched; readonly startedAt: Instant; readonly spurn: Spurn };

function fail({ telemetry, clock, trouble }: FillParts, { order, spurn }: Fate): "failure" {
  telemetry.count("fill_failed");
  telemetry.failed(clock.now());
  trouble(`fill:${order.route.name}`);
  spurn(order.key, FAILED_FOR);
  return "failure";
}

/** Keeps an asset or turns it down. To the breaker only silence and broken connections mean anything: it judges rendered pages. */
function concludeAsset(parts: FillParts, fate: Fate): "failure" | "neutral" {
  const { order, fetched, startedAt, spurn } = fate;
  if (fetched.kind === "broken") return fail(parts, fate);
  const copy = makeAsset(order, fetched, startedAt, parts.entryBytes);
  if (copy !== null && parts.copies.put(copy).kind === "stored") parts.telemetry.count("fill_stored");
  else {
    parts.telemetry.count("fill_rejected");
    spurn(order.key, isFailureStatus(fetched.status) || isThrottleStatus(fetched.status) ? FAILED_FOR : UNCACHEABLE_FOR);
  }
  return "neutral";
}

/** Keeps, turns down or abandons a page, and says what it means to the breaker. */
function concludePage(parts: FillParts, makePage: MakePage, fate: Fate, orderAssets: (order: FillOrder, body: Buffer) => void): "success" | "failure" | "neutral" | "throttled" {
  const { telemetry, copies, clock, contradictions } = parts;
  const { order, fetched, startedAt, spurn } = fate;
  if (fetched.kind === "broken") return fail(parts, fate);

  const made = makePage(order, fetched, startedAt);
  switch (made.kind) {
    case "copy": {
      contradictions.clear(order.key);
      telemetry.succeeded(clock.now(), true);
      const isStored = copies.put(made.copy).kind === "stored";
      telemetry.count(isStored ? "fill_stored" : "fill_rejected");
      if (isStored) orderAssets(order, fetched.body);
      return "success";
    }
    case "failed":
      return fail(parts, fate);
    case "throttled":
      telemetry.count("fill_failed");
      spurn(order.key, FAILED_FOR);
      return "throttled";
    case "gone":
      telemetry.count("fill_rejected");
      return gone(parts, order, spurn);
    case "uncacheable":
      telemetry.count("fill_rejected");
      spurn(order.key, UNCACHEABLE_FOR);
      return made.good ? "success" : "neutral";
  }
}

/** A 404: nothing to keep; and where a 200 is kept, a contradiction that ends it once it is believed. */
function gone(parts: FillParts, order: FillOrder, spurn: Spurn): "failure" | "neutral" {
  const held = parts.copies.has(order.key);
  if (!held) {
    spurn(order.key, UNCACHEABLE_FOR);
    return "neutral";
  }
  spurn(order.key, FAILED_FOR);
  if (parts.storefront() !== "healthy") {
    parts.contradictions.clear(order.key);
    return "failure";
  }
  if (!isWrong404(true, parts.contradictions.seen(order.key, parts.clock.now()))) parts.copies.delete(order.key);
  return "neutral";
}

/** Does a copy need a new fetch, long enough before it goes stale? */
export function goesStaleSoon(copy: { readonly meta: Parameters<typeof copyAge>[0] } | null, now: Instant): boolean {
  return copy === null || copyAge(copy.meta, now).ttlLeft < copy.meta.ttl * 0.2;
}
