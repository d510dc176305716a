/**
 * A role is a preset of parts.
 */
import type { Role } from "../config/config.ts";

export type RoleParts = {
  /** Starts and adopts the targets' processes. */
  readonly supervises: boolean;
  /** The data path. */
  readonly gateway: boolean;
  /** Watches local applications between checks. */
  readonly pulse: boolean;
  readonly admin: boolean;
  /** Where state is kept: as configured, or always in memory (a sidecar's disk dies with its pod). */
  readonly stores: "configured" | "memory";
  /** One of several in a cluster, of which one acts at a time. */
  readonly leads: boolean;
  /** Looks at regions from outside and votes; nothing else. */
  readonly votes: boolean;
};

const STANDALONE: RoleParts = { supervises: true, gateway: true, pulse: true, admin: true, stores: "configured", leads: false, votes: false };

/** The parts of a role. */
export function partsOf(role: Role): RoleParts {
  switch (role) {
    case "standalone":
      return STANDALONE;
    case "sidecar":
      return { ...STANDALONE, supervises: false, stores: "memory" };
    case "singleton":
      return { ...STANDALONE, supervises: false, gateway: false, pulse: false, leads: true };
    case "witness":
      return { ...STANDALONE, supervises: false, gateway: false, pulse: false, admin: false, stores: "memory", votes: true };
  }
}
