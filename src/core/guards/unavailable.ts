/** The remedy is not in this version, needs what is not configured, or cannot do it as things stand: only recorded. */
import type { Guard } from "./guard.ts";
import { ALLOW, hold } from "./guard.ts";

export const unavailable: Guard = {
  name: "unavailable",
  ask: ({ policy, proposal: { wait } }) => {
    if (policy.unavailable !== null) return hold("unavailable", `would ${policy.action}, but ${policy.unavailable}`, null);
    return wait?.guard === "unavailable" ? hold("unavailable", wait.reason, wait.until) : ALLOW;
  },
};
