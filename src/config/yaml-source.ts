/**
 * A YAML text that remembers where everything in it stands.
 *
 * Used for every file a person writes: the configuration, checks, policies, scenarios.
 */
import { isAlias, isCollection, isMap, isNode, isPair, isScalar, LineCounter, parseDocument, Scalar, visit, type Document, type YAMLError } from "yaml";
import { pathText, type Problem, type ProblemCode } from "./problem.ts";

export type Place = { readonly line: number; readonly column: number; readonly length: number };

/** Which part of an entry is meant: its key, or its value. */
export type At = "key" | "value";

/** What a caller knows of a problem; the source adds where it stands. */
export type Finding = {
  readonly code: ProblemCode;
  readonly path: readonly PropertyKey[];
  readonly at?: At;
  /** Characters into the text at `path`: the error points at that word. */
  readonly offset?: number | null;
  readonly length?: number;
  readonly message: string;
  readonly expected?: string | null;
  readonly nearest?: string | null | undefined;
};

export type YamlSource = {
  readonly file: string;
  /** The plain value; null for an empty file or one that could not be read. */
  readonly value: unknown;
  /** Syntax errors, duplicate keys, tabs: all of them. */
  readonly errors: readonly Problem[];
  /** Where an entry stands; what does not exist is placed at its nearest existing parent. */
  locate(path: readonly PropertyKey[], at?: At): Place;
  /** Where a character of a text stands, also within quoted and block scalars. */
  locateIn(path: readonly PropertyKey[], offset: number, length?: number): Place;
  /** Whether the scalar at `path` is written without quotes. */
  isPlain(path: readonly PropertyKey[]): boolean;
  problem(finding: Finding): Problem;
};

/** Reads a YAML text. Never throws. Aliases are expanded up to 100 times (a bound on "billion laughs"). */
export function readYaml(text: string, file: string): YamlSource {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, strict: true, uniqueKeys: true });
  const sourceLines = text.split(/\r?\n/);
  const errors: Problem[] = document.errors.map((error) => syntaxProblem(error, document, file, lines, sourceLines));
  const at = (offset: number, length = 1): Place => {
    const { line, col } = lines.linePos(Math.max(0, Math.min(offset, text.length)));
    return { line: Math.max(1, line), column: Math.max(1, col), length: Math.max(1, length) };
  };

  let value: unknown = null;
  try {
    value = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    errors.push({ ...BLANK, file, code: "YAML_SYNTAX", message: error instanceof Error ? error.message : "cannot be read", source: sourceLines[0] ?? "" });
  }

  const locate = (path: readonly PropertyKey[], part: At = "value"): Place => {
    const found = find(document, path, part);
    return found === null ? at(firstOffset(document)) : at(found.start, found.end - found.start);
  };
  const locateIn = (path: readonly PropertyKey[], offset: number, length = 1): Place => {
    const node = nodeAt(document, path);
    const start = isScalar(node) && typeof node.value === "string" ? offsetIn(text, node, node.value, offset) : null;
    return start === null ? locate(path) : at(start, length);
  };
  return {
    file,
    value: errors.length > 0 && document.contents === null ? null : value,
    errors,
    locate,
    locateIn,
    isPlain: (path) => {
      const node = nodeAt(document, path);
      return isScalar(node) && node.type === Scalar.PLAIN;
    },
    problem: (finding) => {
      const place = isWithin(finding) ? locateIn(finding.path, finding.offset, finding.length) : locate(finding.path, finding.at);
      return problemOf(finding, file, place, sourceLines[place.line - 1]);
    },
  };
}

/**
 * A source whose value is known already: its text is read only once a place in it is asked for.
 *
 * @param place where an entry stands, if that is known too.
 */
export function readLater(value: unknown, file: string, text: () => string, place: (path: readonly PropertyKey[], at: At) => Place | undefined = () => undefined): YamlSource {
  let read: YamlSource | null = null;
  const source = (): YamlSource => (read ??= readYaml(text(), file));
  return {
    file,
    value,
    errors: [],
    locate: (path, at = "value") => place(path, at) ?? source().locate(path, at),
    locateIn: (path, offset, length) => source().locateIn(path, offset, length),
    isPlain: (path) => source().isPlain(path),
    problem: (finding) => {
      const found = isWithin(finding) ? undefined : place(finding.path, finding.at ?? "value");
      return found === undefined ? source().problem(finding) : problemOf(finding, file, found, text().split(/\r?\n/)[found.line - 1]);
    },
  };
}

/** It points at a character of a text, not at an entry. */
function isWithin(finding: Finding): finding is Finding & { readonly offset: number } {
  return finding.offset !== undefined && finding.offset !== null;
}

function problemOf({ code, path, message, expected = null, nearest = null }: Finding, file: string, place: Place, source = ""): Problem {
  return { code, file, ...place, path: pathText(path), message, expected, nearest, source };
}

const BLANK = { line: 1, column: 1, length: 1, path: "", expected: null, nearest: null, source: "" } as const;

/** A problem of a file that has no text at all. */
export function filelessProblem(code: ProblemCode, file: string, message: string, expected: string | null = null): Problem {
  return { ...BLANK, code, file, message, expected };
}

function syntaxProblem(error: YAMLError, document: Document, file: string, lines: LineCounter, sourceLines: readonly string[]): Problem {
  const { line, col } = lines.linePos(error.pos[0]);
  const source = sourceLines[line - 1] ?? "";
  const place = { file, line: Math.max(1, line), column: Math.max(1, col), source };
  if (error.code === "DUPLICATE_KEY") {
    const key = /^["']?([^"':\s]+)/.exec(source.slice(col - 1))?.[1] ?? "";
    return { ...BLANK, ...place, code: "DUPLICATE_KEY", path: pathOf(document, error.pos[0]) ?? key, length: Math.max(1, key.length), message: `the key "${key}" stands here a second time`, expected: "each key once" };
  }
  if (error.code === "TAB_AS_INDENT") return { ...BLANK, ...place, code: "TAB_INDENT", message: "a tab is used for indentation", expected: "spaces" };
  return { ...BLANK, ...place, code: "YAML_SYNTAX", message: `not valid YAML: ${lowerFirst(error.message)}` };
}

/** The path of the key that starts at an offset. */
function pathOf(document: Document, offset: number): string | null {
  let found: string | null = null;
  visit(document, {
    Pair: (_key, pair, parents) => {
      if (!isScalar(pair.key) || pair.key.range?.[0] !== offset) return undefined;
      const keys = [...parents.filter(isPair), pair].map((one) => (isScalar(one.key) ? String(one.key.value) : ""));
      found = pathText(keys);
      return visit.BREAK;
    },
  });
  return found;
}

function lowerFirst(sentence: string): string {
  return sentence.slice(0, 1).toLowerCase() + sentence.slice(1);
}

function firstOffset(document: Document): number {
  return isNode(document.contents) ? (document.contents.range?.[0] ?? 0) : 0;
}

function nodeAt(document: Document, path: readonly PropertyKey[]): unknown {
  let node: unknown = document.contents;
  for (const part of path) {
    node = isAlias(node) ? node.resolve(document) : node;
    node = isCollection(node) ? node.get(part, true) : undefined;
  }
  return isAlias(node) ? node.resolve(document) : node;
}

type Span = { readonly start: number; readonly end: number };

function find(document: Document, path: readonly PropertyKey[], part: At): Span | null {
  for (let depth = path.length; depth > 0; depth -= 1) {
    const parent = nodeAt(document, path.slice(0, depth - 1));
    const last = path[depth - 1];
    const pair = isMap(parent) ? parent.items.find((item) => isPair(item) && isScalar(item.key) && item.key.value === last) : undefined;
    const exact = depth === path.length;
    const key = span(pair?.key);
    // A missing entry is reported at the key of the map that should hold it.
    if (pair !== undefined && (!exact || part === "key") && key !== null) return key;
    const value = span(pair === undefined ? nodeAt(document, path.slice(0, depth)) : pair.value);
    if (value !== null && value.end > value.start) return value;
    if (key !== null) return key;
  }
  return null;
}

function span(node: unknown): Span | null {
  if (!isNode(node) || node.range === null || node.range === undefined) return null;
  const [start, end] = node.range;
  // Collections are underlined at their first character only.
  return { start, end: isCollection(node) ? start + 1 : end };
}

/**
 * Where the character at `offset` of a scalar's value stands in the file.
 *
 * Folding and indentation change white space only, so the characters that are not white
 * space are counted off in both; escapes of double quotes are decoded on the way.
 */
function offsetIn(text: string, node: Scalar, value: string, offset: number): number | null {
  const range = node.range;
  if (range === null || range === undefined) return null;
  const [from, to] = contentRange(text, node, range[0], range[1]);
  const wanted = value.slice(0, offset).replaceAll(/\s/g, "").length;
  const target = value.slice(offset).trim() === "" ? wanted - 1 : wanted;
  let seen = -1;
  for (let at = from; at < to; ) {
    const step = characterAt(text, at, node.type);
    if (step.visible) seen += 1;
    if (step.visible && seen === target) return target === wanted ? at : at + step.length;
    at += step.length;
  }
  return null;
}

function contentRange(text: string, node: Scalar, start: number, end: number): readonly [number, number] {
  if (node.type === Scalar.QUOTE_DOUBLE || node.type === Scalar.QUOTE_SINGLE) return [start + 1, end - 1];
  if (node.type === Scalar.BLOCK_FOLDED || node.type === Scalar.BLOCK_LITERAL) return [text.indexOf("\n", start) + 1, end];
  return [start, end];
}

const ESCAPE = /\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|\r?\n\s*|[\s\S])/y;

function characterAt(text: string, at: number, type: Scalar["type"]): { readonly length: number; readonly visible: boolean } {
  if (type === Scalar.QUOTE_SINGLE && text.startsWith("''", at)) return { length: 2, visible: true };
  if (type === Scalar.QUOTE_DOUBLE && text[at] === "\\") {
    ESCAPE.lastIndex = at;
    const found = ESCAPE.exec(text)?.[0] ?? "\\";
    return { length: found.length, visible: !/^\\([ntrvf_NLP ]|\r?\n)/.test(found) };
  }
  return { length: 1, visible: !/\s/.test(text[at] ?? " ") };
}
