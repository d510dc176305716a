/**
 * What a row is, and what it is handed.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Line } from "./table.ts";

export type Bench = {
  /** Fewer and shorter rounds: for a look, not for figures to quote. */
  readonly quick: boolean;
  /** Of the row `rto`. */
  readonly regions: RegionsSettings;
  /** A line of progress. */
  readonly say: (text: string) => void;
};

export type RegionsSettings = {
  /** Of each kind of loss. */
  readonly failovers: number;
  /** The caching resolver keeps answers for as long as it is told. */
  readonly honestTtl: boolean;
  readonly enterprise: boolean;
  /** Proxies between the regions, also where each could be a host of its own. */
  readonly roads: boolean;
  /** Side by side. */
  readonly scenes: number;
};

export type Row = {
  readonly name: string;
  /** One sentence: what is measured, and how. */
  readonly about: string;
  /** A budget that is missed is an exit code of 1: it is a promise, not a speed of this machine. */
  readonly mustHold?: boolean;
  readonly run: (bench: Bench) => Promise<readonly Line[]>;
};

/** What a row opened, closed in reverse order when the row ends, however it ends. */
export class Opened implements AsyncDisposable {
  readonly #closing: (() => Promise<void> | void)[] = [];
  readonly folder: string;

  constructor() {
    const folder = mkdtempSync(join(tmpdir(), "shopkeeper-bench-"));
    this.folder = folder;
    this.#closing.push(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  }

  /** Hands its argument back, to be stopped at the end. */
  keep<T extends { stop(): Promise<void> | void }>(one: T): T {
    this.#closing.push(() => one.stop());
    return one;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const close of this.#closing.toReversed()) await close();
  }
}
