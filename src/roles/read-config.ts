/**
 * Reads a configuration and remembers what it was made of, so that a later reading can be compared.
 */
import { diskFiles, type Files } from "../config/files.ts";
import { loadConfig, type Loaded } from "../config/load.ts";
import { catalogues } from "./catalogues.ts";

/** A configuration, and what it was read from. */
export type Reading = {
  readonly loaded: Loaded;
  /** Every text read, secrets' files included, as one: the same texts make the same configuration. Only to be digested. */
  readonly read: string;
  /** Paths of the texts read, those that could not be read included. */
  readonly files: readonly string[];
};

/** @param file absolute path of shopkeeper.yaml */
export async function readConfig(file: string, env: Readonly<Record<string, string | undefined>>, disk: Files = diskFiles): Promise<Reading> {
  const texts = new Map<string, string>();
  const files: Files = {
    read: async (path) => {
      texts.set(path, "missing");
      const text = await disk.read(path);
      texts.set(path, `text ${text}`);
      return text;
    },
    list: disk.list,
  };
  const loaded = await loadConfig({ file, env, catalogues, files });
  const sorted = [...texts].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return { loaded, read: JSON.stringify(sorted), files: sorted.map(([path]) => path) };
}
