/** The manifests as they stand in deploy/kubernetes, and ways to look into them. */
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { parseAllDocuments } from "yaml";

export const FOLDER = join(import.meta.dirname, "../../deploy/kubernetes");

/** Anything of YAML; looked into by paths only. */
export type Manifest = { readonly kind: string; readonly metadata: { readonly name: string; readonly namespace?: string } } & Readonly<Record<string, unknown>>;

export type Found = { readonly file: string; readonly manifest: Manifest };

/** Paths below deploy/kubernetes of all files of YAML. */
export const FILES: readonly string[] = readdirSync(FOLDER, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith(".yaml"))
  .map((entry) => relative(FOLDER, join(entry.parentPath, entry.name)))
  .toSorted();

export function textOf(file: string): string {
  return readFileSync(join(FOLDER, file), "utf8");
}

/** @throws {Error} at the first error of syntax. */
export function parse(text: string): readonly Manifest[] {
  return parseAllDocuments(text, { strict: true, uniqueKeys: true }).map((document) => {
    if (document.errors[0] !== undefined) throw document.errors[0];
    return document.toJS() as Manifest;
  });
}

/** Objects of Kubernetes, without kustomize's own and our configurations. */
export const MANIFESTS: readonly Found[] = FILES.filter((file) => !/(kustomization|shopkeeper)\.yaml$/.test(file)).flatMap((file) => parse(textOf(file)).map((manifest) => ({ file, manifest })));

/** "spec.ports[0].port" of a manifest; undefined where there is no such thing. Names that contain dots are not looked for. */
export function at(value: unknown, path: string): unknown {
  return path
    .replaceAll(/\[(\w+)\]/g, ".$1")
    .split(".")
    .reduce<unknown>((inner, key) => (typeof inner === "object" && inner !== null ? (inner as Readonly<Record<string, unknown>>)[key] : undefined), value);
}

export function named(manifests: readonly Manifest[], kind: string, name: string): Manifest {
  const found = manifests.find((one) => one.kind === kind && one.metadata.name === name);
  if (found === undefined) throw new Error(`no ${kind} ${name}; there are ${manifests.map((one) => `${one.kind} ${one.metadata.name}`).join(", ")}`);
  return found;
}

export type Container = { readonly name: string } & Readonly<Record<string, unknown>>;

/** All containers of a Deployment's pods, sidecars included. */
export function containersOf(deployment: unknown): readonly Container[] {
  return ["initContainers", "containers"].flatMap((key) => (at(deployment, `spec.template.spec.${key}`) ?? []) as readonly Container[]);
}
