/**
 * What others told the engine: where passive evidence, breakers and the gateway are read, each target's last trouble and
 * last known start. Of a target that is gone nothing is kept.
 */
import type { BreakerView } from "../core/breaker.ts";
import type { Evidence } from "../core/evidence.ts";
import type { GatewayView } from "../core/gateway-view.ts";
import type { TargetId } from "../core/target.ts";
import type { Instant } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";
import type { Trouble } from "./explain.ts";
import type { Judge } from "./judge.ts";
import type { Standing } from "./standing.ts";
import type { RecoveryView } from "./take-scene.ts";

export class Told {
  readonly evidence = new Map<TargetId, () => Evidence>();
  readonly troubles = new Map<TargetId, Trouble>();
  readonly startedAt = new Map<TargetId, Instant>();
  breakers: () => readonly BreakerView[] = () => [];
  gateway: () => GatewayView | null = () => null;

  /** What recovery reads of this, of what was judged, and of people's orders. */
  view(judge: Judge, standing: Standing, clock: Clock): RecoveryView {
    return {
      checks: () => judge.states(),
      flapping: () => judge.flapping(),
      evidence: () => new Map([...this.evidence].map(([target, read]) => [target, read()])),
      breakers: () => this.breakers(),
      pauses: () => standing.pauses(clock.now()),
      acknowledgements: () => standing.acknowledgements(clock.now()),
      startedAt: () => this.startedAt,
    };
  }

  forget(targets: readonly TargetId[]): void {
    for (const target of targets) for (const known of [this.evidence, this.troubles, this.startedAt]) known.delete(target);
  }
}
