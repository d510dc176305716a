/**
 * The Resolver port on `getaddrinfo`, as every program of the host resolves: the search domains go
 * first there, so a Service's short name is answered by the cluster itself, also while the world
 * beyond it cannot be asked. It occupies a thread of the pool, so one runs at a time.
 */
import { lookup } from "node:dns";
import { networkInterfaces } from "node:os";
import type { Clock } from "../ports/clock.ts";
import type { Resolved, Resolver } from "../ports/resolver.ts";

const MOST_ADDRESSES = 1_000;

export function createSystemResolver(clock: Clock): Resolver {
  let busy = false;
  const ask = (name: string, done: (resolved: Resolved) => void): void => {
    busy = true;
    lookup(name, { all: true }, (error, found) => {
      busy = false;
      if (error !== null) return done({ kind: "failed", detail: error.message });
      const addresses = [...new Set(found.map(({ address }) => address))].slice(0, MOST_ADDRESSES);
      done(addresses.length === 0 ? { kind: "failed", detail: `${name} has no address` } : { kind: "addresses", addresses });
    });
  };
  return {
    resolve: (name, deadlineMs, signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve(GAVE_UP);
        if (busy) return resolve({ kind: "failed", detail: "the name asked before is not resolved yet" });
        const settle = (resolved: Resolved): void => {
          cancel();
          signal.removeEventListener("abort", giveUp);
          resolve(resolved);
        };
        const giveUp = (): void => settle(GAVE_UP);
        const cancel = clock.after(deadlineMs, () => settle({ kind: "failed", detail: `${name} was not resolved within ${deadlineMs} ms` }));
        signal.addEventListener("abort", giveUp, { once: true });
        ask(name, settle);
      }),
    own: () => Object.values(networkInterfaces()).flatMap((addresses) => (addresses ?? []).map(({ address }) => address)),
  };
}

const GAVE_UP: Resolved = { kind: "failed", detail: "the caller gave up" };
