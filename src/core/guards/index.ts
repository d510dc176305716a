/**
 * Every guard, in the order of asking; the first hold is the reason that is recorded.
 *
 * What can never be comes first, then people's orders, then what explains the failure
 * away, then pace, then care for what still works. `mode` is last: a hold by it means
 * that everything else allowed the action.
 */
import { autoscaler } from "./autoscaler.ts";
import { backoff } from "./backoff.ts";
import { blame } from "./blame.ts";
import { blastRadius } from "./blast-radius.ts";
import { budget } from "./budget.ts";
import { cooldown } from "./cooldown.ts";
import { crashLoop } from "./crash-loop.ts";
import { disruption } from "./disruption.ts";
import { evidence } from "./evidence.ts";
import { flapping } from "./flapping.ts";
import { grace } from "./grace.ts";
import type { Guard } from "./guard.ts";
import { inFlight } from "./in-flight.ts";
import { kubelet } from "./kubelet.ts";
import { ladder } from "./ladder.ts";
import { lastCopy } from "./last-copy.ts";
import { mode } from "./mode.ts";
import { pause } from "./pause.ts";
import { settling } from "./settling.ts";
import { storm } from "./storm.ts";
import { suppressed } from "./suppressed.ts";
import { throttle } from "./throttle.ts";
import { unavailable } from "./unavailable.ts";
import { uncertain } from "./uncertain.ts";
import { unseen } from "./unseen.ts";
import { window } from "./window.ts";

export const GUARDS: readonly Guard[] = [
  unavailable,
  settling,
  pause,
  window,
  suppressed,
  inFlight,
  uncertain,
  // Escalation comes before freezing: a crash loop is not flapping.
  ladder,
  crashLoop,
  flapping,
  grace,
  kubelet,
  backoff,
  cooldown,
  throttle,
  blame,
  storm,
  evidence,
  lastCopy,
  blastRadius,
  unseen,
  disruption,
  autoscaler,
  budget,
  mode,
];

/** Those that need nothing a remedy would have to ask the world for. */
export const BEFORE_LOOKING: readonly Guard[] = GUARDS.slice(0, GUARDS.indexOf(unseen));

/** A person's own action ignores what paces and blocks us, never what keeps it safe. */
export const SAFETY_GUARDS: readonly Guard[] = [unavailable, inFlight, lastCopy, blastRadius, disruption, budget];
