/** Addresses that never leave this host, so that a missing network says nothing about them. */

import { reveal, Secret } from "./secret.ts";

/** Whether a URL leads to this very host. What is no URL does not. */
export function isLoopback(url: unknown): boolean {
  if (typeof url !== "string" && !(url instanceof Secret)) return false;
  const host = URL.parse(reveal(url))?.hostname ?? "";
  return host === "localhost" || host.endsWith(".localhost") || host === "[::1]" || /^127(\.\d{1,3}){3}$/.test(host);
}
