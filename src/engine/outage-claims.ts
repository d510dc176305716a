/**
 * While the Storefront API cannot be reached, a workload keeps the pods it has.
 *
 * Then pages come from copies, which cost next to nothing: an autoscaler sees idle pods and takes them away, with
 * the copies they hold. So the size is claimed while it lasts, and two minutes longer.
 */
import { inForce } from "../core/claims.ts";
import type { Instant, Ms } from "../core/time.ts";
import type { ClaimBook } from "../ports/claim-book.ts";
import type { Clock } from "../ports/clock.ts";
import type { Cluster } from "../ports/cluster.ts";
import type { Troubled } from "../ports/events.ts";
import { readSize } from "../ports/workload-size.ts";
import type { FenceAnswer } from "./carry-out.ts";

export const OUTAGE = "outage";
const LASTS_MS: Ms = 120_000;
/** Renewed this long before its end. */
const RENEW_MS: Ms = 75_000;
const EVERY_MS: Ms = 15_000;

export type OutageClaimsParts = {
  readonly cluster: Cluster;
  readonly claims: ClaimBook;
  readonly clock: Clock;
  readonly workloads: readonly string[];
  readonly mayAct: () => FenceAnswer;
  readonly troubled: (where: Troubled["where"], detail: string) => void;
};

export class OutageClaims {
  readonly #parts: OutageClaimsParts;
  readonly #stopping = new AbortController();
  #since: Instant | null = null;
  #told = "";
  #round: Promise<void> = Promise.resolve();
  #cancel: () => void = () => {};

  constructor(parts: OutageClaimsParts) {
    this.#parts = parts;
  }

  /** The Storefront API is called unhealthy since then; null: it is not. */
  outage(since: Instant | null): void {
    const before = this.#since;
    this.#since = since;
    if (since !== null && before === null) this.#next();
  }

  /** Resolves when the round that runs has ended. */
  idle(): Promise<void> {
    return this.#round;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#cancel();
    await this.#round;
  }

  #next(): void {
    this.#cancel();
    if (this.#since === null || this.#stopping.signal.aborted) return;
    this.#round = this.#round.then(() => this.#claimAll());
    this.#cancel = this.#parts.clock.after(EVERY_MS, () => this.#next());
  }

  async #claimAll(): Promise<void> {
    for (const workload of this.#parts.workloads) {
      if (this.#stopping.signal.aborted || this.#since === null || this.#parts.mayAct().kind !== "clear") return;
      try {
        await this.#claim(workload);
        this.#told = "";
      } catch (error) {
        this.#tell(`the size of ${workload} cannot be claimed for the outage: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }

  async #claim(workload: string): Promise<void> {
    const { cluster, claims, clock } = this.#parts;
    const now = clock.now();
    const own = inForce(claims.get(workload)?.claims ?? [], now).find(({ holder }) => holder === OUTAGE);
    if (own !== undefined && (own.until ?? Infinity) - now > RENEW_MS) return;
    const found = await readSize(cluster, workload, this.#stopping.signal);
    // Where nothing sizes it, nothing takes its pods away.
    if (found?.autoscaler == null || this.#parts.mayAct().kind !== "clear") return;
    const size = own?.size ?? Math.max(found.autoscaler.current, found.size);
    await claims.claim(workload, { holder: OUTAGE, size, until: now + LASTS_MS, why: "the Storefront API cannot be reached, and pods hold the copies" }, found, now);
  }

  #tell(detail: string): void {
    if (this.#told === detail || this.#stopping.signal.aborted) return;
    this.#told = detail;
    this.#parts.troubled("cluster", detail);
  }
}
