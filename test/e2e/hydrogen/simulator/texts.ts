/** Pages, articles, the blog, menus, policies and the shop itself, in the shapes of the Storefront schema. */
import type { Text } from "./catalog.ts";
import { OPENING_DAY, slug } from "./catalog.ts";
import type { Node, PageArgs, Shop } from "./values.ts";
import { connection, image } from "./values.ts";

const DOMAIN = "https://sim-shop.example";

export function pageNode({ id, handle, title }: Text): Node {
  return {
    __typename: "Page",
    id,
    handle,
    title,
    body: `<p>${title} page of the simulated shop.</p>`,
    bodySummary: title,
    createdAt: OPENING_DAY,
    updatedAt: OPENING_DAY,
    seo: { title, description: title },
    metafields: [],
  };
}

export function articleNode(shop: Shop, { id, handle, title, publishedAt }: Text): Node {
  const author = { name: "Sim", firstName: "Sim", lastName: "", email: "sim@example.com" };
  return {
    __typename: "Article",
    id,
    handle,
    title,
    contentHtml: `<p>${title}: an article of the simulated shop.</p>`,
    content: title,
    excerpt: title,
    publishedAt,
    author,
    authorV2: author,
    image: () => image(shop, `article-${handle}`, title),
    seo: { title, description: title },
    tags: [],
    metafields: [],
    blog: () => blogNode(shop),
  };
}

/** The shop's only blog, `journal`. */
export function blogNode(shop: Shop): Node {
  const { articles } = shop.catalog;
  return {
    __typename: "Blog",
    id: "gid://shopify/Blog/1",
    handle: "journal",
    title: "Journal",
    authors: [],
    seo: { title: "Journal", description: "Journal" },
    metafields: [],
    articles: (args: PageArgs) => connection(articles.map((article) => articleNode(shop, article)), args),
    articleByHandle: ({ handle }: { readonly handle: string }) => {
      const article = articles.find((candidate) => candidate.handle === handle);
      return article ? articleNode(shop, article) : null;
    },
  };
}

export function menuNode({ catalog }: Shop, handle: string): Node | null {
  const entries = catalog.menus.get(handle);
  if (!entries) return null;
  const number = handle === "footer" ? 2 : 1;
  return {
    __typename: "Menu",
    id: `gid://shopify/Menu/${number}`,
    handle,
    title: handle,
    itemsCount: entries.length,
    items: entries.map(([title, path], index) => ({
      __typename: "MenuItem",
      id: `gid://shopify/MenuItem/${number * 10 + index}`,
      resourceId: null,
      tags: [],
      title,
      type: "HTTP",
      url: `${DOMAIN}${path}`,
      items: [],
    })),
  };
}

function policyNode({ catalog }: Shop, title: string): Node {
  return {
    __typename: "ShopPolicy",
    id: `gid://shopify/ShopPolicy/${catalog.policies.indexOf(title) + 1}`,
    title,
    handle: slug(title),
    body: `<p>${title} of the simulated shop.</p>`,
    url: `${DOMAIN}/policies/${slug(title)}`,
  };
}

export function shopNode(shop: Shop): Node {
  return {
    __typename: "Shop",
    id: "gid://shopify/Shop/1",
    name: "Sim Outfitters",
    description: "Simulated shop",
    moneyFormat: "${{amount}}",
    shipsToCountries: ["US", "CA", "GB"],
    primaryDomain: { host: new URL(DOMAIN).host, sslEnabled: true, url: DOMAIN },
    brand: { logo: { image: image(shop, "logo", "Sim Outfitters") }, colors: { primary: [], secondary: [] } },
    paymentSettings: { currencyCode: "USD", countryCode: "US", acceptedCardBrands: [], cardVaultUrl: DOMAIN },
    privacyPolicy: policyNode(shop, "Privacy Policy"),
    refundPolicy: policyNode(shop, "Refund Policy"),
    shippingPolicy: policyNode(shop, "Shipping Policy"),
    termsOfService: policyNode(shop, "Terms of Service"),
    metafields: [],
  };
}
