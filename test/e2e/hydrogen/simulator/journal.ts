/** What the simulator was asked and how it answered: counters, and the last calls one by one. */
import type { IncomingHttpHeaders } from "node:http";

/** Entries of the log; older ones are forgotten. */
const MAX_ENTRIES = 500;
/** Names counted apart; what comes later is counted as `other`. */
const MAX_NAMES = 200;

/** Headers whose presence is counted, and whose value is logged unless it is a token. */
const WATCHED = [
  "x-shopify-storefront-access-token",
  "shopify-storefront-private-token",
  "shopify-storefront-buyer-ip",
  "x-shopify-client-ip",
  "cookie",
  "x-shopify-uniquetoken",
  "custom-storefront-request-group-id",
  "user-agent",
  "accept-encoding",
] as const;

export type Counts = Readonly<Record<string, number>>;

export type Stats = {
  readonly requests: number;
  readonly byOperation: Counts;
  readonly byOutcome: Counts;
  readonly inFlight: number;
  readonly maxInFlight: number;
  /** Calls whose client left before the answer was out. */
  readonly clientAborts: number;
  readonly sawHeader: Counts;
};

export type Entry = {
  readonly at: string;
  readonly operation: string;
  readonly variables: unknown;
  readonly headers: Readonly<Record<string, string>>;
  readonly outcome: string;
  readonly tookMs: number;
};

export type Journal = {
  /** Notes a call; the returned function notes its outcome, once: later calls of it do nothing. */
  readonly begin: (operation: string, variables: unknown, headers: IncomingHttpHeaders) => (outcome: string) => void;
  readonly clientLeft: () => void;
  readonly stats: () => Stats;
  readonly log: () => readonly Entry[];
  /** Forgets everything but the calls still open. */
  readonly clear: () => void;
};

export function createJournal(): Journal {
  let counters = newCounters(0);
  let entries: Entry[] = [];

  return {
    begin: (operation, variables, headers) => {
      const startedAt = performance.now();
      const at = new Date().toISOString();
      const seen = watched(headers);
      counters.requests += 1;
      bump(counters.byOperation, operation);
      for (const name of Object.keys(seen)) bump(counters.sawHeader, name);
      counters.inFlight += 1;
      counters.maxInFlight = Math.max(counters.maxInFlight, counters.inFlight);
      let open = true;
      return (outcome) => {
        if (!open) return;
        open = false;
        counters.inFlight -= 1;
        bump(counters.byOutcome, outcome);
        entries.push({ at, operation, variables, headers: seen, outcome, tookMs: Math.round(performance.now() - startedAt) });
        if (entries.length > MAX_ENTRIES) entries.shift();
      };
    },
    clientLeft: () => {
      counters.clientAborts += 1;
    },
    stats: () => ({
      ...counters,
      byOperation: Object.fromEntries(counters.byOperation),
      byOutcome: Object.fromEntries(counters.byOutcome),
      sawHeader: Object.fromEntries(counters.sawHeader),
    }),
    log: () => [...entries],
    clear: () => {
      counters = newCounters(counters.inFlight);
      entries = [];
    },
  };
}

function newCounters(inFlight: number) {
  return {
    requests: 0,
    byOperation: new Map<string, number>(),
    byOutcome: new Map<string, number>(),
    inFlight,
    maxInFlight: inFlight,
    clientAborts: 0,
    sawHeader: new Map<string, number>(),
  };
}

function bump(counts: Map<string, number>, name: string): void {
  const counted = counts.has(name) || counts.size < MAX_NAMES ? name : "other";
  counts.set(counted, (counts.get(counted) ?? 0) + 1);
}

function watched(headers: IncomingHttpHeaders): Record<string, string> {
  const present = WATCHED.flatMap((name) => {
    const value = headers[name];
    return value === undefined ? [] : [[name, name.includes("token") ? "(set)" : String(value)] as const];
  });
  return Object.fromEntries(present);
}
