/**
 * Requests that kill.
 *
 * Some requests take a whole application down while something it depends on fails (the
 * Hydrogen starter dies on any `cart` cookie while the Storefront API errors), and a buyer
 * who reloads makes a crash loop. A class of requests that was in flight at two deaths is
 * suspected, and not forwarded until that dependency is healthy again. While it is healthy
 * nothing is held back: a busy shop's home page is in flight at every death.
 * Pure: deaths and verdicts come in as arguments.
 */
import type { Instant, Ms } from "./time.ts";

/** What is known of the dependency. `unknown`: no check, or no evidence yet. */
export type DependencyVerdict = "healthy" | "unhealthy" | "unknown";

export type QuarantineRules = {
  /** Deaths that make a class suspect; 2. */
  readonly deaths: number;
  /** Deaths further apart than this are not held together; 10 min. */
  readonly memory: Ms;
  /** A suspect is released after this long without a further death, where no verdict on the dependency exists; 10 min. */
  readonly bound: Ms;
  /** Most classes remembered; 256. The one with the fewest, oldest deaths is forgotten first. */
  readonly classes: number;
};

export const QUARANTINE_RULES: QuarantineRules = { deaths: 2, memory: 600_000, bound: 600_000, classes: 256 };

export type Suspicion = { readonly deaths: number; readonly lastDeath: Instant };

export type Quarantine = {
  readonly dependency: DependencyVerdict;
  readonly suspicions: ReadonlyMap<string, Suspicion>;
};

export const NO_QUARANTINE: Quarantine = { dependency: "unknown", suspicions: new Map() };

/**
 * Names the class of a request: "GET product cart". Cookies are those that make a request
 * personal, by name and in order; values never are part of it.
 */
export function requestClass(method: string, route: string, personalCookies: readonly string[]): string {
  return [method, route, ...[...personalCookies].sort()].join(" ");
}

/** Folds one death of the application in, with the classes that were in flight or just cut off. */
export function afterDeath(state: Quarantine, at: Instant, inFlight: readonly string[], rules: QuarantineRules = QUARANTINE_RULES): Quarantine {
  const suspicions = new Map([...state.suspicions].filter(([, { lastDeath }]) => at - lastDeath < rules.memory));
  for (const name of new Set(inFlight)) {
    suspicions.set(name, { deaths: (suspicions.get(name)?.deaths ?? 0) + 1, lastDeath: at });
  }
  return { ...state, suspicions: strongest(suspicions, rules.classes) };
}

/** Folds a verdict on the dependency in. Turning healthy acquits everyone. */
export function afterVerdict(state: Quarantine, dependency: DependencyVerdict): Quarantine {
  if (dependency === state.dependency) return state;
  return { dependency, suspicions: dependency === "healthy" ? new Map() : state.suspicions };
}

/** Classes not to be forwarded now, and until when each at the latest; null: until the dependency is healthy. */
export function quarantined(state: Quarantine, now: Instant, rules: QuarantineRules = QUARANTINE_RULES): ReadonlyMap<string, Instant | null> {
  const held = new Map<string, Instant | null>();
  if (state.dependency === "healthy") return held;
  for (const [name, { deaths, lastDeath }] of state.suspicions) {
    if (deaths < rules.deaths) continue;
    if (state.dependency === "unhealthy") held.set(name, null);
    else if (now < lastDeath + rules.bound) held.set(name, lastDeath + rules.bound);
  }
  return held;
}

function strongest(suspicions: ReadonlyMap<string, Suspicion>, limit: number): ReadonlyMap<string, Suspicion> {
  if (suspicions.size <= limit) return suspicions;
  const ranked = [...suspicions].sort(([, a], [, b]) => b.deaths - a.deaths || b.lastDeath - a.lastDeath);
  return new Map(ranked.slice(0, limit));
}
