/** What the leader of a region must not forget, in memory and in its book: changed as a value, saved as one row. */
import type { Clock } from "../../ports/clock.ts";
import type { StateStore } from "../../ports/state-store.ts";
import { RegionBook } from "./region-book.ts";
import { EMPTY_REGION_STATE, type RegionState } from "./region-state.ts";
import type { RegionTeller } from "./region-told.ts";

export class KeptState {
  readonly #clock: Clock;
  readonly #teller: RegionTeller;
  readonly #book: RegionBook;
  #now: RegionState = EMPTY_REGION_STATE;
  #loaded = false;

  constructor({ clock, teller, store }: { readonly clock: Clock; readonly teller: RegionTeller; readonly store: StateStore }) {
    this.#clock = clock;
    this.#teller = teller;
    this.#book = new RegionBook(store);
  }

  get now(): RegionState {
    return this.#now;
  }

  /** The same value where nothing differs, so that nothing is saved for it. */
  set(change: Partial<RegionState>): void {
    const keys = Object.keys(change) as readonly (keyof RegionState)[];
    if (keys.some((key) => change[key] !== this.#now[key])) this.#now = { ...this.#now, ...change };
  }

  /** Reads what an earlier leader left, once. @returns false: it could not be read, which is told. */
  async load(): Promise<boolean> {
    if (this.#loaded) return true;
    try {
      const { state, understood } = await this.#book.load(this.#clock.now());
      if (!understood) this.#teller.troubled("state", "the stored state of the regions cannot be understood; it is begun anew");
      this.#now = state;
      this.#loaded = true;
    } catch (error) {
      this.#teller.troubled("state", error instanceof Error ? error.message : String(error));
    }
    return this.#loaded;
  }

  /** Forgets what it knows of the stored state, to read it again. */
  reload(): void {
    this.#loaded = false;
  }

  /** @throws {StateStoreError} see RegionBook. */
  save(): Promise<void> {
    return this.#book.save(this.#now, this.#clock.now());
  }
}
