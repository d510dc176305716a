/**
 * `npm run build [FOLDER]`: what ships. One bundle, in dist/ or the folder named: the program, the entry
 * of each of its threads, the clients of Kubernetes and of Route 53, and the shipped checks, policies and scenarios beside it. Nothing else is needed.
 */
import { cpSync, readFileSync, rmSync, statSync, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";
import { knowYaml } from "./src/config/known-yaml.ts";

const HERE = fileURLToPath(new URL(".", import.meta.url));

/** What of undici is used, from undici's own files: its index would load fetch, caches, mocks and proxies into every thread. */
const UNDICI = `
export { default as Pool } from "undici/lib/dispatcher/pool.js";
`;

/** What packages require and we never reach, by who requires it: fastify's compilers of JSON Schemas, and HTTP/2, which undici does without where Node lacks it. */
const UNREACHED: readonly { readonly what: RegExp; readonly by: RegExp }[] = [
  { what: /^@fastify\/(ajv-compiler|fast-json-stringify-compiler)$/, by: /\/node_modules\/fastify\// },
  { what: /^node:http2$/, by: /\/node_modules\/undici\// },
];

/** What packages load at once and we never use: prom-client's own collectors bring the whole API of OpenTelemetry, commander looks for subcommands that are programs. */
const UNUSED: readonly { readonly what: RegExp; readonly by: RegExp }[] = [
  { what: /^\.\/lib\/(pushgateway|defaultMetrics|cluster)$/, by: /\/node_modules\/prom-client\/index\.js$/ },
  { what: /^node:child_process$/, by: /\/node_modules\/commander\// },
  // zod's words in fifty languages; English, which it speaks unless told, it asks for by itself.
  { what: /^\.\.\/locales\/index\.js$/, by: /\/node_modules\/zod\/v4\// },
];

/** Slow to load, and needed by no thread before it serves. */
const WHEN_USED = new Set(["node:crypto", "node:tls", "node:dns", "node:child_process"]);

/** A module whose exports load it when one of them is first read. */
function whenUsed(path: string): string {
  const names = Object.keys(process.getBuiltinModule(path) ?? {});
  return `for (const name of ${JSON.stringify(names)}) Object.defineProperty(exports, name, { enumerable: true, get: () => require("${path}")[name] });`;
}

/** The shipped checks and policies, read now instead of at each start. */
function shipped(): string {
  const files = ["checks", "policies"].flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)));
  return `export const SHIPPED = ${JSON.stringify(files.map((file) => knowYaml(readFileSync(file, "utf8"), file)))};`;
}

/** Lighter stand-ins for what is imported. */
const lean: Plugin = {
  name: "lean",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^undici$/ }, ({ path }) => ({ path, namespace: "undici" }));
    onLoad({ filter: /./, namespace: "undici" }, () => ({ contents: UNDICI, resolveDir: HERE }));

    onLoad({ filter: /\/src\/config\/shipped-yaml\.ts$/ }, () => ({ contents: shipped() }));

    // An import of CommonJS copies each of its exports, which here is every byte. require() does not.
    onResolve({ filter: /^undici\/lib\/llhttp\// }, ({ path, kind }) => (kind === "import-statement" ? { path, namespace: "bytes" } : undefined));
    onLoad({ filter: /./, namespace: "bytes" }, ({ path }) => ({ contents: `export default require("${path}");`, resolveDir: HERE }));

    // The client of Kubernetes is larger than all else together, and only the singleton needs it; that of Route 53, only one with such records.
    onResolve({ filter: /^\.\/sdk\.ts$/ }, ({ importer }) => ({ path: `./${basename(dirname(importer))}.cjs`, namespace: "sdk" }));
    onResolve({ filter: /^\.\/(kubernetes|route53)\.cjs$/ }, ({ path }) => ({ path, external: true }));
    onLoad({ filter: /./, namespace: "sdk" }, ({ path }) => ({ contents: `module.exports = require("${path}");` }));

    onResolve({ filter: /./ }, ({ path, importer }) => (UNREACHED.some(({ what, by }) => what.test(path) && by.test(importer)) ? { path, namespace: "unreached" } : undefined));
    onLoad({ filter: /./, namespace: "unreached" }, ({ path }) => ({ contents: `throw new Error("${path} is not in this bundle");`, loader: "js" }));

    onResolve({ filter: /./ }, ({ path, importer }) => (UNUSED.some(({ what, by }) => what.test(path) && by.test(importer)) ? { path, namespace: "unused" } : undefined));
    onLoad({ filter: /./, namespace: "unused" }, () => ({ contents: "module.exports = {};" }));

    // An import of Node's own module reads each of its exports: that of node:http loads all of Node's own fetch into every thread. require() does not.
    onResolve({ filter: /^node:/ }, ({ path, kind }) => (kind === "import-statement" ? { path, namespace: "required" } : undefined));
    onLoad({ filter: /./, namespace: "required" }, ({ path }) => ({ contents: WHEN_USED.has(path) ? whenUsed(path) : `module.exports = require("${path}");` }));
  },
};

const into = process.argv[2] ?? "dist";
rmSync(into, { recursive: true, force: true });
await build({
  entryPoints: { shopkeeper: "src/main.ts", "gateway-worker": "src/gateway-worker.ts", "sqlite-worker": "src/sqlite-worker.ts" },
  outdir: into,
  outExtension: { ".js": ".mjs" },
  bundle: true,
  // One file a thread: sixty small ones took longer to link than to run. What a command does not need stays a function nobody calls.
  splitting: false,
  platform: "node",
  format: "esm",
  target: "node24",
  minifySyntax: true,
  minifyWhitespace: true,
  plugins: [lean],
  // undici's own switch for a build of llhttp alone, as Node's is: without its second, experimental parser.
  define: { esbuildDetection: "1" },
  legalComments: "none",
  // CommonJS packages inside the bundle call require() for node's own modules.
  banner: { js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);' },
  logLevel: "warning",
});
await build({
  entryPoints: { kubernetes: "src/adapters/kubernetes/sdk.ts", route53: "src/adapters/route53/sdk.ts" },
  outdir: into,
  outExtension: { ".js": ".cjs" },
  bundle: true,
  platform: "node",
  format: "cjs",
  target: "node24",
  minify: true,
  legalComments: "none",
  logLevel: "warning",
});
for (const folder of ["checks", "policies", "schemas", "scenarios"]) cpSync(folder, join(into, folder), { recursive: true });
for (const name of readdirSync(into).filter((file) => /\.[mc]js$/.test(file))) {
  process.stdout.write(`${join(into, name)}  ${(statSync(join(into, name)).size / 1024).toFixed(0)} KB\n`);
}
