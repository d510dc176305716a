/**
 * Sends the Storefront API calls of an unmodified Hydrogen application somewhere
 * else: to the simulator, or to a gateway in front of it.
 *
 * Only those calls move. The shop's domain stays the real one, so the CSP and the
 * pages are what they would be in production.
 */

/**
 * Replaces the global `fetch`; call it before the application is imported.
 *
 * @param shopDomain the application's `PUBLIC_STORE_DOMAIN`
 * @param origin where its calls go instead, without a trailing slash
 */
export function redirectStorefrontCalls(shopDomain: string, origin: string): void {
  const from = `https://${shopDomain}/api/`;
  const original = globalThis.fetch;
  globalThis.fetch = (input, init) => {
    const moved = typeof input === "string" && input.startsWith(from) ? `${origin}/api/${input.slice(from.length)}` : input;
    return original(moved, init);
  };
}
