/** A pair whose API server is away for a while, in which a pod falls ill: nothing is done, it is said why, and after the return it goes on by itself. */
import { setTimeout as pause } from "node:timers/promises";
import type { ApiServer } from "./api-server.ts";
import { evictionsIn, type Evicted } from "./evictions.ts";
import { leads, startPair } from "./pair.ts";
import { recovered } from "./pair-round.ts";
import { holds } from "./processes.ts";

type Answer = { readonly status: number; readonly body: unknown };

export type AwayResult = {
  /** What the status is answered by each of the two while it was away. */
  readonly status: readonly Answer[];
  /** What the probes of the kubelet were answered then. */
  readonly live: readonly Answer[];
  readonly leading: readonly boolean[];
  readonly evictions: readonly Evicted[];
  readonly illUid: string;
  /** From the return until the shop was well again. */
  readonly recoveredMs: number;
};

export async function runAway(api: ApiServer, options: { readonly namespace: string; readonly awayMs: number; readonly withinMs: number; readonly lease?: string }): Promise<AwayResult> {
  await using pair = await startPair(api, { ...options, graceMs: 200, sameName: false });
  const [ill] = pair.pods;
  if (ill === undefined) throw new Error("no pods");
  const both = [pair.leader, pair.other];
  await api.kill();
  ill.sidecar.verdict = "unhealthy";
  if (!(await holds(async () => !(await leads(pair.leader)), options.withinMs))) throw new Error("it leads on without its API server");
  await pause(options.awayMs);
  const seen = {
    status: await Promise.all(both.map(({ singleton }) => singleton.answer("admin", "/api/v1/status"))),
    live: await Promise.all(both.map(({ singleton }) => singleton.answer("health", "/health/live"))),
    leading: await Promise.all(both.map(leads)),
  };
  const since = performance.now();
  await api.restart();
  await recovered(pair, ill.uid, options.withinMs);
  return { ...seen, evictions: evictionsIn(api.auditLog, options.namespace), illUid: ill.uid, recoveredMs: performance.now() - since };
}
