/**
 * Shopify Hydrogen on React Router, as its starter has it.
 *
 * Found by looking at the real thing: every page of a buyer with a `cart` cookie embeds the cart; nothing else
 * in a cookie changes a page but a login's `session`; bots get another body; the nonce stands only on `script`
 * and `link`; a whole page ends its stream with `streamController.close()`; a broken one is the error boundary's.
 */
import type { GatewayPreset, RouteSpec } from "../../core/preset.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const LIMITS = { firstByte: 5_000, bodyIdle: 10_000, whole: 60_000 };

function page(name: string, match: string, windows: Pick<RouteSpec, "ttl" | "staleWhileRevalidate" | "staleIfError">, query: readonly string[] = []): RouteSpec {
  return { name, match, mode: "page", ...windows, query, ...LIMITS };
}

function other(name: string, match: string, mode: "pass" | "never"): RouteSpec {
  return { name, match, mode, ttl: 0, staleWhileRevalidate: 0, staleIfError: 0, query: [], ...LIMITS };
}

/** Pages without prices of their own. */
const CATALOGUE = { ttl: 5 * MINUTE, staleWhileRevalidate: HOUR, staleIfError: 24 * HOUR };
/** Pages with price and stock. */
const PRICED = { ttl: MINUTE, staleWhileRevalidate: 5 * MINUTE, staleIfError: HOUR };

const PAGING = ["cursor", "direction"];

export const hydrogenReactRouter: GatewayPreset = {
  name: "hydrogen-react-router",
  routes: [
    // A hash in each name: what is stored is right for ever, and old builds' files outlive a rollout.
    { ...other("assets", "/assets/**", "pass"), mode: "asset", ttl: 30 * DAY, staleIfError: 30 * DAY },
    // A page's data for client-side navigation: small, quick, and none of it stored yet.
    other("data", "/**.data", "pass"),
    other("manifest", "/__manifest", "pass"),
    page("home", "/", CATALOGUE),
    // Every parameter that is no marketing may choose a variant: `?Color=Red`.
    page("product", "/products/*", PRICED, ["*"]),
    page("collections", "/collections", CATALOGUE, PAGING),
    page("collection", "/collections/*", PRICED, [...PAGING, "sort", "sort_by", "filter.*"]),
    page("page", "/pages/*", CATALOGUE),
    page("blog", "/blogs/**", CATALOGUE, PAGING),
    page("blogs", "/blogs", CATALOGUE, PAGING),
    page("policy", "/policies/**", CATALOGUE),
    other("search", "/search", "pass"),
    other("api", "/api/**", "pass"),
    other("rest", "/**", "pass"),
  ],
  never: [
    "/cart**", "/checkout**", "/checkouts**", "/account**", "/discount/**", "/orders/**", "/authorize**", "/oauth/**",
    "/auth/**", "/login**", "/logout**", "/webhooks**", "/*/cart/**", "/*/checkout/**", "/*/account/**", "/*/discount/**",
  ],
  ignoreCookies: [
    "_shopify_*", "_y", "_s", "_cmp", "_cmp_a", "_tracking_consent", "_landing_page", "_orig_referrer", "_ga", "_ga_*", "_gid", "_gat", "_gat_*", "_gcl_*",
    "_fbp", "_fbc", "_pin_unauth", "_pinterest_*", "_tt_*", "_ttp", "_uetsid", "_uetvid", "_clck", "_clsk", "_hj*", "_scid", "_sctr", "__kla_id", "__cf_bm",
    "cf_clearance", "_dd_s", "ajs_*", "OptanonConsent", "OptanonAlertBoxClosed", "CookieConsent", "cookieconsent_status",
  ],
  neutralisedCookies: ["cart"],
  personalCookies: ["session", "customerAccessToken", "customer*", "shopify_pay", "secure_customer_sig"],
  dropQuery: [
    "utm_*", "gclid", "gclsrc", "gbraid", "wbraid", "dclid", "fbclid", "msclkid", "ttclid", "twclid", "li_fat_id", "igshid", "srsltid", "epik", "mc_cid", "mc_eid",
    "_kx", "_ga", "_gl", "_hsenc", "_hsmi", "yclid", "sscid", "irclickid", "campaign_id", "ad_id", "adset_id", "_pos", "_psq", "_ss", "_sid", "_v", "pr_prod_strat", "pr_rec_id", "pr_rec_pid", "pr_ref_pid", "pr_seq", "syclid",
  ],
  errorMarks: ['class="route-error"'],
  wholeMarks: ["</html>", "streamController.close()"],
  botAgents: String.raw`bot|crawl|spider|slurp|curl|wget|python|java/|go-http|node-fetch|undici|axios|headless|lighthouse|preview|facebookexternalhit|whatsapp|pingdom|monitor|http-?client|mediapartners|google-|bingpreview|yandex|baidu|duckduck`,
  agents: {
    browser: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
    bot: "Mozilla/5.0 (compatible; Shopkeeperbot/1.0)",
  },
  keepServerTiming: ["_sfapi_proxy"],
  dropRequestHeaders: ["x-react-router-*", "x-remix-*"],
  // The count on the cart's link, and a drawer that would say the cart is empty.
  neutraliseStyle: [
    'a[href="/cart"]>span[aria-label^="(items:"]{display:none}',
    'section[aria-label^="Cart "]>*{display:none!important}',
    'section[aria-label^="Cart "]::before{content:"Your cart is safe. It will be back in a moment."}',
  ].join(""),
  buildId: String.raw`/assets/manifest-([A-Za-z0-9_-]+)\.js`,
  warm: ["/", "/collections"],
  page: { path: "/", mustContain: ["</html>", "streamController.close()"], mustNotContain: ['class="route-error"'] },
};
