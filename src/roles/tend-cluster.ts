/** What a leader does in its cluster beside recovery: workloads are held at their claimed size, and what was done or held is noted at its object. */
import { createClusterNotes } from "../engine/cluster-notes.ts";
import type { Engine } from "../engine/engine.ts";
import { createSizeKeeper } from "../engine/size-keeper.ts";
import type { Ledger } from "../ports/ledger.ts";
import type { ClusterSide } from "./cluster-side.ts";
import type { DaemonParts } from "./ground.ts";

/** Begins; returns the steps that end it. */
export function tendCluster({ cluster, claims, mayAct }: ClusterSide, engine: Engine, ledger: Ledger, { clock, log }: DaemonParts): readonly (() => Promise<void> | void)[] {
  const troubled = (where: string, detail: string): void => log.error({ event: "trouble", where }, detail);
  const keeper = createSizeKeeper({ cluster, claims, clock, ledger, mayAct: async () => mayAct(), troubled });
  const notes = createClusterNotes({ cluster, clock, troubled });
  const unsubscribe = engine.subscribe(notes.listener);
  keeper.start();
  return [() => keeper.stop(), () => notes.stop(), unsubscribe];
}
