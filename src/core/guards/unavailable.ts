/** The remedy is not in this version, or needs what is not configured: only recorded. */
import type { Guard } from "./guard.ts";
import { ALLOW, hold } from "./guard.ts";

export const unavailable: Guard = {
  name: "unavailable",
  ask: ({ policy }) => (policy.unavailable === null ? ALLOW : hold("unavailable", `would ${policy.action}, but ${policy.unavailable}`, null)),
};
