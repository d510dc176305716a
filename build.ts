/**
 * `npm run build`: what ships. One bundle in dist/: the program, the entry of each
 * of its threads, and the shipped checks, policies and scenarios beside it.
 */
import { cpSync, rmSync, statSync, readdirSync } from "node:fs";
import { build } from "esbuild";

rmSync("dist", { recursive: true, force: true });
await build({
  entryPoints: { shopkeeper: "src/main.ts", "gateway-worker": "src/gateway-worker.ts", "sqlite-worker": "src/sqlite-worker.ts" },
  outdir: "dist",
  outExtension: { ".js": ".mjs" },
  bundle: true,
  splitting: true,
  chunkNames: "chunks/[name]-[hash]",
  platform: "node",
  format: "esm",
  target: "node24",
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: "none",
  // CommonJS packages inside the bundle call require() for node's own modules.
  banner: { js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);' },
  logLevel: "warning",
});
for (const folder of ["checks", "policies", "schemas", "scenarios"]) cpSync(folder, `dist/${folder}`, { recursive: true });
for (const name of readdirSync("dist").filter((file) => file.endsWith(".mjs"))) {
  process.stdout.write(`dist/${name}  ${(statSync(`dist/${name}`).size / 1024).toFixed(0)} KB\n`);
}
