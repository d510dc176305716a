/**
 * The configuration of a scenario: the shipped files with its own settings laid over
 * them, read by the same loader as any other.
 */
import { join } from "node:path";
import { stringify } from "yaml";
import type { Catalogues } from "../config/catalogue.ts";
import { diskFiles, shippedFolder } from "../config/files.ts";
import type { Files } from "../config/files.ts";
import { loadConfig } from "../config/load.ts";
import type { Loaded } from "../config/load.ts";
import { readYaml } from "../config/yaml-source.ts";
import type { Scenario } from "./scenario.ts";
import { targetNames } from "./scenario.ts";

type Settings = Readonly<Record<string, unknown>>;

/** Where the simulated files are said to stand, in messages. */
const FOLDER = "simulated";
const SITE_FILE = join(FOLDER, "shopkeeper.yaml");
const FIRST_PORT = 3_001;

/** Problems in what a scenario lays over are reported against the simulated files, by key. Never rejects. */
export async function scenarioConfig(scenario: Scenario, catalogues: Catalogues, shipped: string = shippedFolder()): Promise<Loaded> {
  const texts = new Map([[SITE_FILE, stringify(merged(baseSite(scenario), scenario.site))]]);
  for (const kind of ["checks", "policies"] as const) {
    for (const [name, settings] of Object.entries(scenario[kind])) {
      const file = `${name}.yaml`;
      const text = await diskFiles.read(join(shipped, kind, file)).catch(() => "");
      const base = readYaml(text, file).value;
      texts.set(join(FOLDER, kind, file), stringify(merged(isSettings(base) ? base : { name }, settings)));
    }
  }
  return loadConfig({ file: SITE_FILE, env: {}, catalogues, shipped, files: overlaid(texts) });
}

function overlaid(texts: ReadonlyMap<string, string>): Files {
  return {
    read: async (path) => texts.get(path) ?? diskFiles.read(path),
    list: async (folder) => {
      if (!folder.startsWith(FOLDER)) return diskFiles.list(folder);
      return [...texts.keys()].filter((path) => path.startsWith(`${folder}/`)).map((path) => path.slice(folder.length + 1));
    },
  };
}

function baseSite(scenario: Scenario): Settings {
  const names = targetNames(scenario);
  const target = (index: number): Settings => ({
    url: `http://127.0.0.1:${FIRST_PORT + index}`,
    ...(names.length > 1 ? { workload: "web" } : {}),
    process: { command: ["node", "server.mjs"] },
  });
  return {
    site: "simulated",
    targets: Object.fromEntries(names.map((name, index) => [name, target(index)])),
    storefront: { origin: "https://shop.example" },
    gateway: { target: names[0] },
    stores: { state: { kind: "memory" } },
    alerts: { on_call: { severity: "info", url: "https://alerts.example/on-call" } },
  };
}

/** Maps are laid over each other key by key; anything else replaces. */
function merged(base: Settings, over: Settings): Settings {
  const all: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const below = all[key];
    all[key] = isSettings(below) && isSettings(value) ? merged(below, value) : value;
  }
  return all;
}

function isSettings(value: unknown): value is Settings {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
