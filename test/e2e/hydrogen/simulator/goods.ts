/** Products, their variants, and collections, in the shapes of the Storefront schema. */
import type { Collection, Product } from "./catalog.ts";
import { slug } from "./catalog.ts";
import type { Market, Node, PageArgs, Shop, SortArgs } from "./values.ts";
import { connection, image, localised, money, sorted } from "./values.ts";

/** One colour and size of a product. */
export type Variant = {
  readonly product: Product;
  readonly id: string;
  readonly color: string;
  readonly size: string;
  readonly colorIndex: number;
  readonly sizeIndex: number;
  readonly cents: number;
};

type OptionArgs = {
  readonly selectedOptions?: readonly { readonly name: string; readonly value: string }[] | null;
  readonly caseInsensitiveMatch?: boolean | null;
  readonly ignoreUnknownOptions?: boolean | null;
};

type ProductListArgs = PageArgs & SortArgs & { readonly query?: string | null };

const PRODUCT_KEYS = new Map<string, (product: Product) => string | number>([
  ["TITLE", ({ title }) => title],
  ["PRICE", ({ baseCents }) => baseCents],
  ["UPDATED_AT", ({ updatedAt }) => updatedAt],
  ["CREATED_AT", ({ createdAt }) => createdAt],
  ["CREATED", ({ createdAt }) => createdAt],
  ["BEST_SELLING", ({ number }) => number],
  ["VENDOR", ({ vendor }) => vendor],
]);

export function variantsOf(product: Product): readonly Variant[] {
  return product.colors.flatMap((color, colorIndex) =>
    product.sizes.map((size, sizeIndex) => ({
      product,
      id: `gid://shopify/ProductVariant/${product.number * 100 + colorIndex * 10 + sizeIndex}`,
      color: color.name,
      size,
      colorIndex,
      sizeIndex,
      cents: product.baseCents + sizeIndex * 200,
    })),
  );
}

/** The variant with these options; options a product does not have, such as `utm_source`, are ignored as Shopify ignores them. */
function pickVariant(product: Product, args: OptionArgs): Variant | undefined {
  const fold = (text: string): string => (args.caseInsensitiveMatch ? text.toLowerCase() : text);
  return variantsOf(product).find((variant) =>
    (args.selectedOptions ?? []).every(({ name, value }) => {
      if (fold(name) === fold("Color")) return fold(value) === fold(variant.color);
      if (fold(name) === fold("Size")) return fold(value) === fold(variant.size);
      return true;
    }),
  );
}

export function variantNode(shop: Shop, variant: Variant, market: Market): Node {
  const { product, color, size, cents, sizeIndex } = variant;
  const soldOut = product.soldOut.has(`${color}/${size}`);
  return {
    __typename: "ProductVariant",
    id: variant.id,
    sku: `${product.handle}-${variant.colorIndex}${sizeIndex}`.toUpperCase(),
    title: `${color} / ${size}`,
    availableForSale: !soldOut,
    currentlyNotInStock: false,
    quantityAvailable: soldOut ? 0 : 25,
    requiresShipping: true,
    taxable: true,
    weight: 0.4,
    weightUnit: "KILOGRAMS",
    price: () => money(cents, market.country),
    compareAtPrice: () => (product.compareCents === null ? null : money(product.compareCents + sizeIndex * 200, market.country)),
    image: () => image(shop, `${product.handle}-${slug(color)}`, `${product.title} ${color}`),
    selectedOptions: [
      { name: "Color", value: color },
      { name: "Size", value: size },
    ],
    product: () => productNode(shop, product, market),
    metafields: [],
  };
}

/** Shopify's run-length code of which option combinations exist: `v1_0:0 1 2,1:0 1 2,`. */
function encodeVariants(product: Product, onlyAvailable: boolean): string {
  const rows = product.colors.map((color, colorIndex) => {
    const sizes = product.sizes.flatMap((size, index) => (onlyAvailable && product.soldOut.has(`${color.name}/${size}`) ? [] : [index]));
    return sizes.length === 0 ? "" : `${colorIndex}:${sizes.join(" ")},`;
  });
  return `v1_${rows.join("")}`;
}

export function productNode(shop: Shop, product: Product, market: Market): Node {
  const node = (variant: Variant | undefined): Node | null => (variant ? variantNode(shop, variant, market) : null);
  const range = (cents: number) => (): Node => ({
    minVariantPrice: money(cents, market.country),
    maxVariantPrice: money(cents + 400, market.country),
  });
  const title = localised(market, product.title);
  const description = localised(market, product.description);
  return {
    __typename: "Product",
    id: product.id,
    handle: product.handle,
    title,
    vendor: product.vendor,
    productType: product.productType,
    tags: product.tags,
    description,
    descriptionHtml: `<p>${description}</p>`,
    createdAt: product.createdAt,
    updatedAt: product.updatedAt,
    publishedAt: product.createdAt,
    availableForSale: true,
    totalInventory: 225,
    seo: { title: product.title, description: product.description },
    metafields: [],
    variantsCount: { count: 9, precision: "EXACT" },
    priceRange: range(product.baseCents),
    compareAtPriceRange: range(product.compareCents ?? 0),
    featuredImage: () => image(shop, product.handle, product.title),
    images: (args: PageArgs) => connection(productImages(shop, product), args),
    variants: (args: PageArgs) => connection(variantsOf(product).map((variant) => variantNode(shop, variant, market)), args),
    selectedOrFirstAvailableVariant: (args: OptionArgs) =>
      node(pickVariant(product, args) ?? (args.ignoreUnknownOptions === false ? undefined : variantsOf(product)[0])),
    variantBySelectedOptions: (args: OptionArgs) => node(pickVariant(product, args)),
    adjacentVariants: (args: OptionArgs) => adjacentTo(product, args).map((variant) => variantNode(shop, variant, market)),
    encodedVariantExistence: encodeVariants(product, false),
    encodedVariantAvailability: encodeVariants(product, true),
    options: () => optionNodes(shop, product, market),
    collections: (args: PageArgs) =>
      connection(
        shop.catalog.collections.filter(({ holds }) => holds(product)).map((held) => collectionNode(shop, held, market)),
        args,
      ),
  };
}

/** The variants one option away from the selected one. */
function adjacentTo(product: Product, args: OptionArgs): readonly Variant[] {
  const all = variantsOf(product);
  const selected = pickVariant(product, args) ?? all[0];
  return all.filter(
    ({ id, colorIndex, sizeIndex }) =>
      id !== selected?.id && (colorIndex === selected?.colorIndex || sizeIndex === selected?.sizeIndex),
  );
}

function productImages(shop: Shop, product: Product): readonly Node[] {
  const colors = product.colors.map(({ name }) => image(shop, `${product.handle}-${slug(name)}`, `${product.title} ${name}`));
  return [image(shop, product.handle, product.title), ...colors];
}

function optionNodes(shop: Shop, product: Product, market: Market): readonly Node[] {
  const first = (wanted: (variant: Variant) => boolean) => (): Node | null => {
    const variant = variantsOf(product).find(wanted);
    return variant ? variantNode(shop, variant, market) : null;
  };
  return [
    {
      id: `gid://shopify/ProductOption/${product.number * 10 + 1}`,
      name: "Color",
      values: product.colors.map(({ name }) => name),
      optionValues: product.colors.map(({ name, hex }, index) => ({
        id: `gid://shopify/ProductOptionValue/${product.number * 100 + index}`,
        name,
        swatch: { color: hex, image: null },
        firstSelectableVariant: first(({ colorIndex }) => colorIndex === index),
      })),
    },
    {
      id: `gid://shopify/ProductOption/${product.number * 10 + 2}`,
      name: "Size",
      values: product.sizes,
      optionValues: product.sizes.map((name, index) => ({
        id: `gid://shopify/ProductOptionValue/${product.number * 100 + 10 + index}`,
        name,
        swatch: null,
        firstSelectableVariant: first(({ sizeIndex }) => sizeIndex === index),
      })),
    },
  ];
}

/** Products as a connection, narrowed by Shopify's `field:word` search as far as a storefront needs it. */
export function productConnection(shop: Shop, products: readonly Product[], args: ProductListArgs, market: Market): Node {
  const words = (args.query ?? "").toLowerCase().replace(/[a-z_]+:/g, "").trim();
  const found = products.filter(({ title, tags, productType, vendor }) =>
    `${title} ${tags.join(" ")} ${productType} ${vendor}`.toLowerCase().includes(words),
  );
  const ordered = sorted(found, args, PRODUCT_KEYS, ({ id }) => id);
  return connection(ordered.map((product) => productNode(shop, product, market)), args);
}

export function collectionNode(shop: Shop, collection: Collection, market: Market): Node {
  const { id, handle, title, description, updatedAt, holds } = collection;
  return {
    __typename: "Collection",
    id,
    handle,
    title: localised(market, title),
    description,
    descriptionHtml: `<p>${description}</p>`,
    updatedAt,
    image: () => image(shop, `collection-${handle}`, title),
    seo: { title, description },
    metafields: [],
    products: (args: ProductListArgs) => productConnection(shop, shop.catalog.products.filter(holds), args, market),
  };
}
