/**
 * What can go wrong with the Storefront API, and to which calls.
 *
 * The first rule that matches a call decides its fault; `latency` rules add up
 * and combine with it. Chance comes from a seeded generator: the same rules and
 * the same calls give the same faults.
 */

/** Which calls a rule touches: all of them unless narrowed. */
type Scope = {
  /** A regular expression over the operation's name, such as `^Product$`. */
  readonly op?: string;
  /** Share of matching calls, 0 to 1; 1 by default. */
  readonly rate?: number;
  /** Calls touched before the rule is spent; unlimited by default. */
  readonly count?: number;
};

/** Closed: the simulator's switch over it is exhaustive. Durations are milliseconds. */
export type Fault =
  /** An HTTP status with an error body; `retryAfter` is in seconds. */
  | { readonly kind: "status"; readonly status: number; readonly retryAfter?: number }
  /** 200 with the `THROTTLED` error. */
  | { readonly kind: "throttled" }
  /** 430 Shopify Security Rejection. */
  | { readonly kind: "blocked" }
  /** 200, no data, `INTERNAL_SERVER_ERROR`. */
  | { readonly kind: "gqlerror" }
  /** 200 with data and an error beside it. */
  | { readonly kind: "partial" }
  /** No answer, ever; the connection stays open. */
  | { readonly kind: "hang" }
  /** The connection is reset. */
  | { readonly kind: "reset" }
  /** 200, the right length promised, half of the body sent, then the connection closes. */
  | { readonly kind: "truncate" }
  /** 200 with a page of HTML, as a bot challenge in between would answer. */
  | { readonly kind: "html" }
  /** The right answer in pieces of 64 bytes, `ms` apart. */
  | { readonly kind: "drip"; readonly ms?: number };

export type Latency = { readonly kind: "latency"; readonly ms: number; readonly jitterMs?: number };

export type FaultRule = Scope & (Fault | Latency);

export type Decision = { readonly delayMs: number; readonly fault: Fault | null };

export type FaultPlan = {
  readonly rules: () => readonly FaultRule[];
  /** Replaces all rules and starts the generator again from `seed`. */
  readonly set: (rules: readonly FaultRule[], seed?: number) => void;
  /** What happens to the next call of this operation; spends `count`s. */
  readonly decide: (operation: string) => Decision;
};

/** Typed by the union: a kind added there and forgotten here does not compile. */
const KINDS: Readonly<Record<FaultRule["kind"], true>> = {
  status: true,
  throttled: true,
  blocked: true,
  gqlerror: true,
  partial: true,
  hang: true,
  reset: true,
  truncate: true,
  html: true,
  drip: true,
  latency: true,
};

export function isFaultRule(value: unknown): value is FaultRule {
  if (typeof value !== "object" || value === null || !("kind" in value) || typeof value.kind !== "string") return false;
  if (value.kind === "status") return "status" in value && typeof value.status === "number";
  if (value.kind === "latency") return "ms" in value && typeof value.ms === "number";
  return Object.hasOwn(KINDS, value.kind);
}

export function createFaultPlan(): FaultPlan {
  let live: { readonly rule: FaultRule; readonly matches: RegExp | null; left: number }[] = [];
  let chance = generator(1);

  return {
    rules: () => live.map(({ rule }) => rule),
    set: (rules, seed = 1) => {
      chance = generator(seed);
      live = rules.map((rule) => ({
        rule,
        matches: rule.op === undefined ? null : new RegExp(rule.op),
        left: rule.count ?? Number.POSITIVE_INFINITY,
      }));
    },
    decide: (operation) => {
      let delayMs = 0;
      let fault: Fault | null = null;
      for (const entry of live) {
        const { rule, matches } = entry;
        if (entry.left === 0 || (matches && !matches.test(operation))) continue;
        if (rule.rate !== undefined && chance() >= rule.rate) continue;
        if (rule.kind === "latency") delayMs += rule.ms + chance() * (rule.jitterMs ?? 0);
        else if (fault) continue;
        else fault = rule;
        entry.left -= 1;
      }
      return { delayMs, fault };
    },
  };
}

/** Mulberry32: small, seeded, and even enough to pick faults with. From 0 up to 1. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
