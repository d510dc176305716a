/**
 * Alerts that must not be lost: stored first, sent in the background, sent again after a crash.
 *
 * Receivers deduplicate by key and state, so at-least-once is enough. Bounded: beyond
 * `MAX_WAITING` the oldest of the least severe is dropped, and that is said.
 */
import type { Alert, AlertSeverity } from "../core/alert.ts";
import type { Ms } from "../core/time.ts";
import type { AlertOutbox } from "../ports/alert-outbox.ts";
import type { Alerts } from "../ports/alerts.ts";
import type { Clock } from "../ports/clock.ts";
import type { Ledger } from "../ports/ledger.ts";
import type { StateStore } from "../ports/state-store.ts";
import { parseWaiting } from "./outbox-json.ts";
import type { Waiting } from "./outbox-json.ts";

export const MAX_WAITING = 200;
/** Between attempts for one alert, after the sender's own retries. */
const AGAIN_MS: Ms = 60_000;
/** An alert that nobody took for this long is given up; the ledger has it. */
const GIVE_UP_MS: Ms = 24 * 3_600_000;
const PREFIX = "outbox/";
const RANK: Readonly<Record<AlertSeverity, number>> = { info: 0, notify: 1, page: 2 };

export type OutboxParts = {
  readonly store: StateStore;
  readonly alerts: Alerts;
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly problem: (text: string) => void;
};

export interface Outbox extends AlertOutbox {
  /** Reads what an earlier process left and begins to send it. */
  resume(): Promise<void>;
  /** Resolves when nothing is being sent; what failed may still wait for its next attempt. */
  idle(): Promise<void>;
  /** Stops sending; what was not delivered stays stored. */
  close(): Promise<void>;
}

export function createOutbox(parts: OutboxParts): Outbox {
  return new StoredOutbox(parts);
}

class StoredOutbox implements Outbox {
  readonly #parts: OutboxParts;
  readonly #waiting = new Map<string, Waiting>();
  readonly #sending = new Map<string, Promise<void>>();
  readonly #timers = new Map<string, () => void>();
  readonly #stop = new AbortController();

  constructor(parts: OutboxParts) {
    this.#parts = parts;
  }

  async resume(): Promise<void> {
    for (const row of await this.#parts.store.list(PREFIX, MAX_WAITING * 2)) {
      const waiting = parseWaiting(row.value);
      if (waiting === null) this.#parts.problem(`stored alert ${row.key} cannot be understood; it is left where it is`);
      else this.#waiting.set(row.key, waiting);
    }
    for (const key of this.#waiting.keys()) this.#begin(key);
  }

  async enqueue(route: string, alert: Alert): Promise<void> {
    const key = `${PREFIX}${route}/${alert.key}/${alert.state}`.slice(0, 512);
    const waiting = { route, alert };
    await this.#makeRoom(key);
    const before = this.#waiting.get(key);
    // Seen before it is stored: whoever has just delivered the version before must not delete this one.
    this.#waiting.set(key, waiting);
    try {
      await this.#parts.store.put(key, JSON.stringify(waiting));
    } catch (error) {
      if (this.#waiting.get(key) === waiting) this.#restore(key, before);
      throw error;
    }
    this.#begin(key);
  }

  async idle(): Promise<void> {
    while (this.#sending.size > 0) await Promise.all(this.#sending.values());
  }

  async close(): Promise<void> {
    this.#stop.abort();
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
    await this.idle();
  }

  #begin(key: string): void {
    if (this.#stop.signal.aborted || this.#sending.has(key)) return;
    this.#timers.get(key)?.();
    this.#timers.delete(key);
    const sending = this.#send(key)
      .catch((error: unknown) => {
        this.#parts.problem(`alert: ${error instanceof Error ? error.message : "could not be sent"}`);
        this.#later(key);
      })
      .finally(() => {
        if (this.#sending.get(key) === sending) this.#sending.delete(key);
        // A newer version came while the older was being forgotten.
        if (this.#waiting.has(key) && !this.#timers.has(key)) this.#begin(key);
      });
    this.#sending.set(key, sending);
  }

  async #send(key: string): Promise<void> {
    const waiting = this.#waiting.get(key);
    if (waiting === undefined) return;
    const { route, alert } = waiting;
    const delivery = await this.#parts.alerts.send(route, alert, this.#stop.signal);
    // A newer version took its place while this one was on its way.
    if (this.#waiting.get(key) !== waiting) return this.#later(key, 0);
    const tooOld = this.#parts.clock.now() - alert.at > GIVE_UP_MS;
    if (delivery.kind === "failed" && !tooOld) return this.#later(key);
    const text = delivery.kind === "delivered" ? `told ${route}: ${alert.summary}` : `could not tell ${route} (${delivery.detail}): ${alert.summary}`;
    await this.#note(alert, route, text, delivery.kind);
    if (this.#waiting.get(key) !== waiting) return this.#later(key, 0);
    this.#waiting.delete(key);
    await this.#parts.store.delete(key);
  }

  #restore(key: string, before: Waiting | undefined): void {
    if (before === undefined) this.#waiting.delete(key);
    else this.#waiting.set(key, before);
  }

  #later(key: string, delay: Ms = AGAIN_MS): void {
    if (this.#stop.signal.aborted) return;
    this.#timers.get(key)?.();
    this.#timers.set(key, this.#parts.clock.after(delay, () => this.#begin(key)));
  }

  async #note(alert: Alert, route: string, text: string, delivery: string): Promise<void> {
    await this.#parts.ledger.append({
      at: this.#parts.clock.now(), kind: "alert", target: alert.target, subject: alert.reason, text, who: "shopkeeper", actionId: "",
      details: { key: alert.key, state: alert.state, severity: alert.severity, route, delivery }, foldKey: `${alert.key}/${alert.state}/${delivery}`,
    });
  }

  async #makeRoom(key: string): Promise<void> {
    if (this.#waiting.has(key) || this.#waiting.size < MAX_WAITING) return;
    const [victim] = [...this.#waiting].toSorted(([, a], [, b]) => RANK[a.alert.severity] - RANK[b.alert.severity] || a.alert.at - b.alert.at);
    if (victim === undefined) return;
    this.#parts.problem(`alert dropped, ${MAX_WAITING} wait already: ${victim[1].alert.summary}`);
    await this.#parts.store.delete(victim[0]);
    this.#waiting.delete(victim[0]);
  }
}
