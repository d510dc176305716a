/**
 * The provider as this daemon knows it: what was read last, and when to read again.
 *
 * Calm: every ten seconds, so that another's flip and a late write are seen within one such interval. In trouble: at
 * every step. A provider that fails is asked ever more rarely, and left alone for as long as it asks for.
 */
import type { RegionMark } from "../../core/region/mark.ts";
import type { Instant, Ms } from "../../core/time.ts";
import type { Clock } from "../../ports/clock.ts";
import { TRAFFIC_DEADLINE_MS, type Traffic, type TrafficEntry } from "../../ports/traffic.ts";
import { orElse } from "./in-time.ts";
import { errorOf, type Switched } from "./switching.ts";

export const READ_EVERY_MS: Ms = 10_000;
const FIRST_PAUSE: Ms = 2_000;
const MAX_PAUSE: Ms = 60_000;

export type ReadResult = { readonly kind: "read"; readonly entries: readonly TrafficEntry[] } | { readonly kind: "failed"; readonly why: string };

/** The provider cannot be read: since when, and why it could not be at last. */
export type Unread = { readonly since: Instant; readonly why: string };

export class ProviderDesk {
  readonly #traffic: Traffic;
  readonly #clock: Clock;
  #entries: readonly TrafficEntry[] | null = null;
  #readAt: Instant = Number.NEGATIVE_INFINITY;
  #notBefore: Instant = Number.NEGATIVE_INFINITY;
  #failures = 0;
  #reading = false;
  /** Since the last reading that succeeded: when and why the first one failed. */
  #unread: Unread | null = null;
  /** Grows with each act: what was read across one says nothing. */
  #acts = 0;
  /** What the newest act was to write. */
  #sought: Pick<RegionMark, "region" | "epoch"> | null = null;
  /** By entry: the version over which its write was accepted. */
  #over: ReadonlyMap<string, string> = new Map();
  #denied = false;

  constructor(traffic: Traffic, clock: Clock) {
    this.#traffic = traffic;
    this.#clock = clock;
  }

  entries(): readonly TrafficEntry[] {
    return this.#entries ?? [];
  }

  isDue(urgent: boolean): boolean {
    const now = this.#clock.now();
    return !this.#reading && now >= this.#notBefore && (urgent || now - this.#readAt >= READ_EVERY_MS);
  }

  /** Never rejects. null: an act began meanwhile, and what was read is older than that. */
  async read(signal: AbortSignal): Promise<ReadResult | null> {
    const acts = this.#acts;
    this.#reading = true;
    const result = await orElse<ReadResult & { readonly retryAfterMs?: Ms }>(
      this.#clock,
      TRAFFIC_DEADLINE_MS + 200,
      signal,
      async (own) => ({ kind: "read", entries: await this.#traffic.read(own) }),
      (error) => {
        const { why, retryAfterMs } = errorOf(error, "UNAVAILABLE");
        return { kind: "failed", why, retryAfterMs };
      },
    );
    this.#reading = false;
    const now = this.#clock.now();
    if (result.kind === "failed") {
      this.#failures += 1;
      this.#unread = { since: this.#unread?.since ?? now, why: result.why };
      this.#notBefore = now + Math.max(result.retryAfterMs ?? 0, Math.min(MAX_PAUSE, FIRST_PAUSE * 2 ** Math.min(this.#failures - 1, 5)));
      return result;
    }
    this.#failures = 0;
    this.#unread = null;
    if (acts !== this.#acts) return null;
    this.#entries = result.entries;
    this.#readAt = now;
    this.#compare(result.entries);
    return result;
  }

  /** null: the newest reading succeeded, or none was made. */
  unread(): Unread | null {
    return this.#unread;
  }

  /** An act begins, which is to write this mark. */
  begin(mark: RegionMark): void {
    this.#acts += 1;
    if (this.#sought?.region !== mark.region || this.#sought.epoch !== mark.epoch) this.#denied = false;
    this.#sought = mark;
    this.#over = new Map();
  }

  /**
   * The provider accepted the newest mark, and reading has shown every entry as it was before: that mark was never seen to
   * stand. Until it is.
   */
  isDenied(): boolean {
    return this.#denied;
  }

  /** What an act learned of entries, until they are read again, which is soon. */
  learn({ outcomes }: Switched): readonly TrafficEntry[] {
    // It was read back, so it has stood.
    if (outcomes.some(({ outcome }) => outcome.kind === "switched")) this.#denied = false;
    this.#over = new Map(outcomes.flatMap(({ entry, outcome }) => (outcome.kind === "switched" || outcome.kind === "overwritten" ? [[entry.name, entry.version] as const] : [])));
    const known = new Map(outcomes.flatMap(({ entry, outcome }) => (outcome.kind === "failed" ? [] : [[entry.name, outcome.kind === "switched" ? outcome.entry : outcome.found] as const])));
    this.#entries = this.entries().map((entry) => known.get(entry.name) ?? entry);
    this.#readAt = Number.NEGATIVE_INFINITY;
    return this.#entries;
  }

  #compare(entries: readonly TrafficEntry[]): void {
    const sought = this.#sought;
    if (sought === null) return;
    const written = entries.filter(({ name }) => this.#over.has(name));
    if (entries.some(({ mark }) => mark?.region === sought.region && mark.epoch === sought.epoch)) this.#denied = false;
    else if (written.length > 0 && written.every(({ name, version }) => this.#over.get(name) === version)) this.#denied = true;
  }
}
