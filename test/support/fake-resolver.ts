/** A Resolver whose names are written down. */
import type { Resolver } from "../../src/ports/resolver.ts";

export type FakeResolver = Resolver & {
  /** By name; what is not there is not known. */
  readonly names: Map<string, readonly string[]>;
  /** Names asked for, in order. */
  readonly asked: string[];
  ownAddresses: readonly string[];
};

export function fakeResolver(names: Readonly<Record<string, readonly string[]>> = {}, ownAddresses: readonly string[] = ["127.0.0.1"]): FakeResolver {
  const fake: FakeResolver = {
    names: new Map(Object.entries(names)),
    asked: [],
    ownAddresses,
    resolve(name, _deadlineMs, signal) {
      fake.asked.push(name);
      if (signal.aborted) return Promise.resolve({ kind: "failed", detail: "the caller gave up" });
      const addresses = [...new Set(fake.names.get(name))];
      return Promise.resolve(addresses.length === 0 ? { kind: "failed", detail: `${name} is not known` } : { kind: "addresses", addresses });
    },
    own: () => fake.ownAddresses,
  };
  return fake;
}
