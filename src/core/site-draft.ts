/**
 * A first shopkeeper.yaml for the project in a folder: what its package.json says, as text with reasons.
 */
import { siteName } from "./kubernetes/sidecar-site.ts";
import { fields, inside, text } from "./kubernetes/views.ts";

/** What is known of a project. */
export type Project = {
  /** Name of its folder. */
  readonly folder: string;
  /** package.json, parsed; null: there is none. */
  readonly manifest: unknown;
  /** Names of the entries of its folder. */
  readonly entries: readonly string[];
};

export type SiteDraft = { readonly text: string; /** What was seen, one sentence each. */ readonly notes: readonly string[] };

type Start = { readonly command: readonly string[]; readonly why: string };

/** Words of a shell, which starts nothing here: quotes, pipes, variables, patterns, settings before the program. */
const SHELL = /["'`$|&;<>(){}*?~\\]|^\w+=/;

export function draftSite({ folder, manifest, entries }: Project): SiteDraft {
  const name = siteName(text(inside(manifest, "name"))?.replace(/^@[^/]+\//, "") ?? folder);
  const hydrogen = inside(manifest, "dependencies", "@shopify/hydrogen") !== undefined || inside(manifest, "devDependencies", "@shopify/hydrogen") !== undefined;
  const start = startOf(manifest, entries);
  return {
    text: siteText(name, start),
    notes: [
      manifest === null ? "no package.json here" : hydrogen ? `package.json: ${name}, a Hydrogen storefront` : `package.json: ${name}; no @shopify/hydrogen among its dependencies, so see whether the preset fits`,
      `it is started by ${JSON.stringify(start.command)}: ${start.why}`,
    ],
  };
}

/** How the built storefront is started on plain Node. */
function startOf(manifest: unknown, entries: readonly string[]): Start {
  const script = text(fields(inside(manifest, "scripts"))["start"]);
  const words = script?.trim().split(/\s+/) ?? [];
  if (script !== null && words[0] === "node" && !SHELL.test(script)) return { command: words, why: "that is its start script" };
  const server = ["server.mjs", "server.js"].find((name) => entries.includes(name));
  if (script !== null && !/\bshopify\b|\bvite\b|\b(dev|preview)\b/.test(script)) return { command: ["npm", "start"], why: `its start script (${script}) needs npm` };
  const why = script === null ? "there is no start script" : `its start script (${script}) is for development`;
  return server === undefined ? { command: ["node", "server.mjs"], why: `${why}; a guess, put your own there` } : { command: ["node", server], why: `${why}, and ${server} is here` };
}

function siteText(name: string, { command, why }: Start): string {
  return `# Shopkeeper's configuration. All keys, with their defaults: docs/configuration.md of Shopkeeper.
# "shopkeeper validate" says what is wrong with it, "shopkeeper check" makes every check once, "shopkeeper run" starts.
site: ${name}

targets:
  app:
    url: http://127.0.0.1:3000
    # Shopkeeper starts it, restarts it, and finds it again after its own restart. No shell: one word an entry.
    # Here: ${why}.
    # A systemd unit instead: unit: storefront.service
    process:
      command: ${JSON.stringify(command)}

# Secrets stand in the environment or in a file of their own, never here.
# storefront:
#   origin: https://my-shop.myshopify.com
#   public_token: \${PUBLIC_STOREFRONT_API_TOKEN}

# Buyers come in at port 8080; stored pages are served while the application is down.
gateway:
  preset: hydrogen-react-router
  # The shop's own names; without them any name is answered.
  # hosts: [shop.example.com]

# A route that receives CloudEvents.
# alerts:
#   on_call: { url: "\${ALERT_URL}" }
`;
}
