/** A YAML file of several documents, each of which knows where it stands in the whole. */
import { readYaml, type YamlSource } from "./yaml-source.ts";

/** A file of more documents is nobody's manifest. */
export const MAX_DOCUMENTS = 500;

const PART = /^---(\s|$)/;

/**
 * Reads each document by itself, with the lines of the whole file. Never throws.
 *
 * A line that begins with `---` parts documents wherever it stands, as YAML has it (1.2.2, 9.1.2).
 */
export function readYamlDocuments(text: string, file: string): readonly YamlSource[] {
  const lines = text.split("\n");
  const starts = [0, ...lines.flatMap((line, index) => (PART.test(line) ? [index] : []))].slice(0, MAX_DOCUMENTS);
  return starts
    .map((start, index) => {
      const own = lines.slice(start, starts[index + 1] ?? lines.length);
      // What stands before is left blank, so that lines and columns are those of the file.
      return "\n".repeat(start) + own.join("\n").replace(PART, (mark) => mark.replace("---", "   "));
    })
    .filter((part) => part.replaceAll(/^\s*#.*$/gm, "").trim() !== "")
    .map((part) => readYaml(part, file));
}
