/** The catalogue of recoveries: the only list to edit for a new one. */
import type { Remedy } from "../ports/remedy.ts";
import { alert } from "./alert.ts";
import { holdBreaker } from "./hold-breaker.ts";
import { preScale } from "./pre-scale.ts";
import { quarantinePod } from "./quarantine-pod.ts";
import type { RemedyEntry, RemedyPorts } from "./remedy-entry.ts";
import { restartPod } from "./restart-pod.ts";
import { restartProcess } from "./restart-process.ts";
import { rolloutRestart } from "./rollout-restart.ts";
import { runCommand } from "./run-command.ts";
import { scaleUp } from "./scale-up.ts";

export type { RemedyEntry, RemedyPorts, Supervised } from "./remedy-entry.ts";

const ENTRIES: readonly RemedyEntry[] = [restartProcess, restartPod, quarantinePod, rolloutRestart, runCommand, alert, holdBreaker, scaleUp, preScale];

/** By name, as the configuration is handed it. */
export const REMEDIES: Readonly<Record<string, RemedyEntry>> = Object.fromEntries(ENTRIES.map((entry) => [entry.name, entry]));

/** Every remedy of the catalogue that can work with these ports, bound to them. */
export function makeRemedies(ports: RemedyPorts): ReadonlyMap<string, Remedy> {
  const made = ENTRIES.map((entry) => [entry.name, entry.make(ports)] as const);
  return new Map(made.flatMap(([name, remedy]) => (remedy === null ? [] : [[name, remedy] as const])));
}
