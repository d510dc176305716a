/**
 * What the public name leads to, at the provider that decides it: DNS records, or the pools of a load balancer.
 *
 * A provider knows regions only by what it was configured with: for each of its entries the value (address, name, pool)
 * that leads to each region. It changes nothing but entries whose mark is this site's; see core/region/mark.ts.
 */
import type { RegionMark } from "../core/region/mark.ts";
import type { Ms } from "../core/time.ts";

/** Entries of one site at one provider. */
export const MAX_ENTRIES = 8;
/** Every method ends within this time, read back and all, whatever the provider does. */
export const TRAFFIC_DEADLINE_MS: Ms = 4_500;

/** One record, or one load balancer, as it was read. */
export type TrafficEntry = {
  /** Stable, unique at this provider: "shop.example.com A". */
  readonly name: string;
  /** The region whose value stands in it; null: a value that is no region's. */
  readonly leadsTo: string | null;
  /** What stands in it, for people: "203.0.113.7, proxied". At most 200 characters. */
  readonly value: string;
  /** How long resolvers may go on answering with the old value after a change; 0 where visitors never resolve anew (proxied, pools). */
  readonly staleForMs: Ms;
  /** null: it bears no mark of a site of ours. */
  readonly mark: RegionMark | null;
  /** Words in the mark's place that are not a mark; null: none. At most 100 characters. */
  readonly foreign: string | null;
  /** Opaque: everything of it that a change is compared with. Equal versions: nothing has changed. */
  readonly version: string;
  /**
   * Present: the provider itself decides what it leads to. It is steered through /health/region, never switched; `leadsTo` is
   * the region that is preferred. `unchecked`: by no health check at all, so it goes on leading to a region that is gone.
   */
  readonly steered?: "checked" | "unchecked";
};

export type SwitchOrder = {
  /** As it was read: a change is made over this, or not at all. */
  readonly entry: TrafficEntry;
  readonly to: string;
  readonly mark: RegionMark;
};

export type SwitchOutcome =
  /** It was read back as ordered. */
  | { readonly kind: "switched"; readonly entry: TrafficEntry }
  /** It was no longer as read, or the provider itself refused the late write; nothing was written. */
  | { readonly kind: "moved"; readonly found: TrafficEntry }
  /** Our write was accepted, but something else was read back: another writer came between. */
  | { readonly kind: "overwritten"; readonly found: TrafficEntry };

/**
 * `UNAUTHORIZED`: a token that is not accepted, or without the right; trying again cannot help until somebody grants it.
 * `NOT_FOUND`: no such zone, record or pool.
 * `NOT_OURS`: the entry bears no mark, another site's, or somebody's words. Nothing was written.
 * `INVALID`: the provider refuses the content. Nothing was written.
 * `RATE_LIMITED`: it asks to be left alone for `retryAfterMs`. Nothing was written.
 * `UNAVAILABLE`: no answer, or one that says nothing, before anything was sent that could change something.
 * `UNCERTAIN`: a change was sent and may have landed, or may yet land; what was read back, if it could be read at all, does not show it. Read before any repeat.
 */
export type TrafficErrorCode = "UNAUTHORIZED" | "NOT_FOUND" | "NOT_OURS" | "INVALID" | "RATE_LIMITED" | "UNAVAILABLE" | "UNCERTAIN";

export class TrafficError extends Error {
  override readonly name = "TrafficError";
  readonly code: TrafficErrorCode;
  /** Of RATE_LIMITED; else 0. At most five minutes. */
  readonly retryAfterMs: Ms;
  constructor(code: TrafficErrorCode, message: string, options: ErrorOptions & { readonly retryAfterMs?: Ms } = {}) {
    super(message, options);
    this.code = code;
    this.retryAfterMs = options.retryAfterMs ?? 0;
  }
}

/** One call as it would be sent, without its credentials. */
export type ProviderCall = { readonly method: string; readonly url: string; readonly body: string | null };

/** What was proven of the credentials, one sentence each. `wrong`: those of `findings` that speak against them; absent where all is well. */
export type RightsProof = { readonly ok: boolean; readonly findings: readonly string[]; readonly wrong?: readonly string[] };

/** Of findings, each of which is well or not. */
export function proofOf(findings: readonly { readonly ok: boolean; readonly text: string }[]): RightsProof {
  const wrong = findings.filter(({ ok }) => !ok).map(({ text }) => text);
  return { ok: wrong.length === 0, findings: findings.map(({ text }) => text), ...(wrong.length === 0 ? {} : { wrong }) };
}

/** All methods: @throws {TrafficError} */
export interface Traffic {
  /** "cloudflare_dns", "cloudflare_pools", "route53". */
  readonly kind: string;
  /** The provider itself refuses a write that was decided on what no longer stands. */
  readonly fencesLateWrites: boolean;
  /** Of every entry, in the order configured; at most MAX_ENTRIES. */
  read(signal: AbortSignal): Promise<readonly TrafficEntry[]>;
  /** Reads, compares with the order, writes once, reads back. Never writes twice. */
  switch(order: SwitchOrder, signal: AbortSignal): Promise<SwitchOutcome>;
  /** The calls that `switch` would make, in order; sends nothing. */
  calls(order: SwitchOrder): readonly ProviderCall[];
  /** Puts our mark beside an entry that bears no mark and no words, and whose value is a region's; changes nothing else of it. Only when a person asks. */
  adopt(entry: TrafficEntry, mark: RegionMark, signal: AbortSignal): Promise<SwitchOutcome>;
  /** Verifies the credentials, and proves that they may write by a write that changes nothing, on the shadow record where there is one. */
  proveRights(signal: AbortSignal): Promise<RightsProof>;
  close(): Promise<void>;
}
