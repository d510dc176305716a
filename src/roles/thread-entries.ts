/**
 * Where the threads' own composition roots stand: beside main.ts in the source, beside
 * the bundle where it ships.
 */
const fromSource = import.meta.url.endsWith(".ts");

export const GATEWAY_WORKER = entry("gateway-worker");
export const SQLITE_WORKER = entry("sqlite-worker");

function entry(name: string): URL {
  return new URL(fromSource ? `../${name}.ts` : `./${name}.mjs`, import.meta.url);
}
