/** Loads a configuration from texts, with the shipped checks and policies from the disk. */
import { join, sep } from "node:path";
import { diskFiles, type Files } from "../../src/config/files.ts";
import { loadConfig, type Loaded } from "../../src/config/load.ts";
import { catalogues } from "./catalogues.ts";

export const SITE = `site: my-shop
targets:
  app:
    url: http://127.0.0.1:3000
    process:
      command: [node, server.mjs]
gateway: {}
alerts:
  on_call:
    url: http://127.0.0.1:9999/alerts
windows:
  night: { from: "02:00", to: "04:00" }
`;

/** Files of one folder, by path within it; everything else comes from the disk. */
export function folderOf(files: Readonly<Record<string, string>>): Files {
  const texts = new Map(Object.entries(files).map(([path, text]) => [join("shop", path), text]));
  return {
    read: async (path) => {
      if (!path.startsWith(`shop${sep}`)) return diskFiles.read(path);
      const text = texts.get(path);
      if (text === undefined) throw new Error("no such file");
      return text;
    },
    list: async (folder) => {
      if (!folder.startsWith(`shop${sep}`)) return diskFiles.list(folder);
      return [...texts.keys()].filter((path) => path.startsWith(folder + sep)).map((path) => path.slice(folder.length + 1));
    },
  };
}

export function load(files: Readonly<Record<string, string>>, env: Readonly<Record<string, string>> = {}): Promise<Loaded> {
  return loadConfig({ file: join("shop", "shopkeeper.yaml"), env, catalogues, files: folderOf(files) });
}
