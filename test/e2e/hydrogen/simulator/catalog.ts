/**
 * The simulated shop's goods and texts: plain records, no schema, no clock, no
 * randomness, so every start serves the same shop.
 */

/** First day of the shop; every date is counted from here. */
export const OPENING_DAY = "2026-01-05T09:00:00Z";

const DAY_MS = 86_400_000;
const COLORS = [
  { name: "Forest", hex: "#2f4f2f" },
  { name: "Slate", hex: "#556070" },
  { name: "Rust", hex: "#a0522d" },
] as const;
const SIZES = ["S", "M", "L"] as const;
const TYPES = ["Bags", "Camp", "Clothing"] as const;

const PRODUCT_TITLES = [
  "Alder Daypack",
  "Birch Camp Mug",
  "Cedar Rain Shell",
  "Dune Sun Hat",
  "Ember Headlamp",
  "Fjord Wool Sweater",
  "Granite Trail Shoe",
  "Harbor Dry Bag",
  "Iris Water Bottle",
  "Juniper Sleeping Mat",
  "Kestrel Trekking Pole",
  "Lichen Fleece",
] as const;

/** Prices are US cents. `title` and `baseCents` can be edited while the simulator runs. */
export type Product = {
  /** 1 for the first product; identifiers are derived from it. */
  readonly number: number;
  readonly id: string;
  readonly handle: string;
  title: string;
  readonly vendor: string;
  readonly productType: string;
  readonly tags: readonly string[];
  readonly description: string;
  baseCents: number;
  /** The struck-through price, or null when the product is not on sale. */
  readonly compareCents: number | null;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly colors: readonly { readonly name: string; readonly hex: string }[];
  readonly sizes: readonly string[];
  /** Sold-out variants as `Color/Size`. */
  readonly soldOut: ReadonlySet<string>;
};

export type Collection = {
  readonly id: string;
  readonly handle: string;
  readonly title: string;
  readonly description: string;
  readonly updatedAt: string;
  readonly holds: (product: Product) => boolean;
};

/** A page or an article. */
export type Text = { readonly id: string; readonly handle: string; readonly title: string; readonly publishedAt: string };

export type Catalog = {
  readonly products: readonly Product[];
  readonly collections: readonly Collection[];
  readonly pages: readonly Text[];
  readonly articles: readonly Text[];
  readonly policies: readonly string[];
  /** Menu handle → entries of title and path. */
  readonly menus: ReadonlyMap<string, readonly (readonly [title: string, path: string])[]>;
  /** Old path → new path. */
  readonly redirects: ReadonlyMap<string, string>;
};

/** "Alder Daypack" → "alder-daypack". */
export function slug(text: string): string {
  return text.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "");
}

/** ISO 8601 instant, `days` after the shop opened. */
export function day(days: number): string {
  return new Date(Date.parse(OPENING_DAY) + days * DAY_MS).toISOString().replace(".000", "");
}

/** A fresh, unshared catalogue: editing one simulator's prices leaves the others alone. */
export function createCatalog(): Catalog {
  const policies = ["Privacy Policy", "Refund Policy", "Shipping Policy", "Terms of Service"];
  return {
    products: PRODUCT_TITLES.map(product),
    collections: collections(),
    pages: ["About Us", "Contact", "Size Guide"].map((title, index) => text("Page", 301, title, index)),
    articles: ["Packing Light", "Wool Care", "First Overnight"].map((title, index) => text("Article", 401, title, index)),
    policies,
    menus: new Map<string, readonly (readonly [title: string, path: string])[]>([
      [
        "main-menu",
        [
          ["Collections", "/collections"],
          ["Blog", "/blogs/journal"],
          ["Policies", "/policies"],
          ["About", "/pages/about-us"],
        ],
      ],
      ["footer", policies.map((title) => [title, `/policies/${slug(title)}`])],
    ]),
    redirects: new Map([["/old-daypack", "/products/alder-daypack"]]),
  };
}

function product(title: string, index: number): Product {
  const productType = TYPES[index % TYPES.length] ?? TYPES[0];
  return {
    number: index + 1,
    id: `gid://shopify/Product/${1001 + index}`,
    handle: slug(title),
    title,
    vendor: index % 2 ? "Northlight" : "Quarry & Co",
    productType,
    tags: [productType.toLowerCase(), index < 6 ? "new" : "classic"],
    description: `The ${title} is item ${index + 1} of the simulated catalog. It is light, repairable and made to be carried every day.`,
    baseCents: 1500 + index * 1235,
    compareCents: index % 4 === 0 ? 2500 + index * 1235 : null,
    createdAt: day(index),
    updatedAt: day(30 + index),
    colors: COLORS,
    sizes: SIZES,
    soldOut: new Set(index % 5 === 2 ? ["Rust/L"] : []),
  };
}

function collections(): Collection[] {
  const rules: readonly (readonly [string, Collection["holds"]])[] = [
    ["Everything", () => true],
    ["Bags", ({ productType }) => productType === "Bags"],
    ["Camp", ({ productType }) => productType === "Camp"],
    ["Clothing", ({ productType }) => productType === "Clothing"],
    ["New Arrivals", ({ tags }) => tags.includes("new")],
    ["Classics", ({ tags }) => tags.includes("classic")],
  ];
  return rules.map(([title, holds], index) => ({
    id: `gid://shopify/Collection/${501 + index}`,
    handle: slug(title),
    title,
    description: `All products in ${title}.`,
    updatedAt: day(60 - index),
    holds,
  }));
}

function text(kind: "Page" | "Article", firstId: number, title: string, index: number): Text {
  return { id: `gid://shopify/${kind}/${firstId + index}`, handle: slug(title), title, publishedAt: day(10 + index) };
}
