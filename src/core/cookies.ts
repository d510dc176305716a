/**
 * Whose request is this? Read from cookie names and Authorization alone; values
 * never matter, since an invented `cart=1` reaches the same code as a real one.
 */
import { matchingName, nameSet } from "./name-set.ts";
import type { GatewayPreset } from "./preset.ts";

/**
 * `none`: no cookies. `ignorable`: only cookies that change no page. `cart`: a cookie whose
 * traces the preset can neutralise. `other`: a cookie nobody knows. `session`: logged in, or
 * Authorization: prices and names may differ. All but the first two are personal.
 */
export type BuyerClass = "none" | "ignorable" | "cart" | "other" | "session";

export type Buyer = {
  readonly kind: BuyerClass;
  /** Names of the cookies that make it personal, in order of appearance, each once; at most `MAX_NAMES`. Unknown ones are all called "other". */
  readonly personal: readonly string[];
};

/** Answers for this buyer must not be shared. */
export function isPersonal(kind: BuyerClass): boolean {
  switch (kind) {
    case "none":
    case "ignorable":
      return false;
    case "cart":
    case "other":
    case "session":
      return true;
  }
}

const MAX_NAMES = 8;
const NOBODY: Buyer = { kind: "none", personal: [] };
const ANONYMOUS: Buyer = { kind: "ignorable", personal: [] };
const RANK: Readonly<Record<BuyerClass, number>> = { none: 0, ignorable: 1, cart: 2, other: 3, session: 4 };

/** Reads a Cookie header and whether Authorization is present. Never throws. */
export type ReadBuyer = (cookie: string | undefined, authorized: boolean) => Buyer;

/** Compiles a preset's cookie lists once. A name on several lists counts for the strictest. */
export function compileCookies(preset: Pick<GatewayPreset, "ignoreCookies" | "neutralisedCookies" | "personalCookies">): ReadBuyer {
  const ignored = nameSet(preset.ignoreCookies);
  const neutralised = nameSet(preset.neutralisedCookies);
  const personal = nameSet(preset.personalCookies);

  const labelOf = matchingName([...preset.personalCookies, ...preset.neutralisedCookies]);

  const classify = (name: string): BuyerClass => {
    if (personal(name)) return "session";
    if (neutralised(name)) return "cart";
    return ignored(name) ? "ignorable" : "other";
  };

  return (cookie, authorized) => {
    if (!authorized) {
      if (cookie === undefined || cookie === "") return NOBODY;
    }
    let kind: BuyerClass = authorized ? "session" : "none";
    const names = authorized ? ["authorization"] : [];
    for (const name of cookieNames(cookie ?? "")) {
      const found = classify(name);
      if (RANK[found] > RANK[kind]) kind = found;
      if (!isPersonal(found)) continue;
      const label = labelOf(name) ?? "other";
      if (names.length < MAX_NAMES && !names.includes(label)) names.push(label);
    }
    if (names.length > 0) return { kind, personal: names };
    return kind === "none" ? NOBODY : ANONYMOUS;
  };
}

/**
 * Names in a Cookie header (RFC 6265 §4.2.1, read as leniently as servers do:
 * a pair without "=" is a name, spaces around are dropped, empty pairs are skipped).
 */
export function cookieNames(header: string): string[] {
  const names: string[] = [];
  let start = 0;
  while (start < header.length) {
    let end = header.indexOf(";", start);
    if (end === -1) end = header.length;
    const equals = header.indexOf("=", start);
    const name = header.slice(start, equals === -1 || equals > end ? end : equals).trim();
    if (name !== "" || (equals !== -1 && equals < end)) names.push(name);
    start = end + 1;
  }
  return names;
}
