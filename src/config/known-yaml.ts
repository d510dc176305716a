/**
 * YAML texts that were read when the program was built, so that a start need not read them again: the
 * shipped checks and policies. The files stay what counts: a text that differs by one character is read as any other.
 */
import { SHIPPED, type KnownYaml } from "./shipped-yaml.ts";
import { readLater, readYaml, type Place, type YamlSource } from "./yaml-source.ts";

/** @throws {Error} where the text has errors: nothing that is known is wrong. */
export function knowYaml(text: string, file: string): KnownYaml {
  const source = readYaml(text, file);
  const [error] = source.errors;
  if (error !== undefined) throw new Error(`${file}:${error.line}:${error.column}: ${error.message}`);
  const numbers = ({ line, column, length }: Place) => [line, column, length] as const;
  const places = pathsOf(source.value, []).map((path) => [JSON.stringify(path), { key: numbers(source.locate(path, "key")), value: numbers(source.locate(path)) }] as const);
  return { text, value: source.value, places: Object.fromEntries(places) };
}

function pathsOf(value: unknown, path: readonly PropertyKey[]): readonly (readonly PropertyKey[])[] {
  if (typeof value !== "object" || value === null) return [path];
  const below = Array.isArray(value) ? value.map((entry: unknown, index) => [index, entry] as const) : Object.entries(value);
  return [path, ...below.flatMap(([key, entry]) => pathsOf(entry, [...path, key]))];
}

/** As `readYaml` reads it, by looking it up where the text is known. */
export function readShipped(text: string, file: string, known: readonly KnownYaml[] = SHIPPED): YamlSource {
  const found = known.find((one) => one.text === text);
  if (found === undefined) return readYaml(text, file);
  const { value, places } = found;
  return readLater(value, file, () => text, (path, at) => {
    const place = places[JSON.stringify(path)]?.[at];
    return place === undefined ? undefined : { line: place[0], column: place[1], length: place[2] };
  });
}
