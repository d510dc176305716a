/** What others told the engine of its targets: where passive evidence is read, the last trouble, the last known start. Of a target that is gone nothing is kept. */
import type { Evidence } from "../core/evidence.ts";
import type { TargetId } from "../core/target.ts";
import type { Instant } from "../core/time.ts";
import type { Trouble } from "./explain.ts";

export class Told {
  readonly evidence = new Map<TargetId, () => Evidence>();
  readonly troubles = new Map<TargetId, Trouble>();
  readonly startedAt = new Map<TargetId, Instant>();

  readEvidence(): ReadonlyMap<TargetId, Evidence> {
    return new Map([...this.evidence].map(([target, read]) => [target, read()]));
  }

  forget(targets: readonly TargetId[]): void {
    for (const target of targets) for (const known of [this.evidence, this.troubles, this.startedAt]) known.delete(target);
  }
}
