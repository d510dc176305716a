/** The root fields of the simulated Storefront API: what a storefront can ask for, and who answers. */
import type { Carts } from "./carts.ts";
import type { Collection } from "./catalog.ts";
import { OPENING_DAY } from "./catalog.ts";
import { collectionNode, productConnection, productNode } from "./goods.ts";
import { articleNode, blogNode, menuNode, pageNode, shopNode } from "./texts.ts";
import type { Market, Node, PageArgs, Resolver, Shop, SortArgs } from "./values.ts";
import { connection, currencyOf, sorted } from "./values.ts";

type ByName = { readonly id?: string | null; readonly handle?: string | null };
type ListArgs = PageArgs & SortArgs & { readonly query?: string | null };
type SearchArgs = PageArgs & { readonly query: string; readonly types?: readonly string[] | null };

const SEARCHED_TYPES = ["PRODUCT", "PAGE", "ARTICLE"];

const COLLECTION_KEYS = new Map<string, (collection: Collection) => string>([
  ["UPDATED_AT", ({ updatedAt }) => updatedAt],
  ["TITLE", ({ title }) => title],
]);

export function rootFields(shop: Shop, carts: Carts): Readonly<Record<string, Resolver>> {
  return { ...goodsFields(shop), ...textFields(shop), ...searchFields(shop), ...carts.fields };
}

function named<T extends { readonly id: string; readonly handle: string }>(list: readonly T[], { id, handle }: ByName): T | undefined {
  return list.find((item) => (id ? item.id === id : item.handle === handle));
}

function goodsFields(shop: Shop): Record<string, Resolver> {
  const { products, collections } = shop.catalog;
  const product = (args: ByName, market: Market): Node | null => {
    const found = named(products, args);
    return found ? productNode(shop, found, market) : null;
  };
  const collection = (args: ByName, market: Market): Node | null => {
    const found = named(collections, args);
    return found ? collectionNode(shop, found, market) : null;
  };
  return {
    product,
    productByHandle: product,
    products: (args: ListArgs, market: Market) => productConnection(shop, products, args, market),
    productRecommendations: (_: unknown, market: Market) => products.slice(0, 4).map((item) => productNode(shop, item, market)),
    collection,
    collectionByHandle: collection,
    collections: (args: ListArgs, market: Market) => {
      const ordered = sorted(collections, args, COLLECTION_KEYS, ({ id }) => id);
      return connection(ordered.map((item) => collectionNode(shop, item, market)), args);
    },
  };
}

function textFields(shop: Shop): Record<string, Resolver> {
  const { pages, articles } = shop.catalog;
  return {
    shop: () => shopNode(shop),
    menu: ({ handle }: { readonly handle: string }) => menuNode(shop, handle),
    page: (args: ByName) => {
      const found = named(pages, args);
      return found ? pageNode(found) : null;
    },
    pages: (args: PageArgs) => connection(pages.map(pageNode), args),
    blog: ({ handle }: ByName) => (handle === "journal" ? blogNode(shop) : null),
    blogs: (args: PageArgs) => connection([blogNode(shop)], args),
    articles: (args: PageArgs) => connection(articles.map((article) => articleNode(shop, article)), args),
    localization: (_: unknown, { country, language }: Market) => ({
      country: { isoCode: country, name: country, currency: { isoCode: currencyOf(country), name: "", symbol: "$" } },
      language: { isoCode: language, name: language, endonymName: language },
    }),
    publicApiVersions: () => [{ displayName: "2026-04", handle: "2026-04", supported: true }],
  };
}

function searchFields(shop: Shop): Record<string, Resolver> {
  const { redirects } = shop.catalog;
  return {
    search: (args: SearchArgs, market: Market) => connection(searched(shop, args, market), args),
    predictiveSearch: (args: { readonly query: string; readonly limit?: number | null }, market: Market) => {
      const all = searched(shop, { query: args.query }, market);
      const only = (type: string): readonly Node[] => all.filter((node) => node["__typename"] === type).slice(0, args.limit ?? 10);
      return { products: only("Product"), pages: only("Page"), articles: only("Article"), collections: [], queries: [] };
    },
    sitemap: ({ type }: { readonly type: string }) => sitemap(shop, type),
    urlRedirects: (args: PageArgs & { readonly query?: string | null }) => {
      const path = (args.query ?? "").replace(/^path:/, "");
      const target = redirects.get(path);
      return connection(target === undefined ? [] : [{ id: "gid://shopify/UrlRedirect/1", path, target }], args);
    },
  };
}

function searched(shop: Shop, { query, types }: SearchArgs, market: Market): readonly Node[] {
  const { products, pages, articles } = shop.catalog;
  const wanted = types ?? SEARCHED_TYPES;
  const matches = (text: string): boolean => text.toLowerCase().includes(query.toLowerCase());
  return [
    ...(wanted.includes("PRODUCT") ? products : [])
      .filter(({ title, tags }) => matches(`${title} ${tags.join(" ")}`))
      .map((product) => productNode(shop, product, market)),
    ...(wanted.includes("PAGE") ? pages : []).filter(({ title }) => matches(title)).map(pageNode),
    ...(wanted.includes("ARTICLE") ? articles : []).filter(({ title }) => matches(title)).map((article) => articleNode(shop, article)),
  ];
}

function sitemap({ catalog }: Shop, type: string): Node {
  const lists = new Map<string, readonly { readonly handle: string; readonly updatedAt?: string }[]>([
    ["PRODUCT", catalog.products],
    ["COLLECTION", catalog.collections],
    ["PAGE", catalog.pages],
    ["ARTICLE", catalog.articles],
    ["BLOG", [{ handle: "journal" }]],
  ]);
  const listed = lists.get(type) ?? [];
  return {
    pagesCount: { count: listed.length > 0 ? 1 : 0, precision: "EXACT" },
    resources: () => ({
      hasNextPage: false,
      items: listed.map(({ handle, updatedAt }) => ({ __typename: "SitemapResource", handle, updatedAt: updatedAt ?? OPENING_DAY })),
    }),
  };
}
