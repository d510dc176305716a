/**
 * The processes a role keeps: how each is started, how it is known again, and which end with us.
 */
import type { Config, TargetConfig } from "../config/config.ts";
import { reveal } from "../config/secret.ts";
import type { TargetId } from "../core/target.ts";
import type { Processes, ProcessSpec } from "../ports/processes.ts";
import type { Supervised } from "../remedies/index.ts";

/** systemd's own TimeoutStopSec is what counts; this is how long we wait for it. */
const UNIT_STOP_GRACE_MS = 90_000;

/** How a target's process is started, as the remedies need it; null: we keep none for it. */
export function supervisedBy(config: Config): (target: TargetId) => Supervised | null {
  const byId = new Map(config.targets.map((target) => [target.id, supervisedOf(config, target)]));
  return (target) => byId.get(target) ?? null;
}

/** The marker each kept child carries in its environment, by target. */
export function markersOf(config: Config): ReadonlyMap<TargetId, string> {
  return new Map(config.targets.flatMap((target) => (target.process === null ? [] : [[target.id, markerOf(config, target.id)]])));
}

/**
 * Stops the children that are to end with us; the others run on and are adopted at the next start.
 *
 * @param kept markers of children to leave alone
 */
export async function stopWithUs(config: Config, processes: Processes, kept: ReadonlySet<string>): Promise<void> {
  const ending = config.targets.filter((target) => target.process?.onExit === "stop" && !kept.has(markerOf(config, target.id)));
  await Promise.all(ending.map((target) => stopAll(processes, markerOf(config, target.id), target.process?.stopGrace ?? 0)));
}

async function stopAll(processes: Processes, marker: string, graceMs: number): Promise<void> {
  const found = await processes.find(marker);
  await Promise.all(found.map(({ ref }) => processes.stop(ref, graceMs)));
}

function supervisedOf(config: Config, target: TargetConfig): Supervised | null {
  if (target.unit !== null) return { kind: "unit", unit: target.unit, stopGrace: UNIT_STOP_GRACE_MS };
  if (target.process === null) return null;
  return { kind: "child", spec: specOf(config, target.id, target.process), stopGrace: target.process.stopGrace };
}

function specOf(config: Config, target: TargetId, { command, cwd, env, logFile }: NonNullable<TargetConfig["process"]>): Omit<ProcessSpec, "intentId"> {
  const revealed = Object.fromEntries(Object.entries(env).map(([name, value]) => [name, reveal(value)]));
  return { command, cwd, env: revealed, marker: markerOf(config, target), logFile };
}

/** Two installations on one host may have the same names: the folder tells them apart, so that neither touches the other's children. */
function markerOf(config: Config, target: TargetId): string {
  return `${config.site}/${target}@${config.folder}`;
}
