/**
 * Observe mode: decide and record, do not act. Asked last, so that a hold by `mode`
 * means that everything else would have allowed it.
 *
 * Destructive policies start this way on a new installation. Starting a process that
 * has exited takes nothing away, so it is done even then, unless the file itself says
 * `mode: observe`.
 */
import type { Guard } from "./guard.ts";
import { ALLOW, hold } from "./guard.ts";

export const mode: Guard = {
  name: "mode",
  ask: ({ policy, proposal }) => {
    if (policy.mode === "act") return ALLOW;
    if (proposal.gone && !proposal.destructive && policy.modeGiven !== true) return ALLOW;
    return hold("mode", `observe mode: would ${proposal.action} ${proposal.target}`, null);
  },
};
