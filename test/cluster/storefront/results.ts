/** Results that outlive a run which was cut short; those of other images or manifests do not count. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Result } from "./measure.ts";

type Kept = { readonly of: string; readonly results: readonly Result[] };

/** @param of what was measured: images and manifests. */
export function keptResults(file: string, of: string): readonly Result[] {
  try {
    const kept = JSON.parse(readFileSync(file, "utf8")) as Kept;
    return kept.of === of ? kept.results : [];
  } catch {
    // None yet, or half of one.
    return [];
  }
}

export function keepResults(file: string, of: string, results: readonly Result[]): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.part`, `${JSON.stringify({ of, results } satisfies Kept, null, 2)}\n`);
  renameSync(`${file}.part`, file);
}
