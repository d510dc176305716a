/**
 * Sets of names with globs: cookies, query parameters, header fields.
 */

/** Does the set hold this name? Case-sensitive. */
export type NameSet = (name: string) => boolean;

/**
 * The entry of the list that a name fits ("customer*" for "customerA"); null where none does. For labels, which
 * must come from a closed set and never from what a client wrote.
 */
export function matchingName(names: readonly string[]): (name: string) => string | null {
  return (name) => names.find((entry) => (entry.endsWith("*") ? name.startsWith(entry.slice(0, -1)) : entry === name)) ?? null;
}

/**
 * Compiles names ("cart") and prefixes ("_shopify_*", "*") into one test.
 * Only a "*" at the end means anything; elsewhere it is a character like others.
 */
export function nameSet(names: readonly string[]): NameSet {
  const exact = new Set(names.filter((name) => !name.endsWith("*")));
  const prefixes = names.filter((name) => name.endsWith("*")).map((name) => name.slice(0, -1));
  if (prefixes.length === 0) return (name) => exact.has(name);
  return (name) => exact.has(name) || prefixes.some((prefix) => name.startsWith(prefix));
}
