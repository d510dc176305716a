/**
 * What the leader of a region must not forget: the right mark and for how long it has stood, the incident, an act
 * without an outcome, what a person acknowledged, whom it has called. One row, so that one write is one step.
 *
 * Another daemon may go on from it, with another clock. So lengths of time are stored, never instants; while they matter
 * the row is written anew once a minute, so that a change of leaders makes a block a little longer, and never shorter.
 */
import type { Instant, Ms } from "../../core/time.ts";
import type { StateStore } from "../../ports/state-store.ts";
import { StateStoreError } from "../../ports/state-store.ts";
import { parseBook } from "./region-book-json.ts";
import { EMPTY_REGION_STATE, type RegionState } from "./region-state.ts";

const KEY = "region/state";
/** Between two writes of lengths of time that have only grown. */
const RENEW_MS: Ms = 60_000;

export class RegionBook {
  readonly #store: StateStore;
  #saved: RegionState = EMPTY_REGION_STATE;
  #savedAt: Instant = 0;
  #revision = 0;
  /** Written without an answer: it may be there all the same. */
  #unsure: string | null = null;
  #saving: Promise<void> = Promise.resolve();

  constructor(store: StateStore) {
    this.#store = store;
  }

  /** What the leader before left; a row that cannot be understood counts as none, and is written over. @throws {StateStoreError} */
  async load(now: Instant): Promise<{ readonly state: RegionState; readonly understood: boolean }> {
    const row = await this.#store.get(KEY);
    const state = row === null ? EMPTY_REGION_STATE : parseBook(row.value, now);
    this.#revision = row?.revision ?? 0;
    this.#saved = state ?? EMPTY_REGION_STATE;
    this.#savedAt = now;
    return { state: this.#saved, understood: state !== null };
  }

  /**
   * Durable when it resolves; writes only what has changed.
   * @throws {StateStoreError} also where another daemon has written since (`CORRUPT`): it leads, or did.
   */
  save(state: RegionState, now: Instant): Promise<void> {
    // One after the other: an act saves beside the steps, and must not take its own write for a stranger's.
    const saved = this.#saving.then(() => this.#save(state, now));
    this.#saving = saved.catch(() => undefined);
    return saved;
  }

  async #save(state: RegionState, now: Instant): Promise<void> {
    if (!this.#isDue(state, now)) return;
    const value = formatBook(state, now);
    let revision = await this.#put(value, this.#revision);
    if (revision === "conflict") revision = await this.#overOwn(value);
    if (revision === "conflict") throw new StateStoreError("CORRUPT", "the state of the regions was changed by another daemon");
    this.#revision = revision;
    this.#unsure = null;
    this.#saved = state;
    this.#savedAt = now;
  }

  async #put(value: string, over: number): Promise<number | "conflict"> {
    try {
      return await this.#store.put(KEY, value, over);
    } catch (error) {
      this.#unsure = value;
      throw error;
    }
  }

  /** A write of ours whose answer got lost is no other daemon's. */
  async #overOwn(value: string): Promise<number | "conflict"> {
    const row = await this.#store.get(KEY);
    if (row === null) return this.#put(value, 0);
    return row.value === this.#unsure ? this.#put(value, row.revision) : "conflict";
  }

  #isDue(state: RegionState, now: Instant): boolean {
    const before = this.#saved;
    const keys = Object.keys(state) as readonly (keyof RegionState)[];
    if (keys.some((key) => state[key] !== before[key])) return true;
    return now - this.#savedAt >= RENEW_MS && (state.memory !== null || state.incident !== null);
  }
}

function formatBook({ memory, acknowledged, incident, repairedAt, intent, firing }: RegionState, now: Instant): string {
  const ago = (at: Instant | null): Ms | null => (at === null ? null : now - at);
  return JSON.stringify({
    memory: memory === null ? null : { region: memory.region, epoch: memory.epoch, forMs: ago(memory.since), found: memory.found },
    acknowledged,
    incident: incident === null ? null : { about: incident.about, forMs: ago(incident.since), parity: incident.parity, readyForMs: ago(incident.readySince) },
    repairedAgoMs: repairedAt.map(ago),
    intent,
    // Keys of alerts are made of these, so they stay as they were.
    firing,
  });
}
