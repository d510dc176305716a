/**
 * Looks at a sibling for somebody who cannot reach it: only at addresses of the headless Service, a few at a time,
 * and never for longer than the asker waits.
 */
import type { Reach } from "../core/reach.ts";
import type { Instant, Ms } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";
import type { Http } from "../ports/http.ts";
import type { Resolver } from "../ports/resolver.ts";

export type ReachParts = { readonly service: string; readonly port: number; readonly http: Http; readonly resolver: Resolver; readonly clock: Clock };

/** The addresses stay good for a moment, so that a node full of lost pods is not a question to the DNS for each. */
const ADDRESSES_MS: Ms = 2_000;
const RESOLVE_WITHIN: Ms = 400;
/** Together less than whoever asks waits. */
const ANSWER_WITHIN: Ms = 400;
const MOST_AT_ONCE = 8;
const MAX_BODY_BYTES = 4 * 1_024;

/** Never rejects. */
export function createReach({ service, port, http, resolver, clock }: ReachParts): (address: string) => Promise<Reach> {
  const stopped = new AbortController().signal;
  let known: { readonly at: Instant; readonly addresses: Promise<ReadonlySet<string> | null> } | null = null;
  let running = 0;

  const addresses = (): Promise<ReadonlySet<string> | null> => {
    if (known === null || clock.now() - known.at > ADDRESSES_MS) {
      const asked = resolver.resolve(service, RESOLVE_WITHIN, stopped);
      known = { at: clock.now(), addresses: asked.then((found) => (found.kind === "addresses" ? new Set(found.addresses) : null)) };
    }
    return known.addresses;
  };
  const look = async (address: string): Promise<Reach> => {
    const siblings = await addresses();
    if (siblings === null) return { kind: "unknown", why: `${service} cannot be resolved` };
    if (!siblings.has(address)) return { kind: "stranger" };
    const url = `http://${address.includes(":") ? `[${address}]` : address}:${port}/health`;
    const answer = await http.request({ method: "GET", url, headers: {}, deadlineMs: ANSWER_WITHIN, maxBodyBytes: MAX_BODY_BYTES, connection: "new" });
    if (answer.kind === "answer") return { kind: "reached" };
    return answer.noNetwork ? { kind: "unknown", why: answer.detail } : { kind: "not_reached", cause: answer.cause };
  };
  return async (address) => {
    if (running >= MOST_AT_ONCE) return { kind: "unknown", why: `${MOST_AT_ONCE} siblings are being looked at already` };
    running += 1;
    try {
      return await look(address);
    } finally {
      running -= 1;
    }
  };
}
