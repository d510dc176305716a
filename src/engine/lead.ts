/**
 * The lead loop: candidates for one lease, of which one leads.
 *
 * Whoever leads renews; whoever waits looks. A leader that cannot renew says that it leads no more before
 * anybody else can, and one that ends gives the lease back, so that the next need not wait for its expiry.
 */
import { LEASE_TIMES, MAX_EPOCH, mayAct, nextLeaseMove, seeLease, type LeaseRecord, type Leadership, type LeaseTimes, type LeaseView } from "../core/lease.ts";
import type { Instant, Ms } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";
import { sleep } from "../ports/clock.ts";
import { LeaseError, type Lease } from "../ports/lease.ts";

export type LeadParts = {
  readonly lease: Lease;
  readonly clock: Clock;
  /** Of this very process: host name and something random. */
  readonly me: string;
  readonly times?: LeaseTimes;
  /** It leads from now on. */
  readonly won: (leadership: Leadership) => void;
  /** It leads no more; what it holds is to be let go at once. */
  readonly lost: (why: string) => void;
  /** The lease cannot be read or written; once until it can. */
  readonly troubled: (detail: string) => void;
};

export interface Lead {
  start(): void;
  /** Null while another one leads. */
  leadership(): Leadership | null;
  /** Renewed recently enough to change the world; to be asked just before each change. */
  mayAct(): boolean;
  /** Who holds it, as last read; "" where nobody does. */
  holder(): string;
  /** It leads under this epoch at least from its next renewal on: a lease that somebody has deleted begins at 1 again, below what was recorded elsewhere. */
  raise(epoch: number): void;
  /** Gives the lease back where it is held. */
  stop(): Promise<void>;
}

/** One try of reading or writing. Several must fit into the time a leader has to renew. */
const TRY_MS: Ms = 3_000;

export function createLead(parts: LeadParts): Lead {
  return new LeadLoop(parts);
}

class LeadLoop implements Lead {
  readonly #parts: LeadParts;
  readonly #times: LeaseTimes;
  readonly #stopping = new AbortController();
  #view: LeaseView | null = null;
  #leadership: Leadership | null = null;
  #troubled = false;
  #floor = 1;
  #running: Promise<void> = Promise.resolve();
  #cancelExpiry = (): void => {};

  constructor(parts: LeadParts) {
    this.#parts = parts;
    this.#times = parts.times ?? LEASE_TIMES;
  }

  start(): void {
    this.#running = this.#run();
  }

  leadership(): Leadership | null {
    return this.#leadership;
  }

  mayAct(): boolean {
    return mayAct(this.#leadership, this.#parts.clock.now(), this.#times);
  }

  holder(): string {
    return this.#view?.record?.holder ?? "";
  }

  raise(epoch: number): void {
    this.#floor = Math.min(MAX_EPOCH, Math.max(this.#floor, epoch));
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    const record = this.#view?.record;
    const held = this.#leadership !== null && record !== null && record !== undefined;
    this.#resign("shopkeeper is stopping");
    if (!held) return;
    try {
      await this.#within(new AbortController().signal, (signal) => this.#parts.lease.write({ holder: "", epoch: record.epoch }, record.version, signal));
    } catch {
      // It expires by itself.
    }
  }

  async #run(): Promise<void> {
    const { clock } = this.#parts;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const pause = await this.#step();
      await sleep(clock, pause, signal);
    }
  }

  /** Reads where that is needed, moves, and says how long to wait. */
  async #step(): Promise<Ms> {
    const { clock, me } = this.#parts;
    try {
      if (this.#leadership === null || this.#view === null) this.#see(await this.#within(this.#stopping.signal, (signal) => this.#parts.lease.read(signal)));
      const now = clock.now();
      const view = this.#view ?? { record: null, since: now };
      const move = nextLeaseMove(view, me, now, this.#times);
      if (move.kind === "wait") return Math.max(1, move.until - now);
      // Who has lost it, and finds that nobody took it, begins anew: what it wrote before is another leadership's.
      const epoch = move.kind === "create" ? 1 : move.kind === "take" ? move.epoch : move.over.epoch + (this.#leadership === null ? 1 : 0);
      await this.#write(Math.max(epoch, this.#floor), view.record?.version ?? null);
    } catch (error) {
      this.#trouble(error);
    }
    return this.#times.retry;
  }

  async #write(epoch: number, over: string | null): Promise<void> {
    const { clock, lease, me } = this.#parts;
    const sentAt = clock.now();
    const written = await this.#within(this.#stopping.signal, (signal) => lease.write({ holder: me, epoch }, over, signal));
    this.#troubled = false;
    if (written === "conflict") {
      // Somebody else wrote: who leads is only known after the next reading.
      this.#view = null;
      return this.#resign("the lease was changed by somebody else");
    }
    this.#see(written);
    this.#renewed(epoch, sentAt);
  }

  #see(record: LeaseRecord | null): void {
    this.#troubled = false;
    this.#view = seeLease(this.#view, record, this.#parts.clock.now());
    if (record?.holder !== this.#parts.me && this.#leadership !== null) this.#resign(`${record?.holder ?? "nobody"} holds the lease`);
  }

  #renewed(epoch: number, sentAt: Instant): void {
    const before = this.#leadership;
    this.#leadership = { epoch, since: before?.epoch === epoch ? before.since : this.#parts.clock.now(), renewedAt: sentAt };
    this.#expireAt(sentAt + this.#times.renewWithin);
    if (before?.epoch !== epoch) this.#parts.won(this.#leadership);
  }

  /** A leader must not learn from its next try, which may hang, that it came too late. */
  #expireAt(at: Instant): void {
    this.#cancelExpiry();
    this.#cancelExpiry = this.#parts.clock.after(at - this.#parts.clock.now(), () => this.#resign("the lease could not be renewed in time"));
  }

  #resign(why: string): void {
    this.#cancelExpiry();
    if (this.#leadership === null) return;
    this.#leadership = null;
    this.#parts.lost(why);
  }

  #trouble(error: unknown): void {
    if (this.#stopping.signal.aborted) return;
    // What became of a write that nobody answered is seen by reading.
    if (error instanceof LeaseError && error.code === "UNAVAILABLE" && this.#leadership !== null) this.#view = null;
    if (this.#troubled) return;
    this.#troubled = true;
    this.#parts.troubled(error instanceof Error ? error.message : String(error));
  }

  /** One try with a deadline of its own. */
  async #within<T>(outer: AbortSignal, attempt: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const own = new AbortController();
    const cancel = this.#parts.clock.after(TRY_MS, () => own.abort());
    const signal = AbortSignal.any([outer, own.signal]);
    let giveUp = (): void => {};
    const late = new Promise<never>((_, reject) => {
      giveUp = () => reject(new LeaseError("UNAVAILABLE", `no answer within ${TRY_MS} ms`));
      if (signal.aborted) giveUp();
      else signal.addEventListener("abort", giveUp, { once: true });
    });
    try {
      return await Promise.race([attempt(signal), late]);
    } finally {
      cancel();
      // Else the signal, and each try with it, stays for as long as the loop runs.
      signal.removeEventListener("abort", giveUp);
    }
  }
}
