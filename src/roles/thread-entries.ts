/**
 * Where the threads' own composition roots stand: beside main.ts in the source, beside
 * the bundle where it ships.
 */
const fromSource = import.meta.url.endsWith(".ts");

export const GATEWAY_WORKER = entry("gateway-worker");
export const SQLITE_WORKER = entry("sqlite-worker");

function entry(name: string): URL {
  if (fromSource) return new URL(`../${name}.ts`, import.meta.url);
  // Chunks of the bundle stand one folder below its entries.
  return new URL(import.meta.url.includes("/chunks/") ? `../${name}.mjs` : `./${name}.mjs`, import.meta.url);
}
