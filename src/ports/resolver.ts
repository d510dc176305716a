/** Names to addresses, where the addresses themselves are what is wanted: the pods behind a headless Service. */
import type { Ms } from "../core/time.ts";

export type Resolved =
  /** At least one, each once; at most 1,000. */
  | { readonly kind: "addresses"; readonly addresses: readonly string[] }
  /** The name is not known, or nobody could be asked within the deadline. */
  | { readonly kind: "failed"; readonly detail: string };

export interface Resolver {
  /** Never rejects; settles within the deadline, or as soon as the signal aborts. */
  resolve(name: string, deadlineMs: Ms, signal: AbortSignal): Promise<Resolved>;
  /** Addresses under which this host itself is known, loopback included. */
  own(): readonly string[];
}
