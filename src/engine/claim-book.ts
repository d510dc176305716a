/**
 * The claims on workloads' sizes, in memory and in the state store, under `claims/WORKLOAD`.
 *
 * One change at a time, and in memory only once it is stored, so that the two cannot tell different stories.
 */
import type { Claim, WorkloadClaims } from "../core/claims.ts";
import { BASE, claim, withdraw } from "../core/claims.ts";
import type { Instant, Ms } from "../core/time.ts";
import type { ClaimBook } from "../ports/claim-book.ts";
import { MAX_CLAIMED_WORKLOADS } from "../ports/claim-book.ts";
import type { StateStore } from "../ports/state-store.ts";
import type { HeldSize } from "../ports/workload-size.ts";
import { parseClaims } from "./claim-json.ts";

export type { ClaimBook } from "../ports/claim-book.ts";

const PREFIX = "claims/";
/** An autoscaler that nobody asked about for this long may have caught up meanwhile. */
const FORGET_SHORT_MS: Ms = 60_000;

export interface StoredClaims extends ClaimBook {
  /** Reads what is stored, in place of what is known: at the start, and when one begins to lead. @returns stored keys that could not be understood. @throws {StateStoreError} */
  load(): Promise<readonly string[]>;
}

export function createClaimBook(store: StateStore): StoredClaims {
  return new ClaimsInStore(store);
}

class ClaimsInStore implements StoredClaims {
  readonly #store: StateStore;
  readonly #kept = new Map<string, WorkloadClaims>();
  readonly #short = new Map<string, { readonly since: Instant; readonly asked: Instant }>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(store: StateStore) {
    this.#store = store;
  }

  async load(): Promise<readonly string[]> {
    return this.#next(async () => {
      const rows = await this.#store.list(PREFIX, MAX_CLAIMED_WORKLOADS);
      const bad: string[] = [];
      this.#kept.clear();
      for (const row of rows) {
        const kept = parseClaims(row.value);
        if (kept === null) bad.push(row.key);
        else this.#kept.set(kept.workload, kept);
      }
      return bad;
    });
  }

  all(): readonly WorkloadClaims[] {
    return [...this.#kept.values()];
  }

  get(workload: string): WorkloadClaims | null {
    return this.#kept.get(workload) ?? null;
  }

  async claim(workload: string, made: Claim, { of, name, size }: HeldSize, now: Instant): Promise<WorkloadClaims> {
    return this.#next(async () => {
      const known = this.get(workload);
      if (known === null && this.#kept.size >= MAX_CLAIMED_WORKLOADS) throw new RangeError(`at most ${MAX_CLAIMED_WORKLOADS} workloads may have claims`);
      // Another object sizes it now: what was found or written before says nothing of that one.
      const same = known !== null && known.of === of && known.name === name ? known : null;
      const others = same?.claims ?? known?.claims.filter(({ holder }) => holder !== BASE) ?? [];
      const base: Claim = { holder: BASE, size, until: null, why: "its size before the first claim" };
      const claims = claim(same === null ? claim(others, base, now) : others, made, now);
      return this.#put({ workload, claims, of, name, written: same?.written ?? size, left: same?.left ?? null });
    });
  }

  async withdraw(workload: string, holder: string): Promise<void> {
    await this.#change(workload, (kept) => ({ ...kept, claims: withdraw(kept.claims, holder) }));
  }

  async wrote(workload: string, size: number): Promise<void> {
    await this.#change(workload, (kept) => (kept.written === size && kept.left === null ? kept : { ...kept, written: size, left: null }));
  }

  async leave(workload: string, left: { readonly wanted: number; readonly manager: string }): Promise<void> {
    await this.#change(workload, (kept) => ({ ...kept, left }));
  }

  async forget(workload: string): Promise<void> {
    await this.#next(async () => {
      await this.#store.delete(PREFIX + workload);
      this.#kept.delete(workload);
      this.#short.delete(workload);
    });
  }

  shortSince(workload: string, short: boolean, now: Instant): Instant | null {
    const known = this.#short.get(workload);
    this.#short.delete(workload);
    if (!short) return null;
    const since = known === undefined || now - known.asked > FORGET_SHORT_MS ? now : known.since;
    this.#short.set(workload, { since, asked: now });
    const [oldest] = this.#short.keys();
    if (this.#short.size > MAX_CLAIMED_WORKLOADS && oldest !== undefined) this.#short.delete(oldest);
    return since;
  }

  async #change(workload: string, to: (kept: WorkloadClaims) => WorkloadClaims): Promise<void> {
    await this.#next(async () => {
      const kept = this.get(workload);
      if (kept === null) return;
      const next = to(kept);
      if (next !== kept) await this.#put(next);
    });
  }

  async #put(next: WorkloadClaims): Promise<WorkloadClaims> {
    await this.#store.put(PREFIX + next.workload, JSON.stringify(next));
    this.#kept.set(next.workload, next);
    return next;
  }

  #next<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return done;
  }
}
