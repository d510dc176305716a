/** Addresses that never leave this host, so that a missing network says nothing about them. */

import { reveal, Secret } from "./secret.ts";

/** Whether a URL leads to this very host. What is no URL does not. */
export function isLoopback(url: unknown): boolean {
  if (typeof url !== "string" && !(url instanceof Secret)) return false;
  return isLoopbackHost(URL.parse(reveal(url))?.hostname ?? "");
}

/** The same of a host alone, "::1" in brackets or not. */
export function isLoopbackHost(host: string): boolean {
  return host === "localhost" || host.endsWith(".localhost") || host === "[::1]" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}
