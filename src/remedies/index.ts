/** The catalogue of recoveries: the only list to edit for a new one. */
import type { Remedy } from "../ports/remedy.ts";
import { alert } from "./alert.ts";
import { holdBreaker } from "./hold-breaker.ts";
import type { RemedyEntry, RemedyPorts } from "./remedy-entry.ts";
import { restartProcess } from "./restart-process.ts";
import { runCommand } from "./run-command.ts";

export type { RemedyEntry, RemedyPorts, Supervised } from "./remedy-entry.ts";

const ENTRIES: readonly RemedyEntry[] = [restartProcess, runCommand, alert, holdBreaker];

/** By name, as the configuration is handed it. */
export const REMEDIES: Readonly<Record<string, RemedyEntry>> = Object.fromEntries(ENTRIES.map((entry) => [entry.name, entry]));

/** Every remedy of the catalogue, bound to its ports. */
export function makeRemedies(ports: RemedyPorts): ReadonlyMap<string, Remedy> {
  return new Map(ENTRIES.map((entry) => [entry.name, entry.make(ports)]));
}
