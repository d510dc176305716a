/**
 * What remedies found in a cluster for policies that only observe.
 *
 * Nothing is done by it, so it need not be new. Asked anew at every step, two calls for each of hundreds of failing
 * pods would cost the daemon and the cluster more than all the watching.
 */
import type { TargetId } from "../core/target.ts";
import type { Instant, Ms } from "../core/time.ts";
import type { Prepared } from "../ports/remedy.ts";

const KEPT_MS: Ms = 60_000;
const MAX_KEPT = 5_000;

export class Findings {
  readonly #found = new Map<string, { readonly facts: Prepared; readonly until: Instant }>();

  /** null: nobody has looked, or too long ago. */
  of(policy: string, target: TargetId, now: Instant): Prepared | null {
    const found = this.#found.get(keyOf(policy, target));
    return found === undefined || now >= found.until ? null : found.facts;
  }

  /** Kept for a minute; what is to be waited for no longer than that wait. */
  keep(policy: string, target: TargetId, facts: Prepared, now: Instant): void {
    const key = keyOf(policy, target);
    // The oldest first, since each is put anew.
    this.#found.delete(key);
    this.#found.set(key, { facts, until: Math.min(now + KEPT_MS, facts.wait?.until ?? Infinity) });
    const [oldest] = this.#found.keys();
    if (this.#found.size > MAX_KEPT && oldest !== undefined) this.#found.delete(oldest);
  }
}

function keyOf(policy: string, target: TargetId): string {
  return `${policy}|${target}`;
}
