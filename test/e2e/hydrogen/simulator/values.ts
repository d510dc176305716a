/**
 * The small values every part of the simulated schema is made of: money,
 * images, connections, and what a resolver is.
 */
import { createHash } from "node:crypto";
import type { Catalog } from "./catalog.ts";

/** The market a query asks for by `@inContext`. */
export type Market = { readonly country: string; readonly language: string };

/** A field that is computed when asked for. Arguments were validated against the schema before. */
export type Resolver = (args: never, market: Market) => unknown;

/** A schema-shaped object: plain values, and resolvers for what costs or takes arguments. */
export type Node = { readonly [field: string]: unknown };

/** What the schema-shaped objects are made from. */
export type Shop = {
  readonly catalog: Catalog;
  /** Where product images are served, without a trailing slash. */
  readonly imageBase: string;
};

/** Units of each currency for one US dollar. */
const RATES = new Map([
  ["CA", { currencyCode: "CAD", rate: 1.37 }],
  ["GB", { currencyCode: "GBP", rate: 0.79 }],
  ["DE", { currencyCode: "EUR", rate: 0.92 }],
  ["FR", { currencyCode: "EUR", rate: 0.92 }],
  ["JP", { currencyCode: "JPY", rate: 150 }],
]);
const DOLLAR = { currencyCode: "USD", rate: 1 };

export function currencyOf(country: string): string {
  return (RATES.get(country) ?? DOLLAR).currencyCode;
}

/** `cents` of US dollars in the country's currency. Shopify's Decimal keeps one decimal place at least: "30.0", "29.95". */
export function money(cents: number, country: string): Node {
  const { currencyCode, rate } = RATES.get(country) ?? DOLLAR;
  const value = Math.round(cents * rate) / 100;
  return { __typename: "MoneyV2", amount: Number.isInteger(value) ? value.toFixed(1) : String(value), currencyCode };
}

export function image({ imageBase }: Shop, name: string, altText: string): Node {
  const id = Number.parseInt(createHash("sha256").update(name).digest("hex").slice(0, 8), 16);
  return {
    __typename: "Image",
    id: `gid://shopify/ProductImage/${id}`,
    url: `${imageBase}/${name}.svg?v=1`,
    altText,
    width: 1200,
    height: 1200,
  };
}

/** Text in the market's language; French is marked, so that a localised answer can be told from another. */
export function localised({ language }: Market, text: string): string {
  return language === "FR" ? `[fr] ${text}` : text;
}

export type PageArgs = {
  readonly first?: number | null;
  readonly last?: number | null;
  readonly after?: string | null;
  readonly before?: string | null;
};

/** One page of a list, as Relay's cursor connections have it. */
export function connection(all: readonly Node[], args: PageArgs = {}): Node {
  const after = args.after ? all.findIndex((node) => cursorOf(node) === args.after) : -1;
  const before = args.before ? all.findIndex((node) => cursorOf(node) === args.before) : -1;
  let start = after + 1;
  let end = before < 0 ? all.length : before;
  if (typeof args.first === "number") end = Math.min(end, start + args.first);
  else if (typeof args.last === "number") start = Math.max(start, end - args.last);

  const nodes = all.slice(start, end);
  const edges = nodes.map((node) => ({ cursor: cursorOf(node), node }));
  return {
    nodes,
    edges,
    filters: [],
    productFilters: [],
    totalCount: all.length,
    pageInfo: {
      hasNextPage: end < all.length,
      hasPreviousPage: start > 0,
      startCursor: edges.at(0)?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
  };
}

function cursorOf(node: Node): string {
  return Buffer.from(`c:${String(node["id"] ?? node["handle"])}`).toString("base64url");
}

export type SortArgs = { readonly sortKey?: string | null; readonly reverse?: boolean | null };

/** Sorted by the key the query names; by `fallback` where the shop has no such key. Stable, and never in place. */
export function sorted<T>(
  list: readonly T[],
  { sortKey, reverse }: SortArgs,
  keys: ReadonlyMap<string, (item: T) => string | number>,
  fallback: (item: T) => string | number,
): readonly T[] {
  const keyOf = keys.get(sortKey ?? "") ?? fallback;
  const ascending = list.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : keyOf(a) > keyOf(b) ? 1 : 0));
  return reverse ? ascending.toReversed() : ascending;
}
