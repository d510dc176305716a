/** Starts a daemon of whichever role. */
import { startDaemon, type Daemon } from "./daemon.ts";
import type { DaemonParts } from "./ground.ts";

export async function startRole(parts: DaemonParts): Promise<Daemon> {
  if (parts.parts.votes) return (await import("./witness.ts")).startWitness(parts);
  return parts.parts.leads ? (await import("./singleton.ts")).startSingleton(parts) : startDaemon(parts);
}
