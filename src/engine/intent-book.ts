/**
 * The stored intents, and what is known of them in memory.
 *
 * One writer: the daemon that leads. Each write names the revision it replaces, so that a
 * second writer is noticed and never overwritten.
 */
import type { Intent, IntentState } from "../core/intent.ts";
import type { TargetId } from "../core/target.ts";
import type { Instant, Ms } from "../core/time.ts";
import type { StateStore } from "../ports/state-store.ts";
import { StateStoreError } from "../ports/state-store.ts";
import { parseIntent } from "./intent-json.ts";

/** A stored action as guards count it. */
export type RecentAction = {
  readonly intentId: string;
  readonly policy: string;
  readonly action: string;
  readonly remedy: string;
  readonly target: TargetId;
  readonly workload: string;
  readonly cause: string;
  readonly attempt: number;
  readonly destructive: boolean;
  readonly who: string;
  /** When the intent was recorded. */
  readonly at: Instant;
  readonly phase: IntentState["phase"];
  /** When it was carried out; null when it was not, or nobody knows. */
  readonly doneAt: Instant | null;
  /** When it was resolved; null while it is open. */
  readonly endedAt: Instant | null;
};

/** Resolved intents are kept this long, and at most so many of them. */
export const KEEP_RESOLVED_MS: Ms = 24 * 3_600_000;
export const KEEP_RESOLVED = 500;
/** Intents deleted in one step. */
const PRUNE_STEP = 50;
/** Writes of one intent whose end is not known, remembered at most. */
const MAX_UNSURE = 4;
const PREFIX = "intent/";

type Entry = { readonly intent: Intent; readonly revision: number };

export class IntentBook {
  readonly #store: StateStore;
  readonly #entries = new Map<string, Entry>();
  /** By intent: what was written without an answer in time, so that it may be there all the same. */
  readonly #unsure = new Map<string, readonly string[]>();
  /** Asked at every look, so kept until an intent changes. */
  #open: readonly Intent[] | null = null;

  constructor(store: StateStore) {
    this.#store = store;
  }

  /**
   * Reads all stored intents.
   * @returns keys that could not be understood; they are left where they are.
   */
  async load(): Promise<readonly string[]> {
    const rows = await this.#store.list(PREFIX, KEEP_RESOLVED * 4);
    const bad: string[] = [];
    this.#entries.clear();
    this.#unsure.clear();
    this.#open = null;
    for (const row of rows) {
      const intent = parseIntent(row.value);
      if (intent === null) bad.push(row.key);
      else this.#set(intent.id, { intent, revision: row.revision });
    }
    return bad;
  }

  /** Records a new intent; durable when it resolves. */
  async record(intent: Intent): Promise<void> {
    const revision = await this.#store.put(PREFIX + intent.id, JSON.stringify(intent), 0);
    if (revision === "conflict") throw new StateStoreError("CORRUPT", `intent ${intent.id} is recorded already`);
    this.#set(intent.id, { intent, revision });
  }

  /** Replaces the state of a recorded intent; durable when it resolves. */
  async advance(id: string, state: IntentState): Promise<Intent> {
    const entry = this.#entries.get(id);
    if (entry === undefined) throw new StateStoreError("CORRUPT", `intent ${id} was never recorded`);
    const intent = { ...entry.intent, state };
    const value = JSON.stringify(intent);
    let revision = await this.#put(id, value, entry.revision);
    if (revision === "conflict") revision = await this.#putOverOwn(id, value);
    if (revision === "conflict") throw new StateStoreError("CORRUPT", `intent ${id} was changed by another process`);
    this.#set(id, { intent, revision });
    this.#unsure.delete(id);
    return intent;
  }

  async #put(id: string, value: string, over: number): Promise<number | "conflict"> {
    try {
      return await this.#store.put(PREFIX + id, value, over);
    } catch (error) {
      this.#unsure.set(id, [...(this.#unsure.get(id) ?? []), value].slice(-MAX_UNSURE));
      throw error;
    }
  }

  /**
   * A write of ours that missed its deadline may have landed since: it is no other process's, and must not block this intent for ever.
   * Nor must a store that was found damaged and begun anew: what it lost is known here.
   */
  async #putOverOwn(id: string, value: string): Promise<number | "conflict"> {
    const stored = await this.#store.get(PREFIX + id);
    if (stored === null) return this.#put(id, value, 0);
    if (this.#unsure.get(id)?.includes(stored.value) !== true) return "conflict";
    return this.#put(id, value, stored.revision);
  }

  get(id: string): Intent | null {
    return this.#entries.get(id)?.intent ?? null;
  }

  all(): readonly Intent[] {
    return [...this.#entries.values()]
      .map((entry) => entry.intent)
      .toSorted((a, b) => a.recordedAt - b.recordedAt || (a.id < b.id ? -1 : 1));
  }

  open(): readonly Intent[] {
    this.#open ??= this.all().filter((intent) => endedAt(intent.state) === null);
    return this.#open;
  }

  #set(id: string, entry: Entry): void {
    this.#entries.set(id, entry);
    this.#open = null;
  }

  /** What became of the actions recorded after `intent` on its target; refused ones did nothing. */
  after(intent: Intent): "none" | "under_way" | "done" {
    const all = this.all();
    const later = all.slice(all.findIndex((one) => one.id === intent.id) + 1).filter((one) => one.proposal.target === intent.proposal.target);
    if (later.some(({ state }) => state.phase !== "intended" && state.phase !== "refused")) return "done";
    return later.some(({ state }) => state.phase === "intended") ? "under_way" : "none";
  }

  /** Attempts before `intent` of the same episode, newest first: its workload and cause, back to attempt 1. */
  earlierAttempts(intent: Intent): readonly Intent[] {
    const { workload, cause } = intent.proposal;
    const all = this.all();
    const before = all.slice(0, all.findIndex((one) => one.id === intent.id)).filter(({ proposal }) => proposal.workload === workload && proposal.cause === cause);
    const found: Intent[] = [];
    for (let of = intent, at = before.length - 1; of.attempt > 1 && at >= 0; at -= 1) {
      const earlier = before[at];
      if (earlier === undefined || earlier.attempt >= of.attempt) break;
      found.push(earlier);
      of = earlier;
    }
    return found;
  }

  recent(now: Instant): readonly RecentAction[] {
    return this.all()
      .filter((intent) => intent.recordedAt > now - KEEP_RESOLVED_MS)
      .slice(-KEEP_RESOLVED)
      .map(recentAction);
  }

  /** Deletes resolved intents that are too old or too many, some at a time. */
  async prune(now: Instant): Promise<void> {
    const resolved = this.all().filter((intent) => endedAt(intent.state) !== null);
    const tooMany = resolved.length - KEEP_RESOLVED;
    const due = resolved.filter((intent, index) => index < tooMany || intent.recordedAt <= now - KEEP_RESOLVED_MS);
    for (const intent of due.slice(0, PRUNE_STEP)) {
      await this.#store.delete(PREFIX + intent.id);
      this.#entries.delete(intent.id);
      this.#unsure.delete(intent.id);
    }
  }
}

function recentAction(intent: Intent): RecentAction {
  const { policy, action, remedy, target, workload, cause, destructive } = intent.proposal;
  return {
    intentId: intent.id, policy, action, remedy, target, workload, cause, attempt: intent.attempt, destructive, who: intent.who,
    at: intent.recordedAt, phase: intent.state.phase, doneAt: "doneAt" in intent.state ? intent.state.doneAt : null, endedAt: endedAt(intent.state),
  };
}

/** When an intent was resolved; null while it is open. */
export function endedAt(state: IntentState): Instant | null {
  switch (state.phase) {
    case "intended":
    case "awaiting_verification":
      return null;
    case "verified":
      return state.verifiedAt;
    case "not_verified":
    case "refused":
    case "uncertain":
      return state.endedAt;
  }
}
