/**
 * `${ENV}` and `file:` in a configuration file.
 *
 * `${NAME}` stands for a variable of the environment in any text, `${NAME:-text}` has a
 * fallback, `$${` is a plain `${`. Settings that are secrets are such a reference, or
 * `file:PATH`; they come out as `Secret`, so that printing the configuration never shows them.
 * Names and keys take none.
 */
import { nearest } from "../core/nearest.ts";
import { withoutLine, type Problem } from "./problem.ts";
import { Secret, type Filled } from "./secret.ts";
import type { Finding, YamlSource } from "./yaml-source.ts";

/**
 * How references are read at one setting; `*` in the path is any one key or index. Elsewhere `${NAME}` is filled in as plain text.
 * `must`: a secret, only by reference. `may`: a secret where it is by reference. `never`: no reference is read: it is
 * shown wherever people look, and other files name it. `file: false`: only `${NAME}` is.
 */
export type ReferenceRule = { readonly path: string; readonly need: "must" | "may" | "never"; readonly file?: false };

export type ReferenceContext = {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Contents by the path as written after `file:`; null where it cannot be read. */
  readonly secretFiles: ReadonlyMap<string, string | null>;
};

export type Resolved = {
  readonly value: unknown;
  readonly problems: readonly Problem[];
  /** Paths whose value is missing because of a problem; what a schema says about them is no news. */
  readonly broken: readonly (readonly PropertyKey[])[];
  /** What was filled in from the environment or from files, each once. */
  readonly filled: readonly Secret[];
};

const REFERENCE = /\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|\$\{([^}]*)\}?/g;
/** A reference somewhere, and no plain `$${`. */
const HOLDS_REFERENCE = /(?<!\$)\$\{/;
const WHOLE_REFERENCE = /^\$\{[A-Za-z_][A-Za-z0-9_]*\}$/;

/** The `file:` references of a document, as written: what has to be read before `resolve`. */
export function secretFilesOf(source: YamlSource, rules: readonly ReferenceRule[]): readonly string[] {
  const found: string[] = [];
  walk(source.value, [], (value, path) => {
    const rule = ruleAt(path, rules);
    if (rule !== undefined && isFile(value, rule)) found.push(value.slice("file:".length));
    return value;
  });
  return found;
}

/** Puts the values in place of the references. Never throws. */
export function resolveReferences(source: YamlSource, rules: readonly ReferenceRule[], context: ReferenceContext): Resolved {
  const resolving = new Resolving(source, rules, context);
  const value = walk(source.value, [], (written, path) => resolving.valueOf(written, path), (key, path) => resolving.checkKey(key, path));
  return { value, problems: resolving.problems, broken: resolving.broken, filled: [...resolving.filled.values()] };
}

class Resolving {
  readonly problems: Problem[] = [];
  readonly broken: (readonly PropertyKey[])[] = [];
  /** By origin. */
  readonly filled = new Map<string, Secret>();
  readonly #source: YamlSource;
  readonly #rules: readonly ReferenceRule[];
  readonly #context: ReferenceContext;

  constructor(source: YamlSource, rules: readonly ReferenceRule[], context: ReferenceContext) {
    this.#source = source;
    this.#rules = rules;
    this.#context = context;
  }

  valueOf(written: string, path: readonly PropertyKey[]): unknown {
    const rule = ruleAt(path, this.#rules);
    switch (rule?.need) {
      case undefined:
        return this.#plain(written, path);
      case "never":
        return this.#name(written, path);
      case "must":
      case "may":
        return this.#secret(written, path, rule);
    }
  }

  checkKey(key: string, path: readonly PropertyKey[]): void {
    if (HOLDS_REFERENCE.test(key)) this.#report({ code: "BAD_VALUE", path, at: "key", message: `${JSON.stringify(key)} is a key, and a reference is not read in one`, expected: "the key itself; references may stand in its value" });
  }

  /** Refused rather than taken as text: it would say something else than it seems to. */
  #name(written: string, path: readonly PropertyKey[]): unknown {
    if (!HOLDS_REFERENCE.test(written)) return written;
    return this.#report({ code: "BAD_VALUE", path, message: `a reference is not read in "${String(path.at(-1))}"`, expected: "the text itself: it stands in alerts, metrics and the ledger, and other files name it" });
  }

  #plain(written: string, path: readonly PropertyKey[]): unknown {
    const filled = this.#fill(written, path)?.text;
    // An unquoted reference means what the text would have meant in its place: a number, true, false.
    if (filled === undefined || filled === written || !this.#source.isPlain(path)) return filled;
    if (/^-?\d+(\.\d+)?$/.test(filled)) return Number(filled);
    return filled === "true" ? true : filled === "false" ? false : filled;
  }

  #secret(written: string, path: readonly PropertyKey[], rule: ReferenceRule): unknown {
    if (isFile(written, rule)) return this.#file(written, path);
    if (rule.need === "must" && !WHOLE_REFERENCE.test(written)) {
      return this.#report({ code: "SECRET_INLINE", path, message: "a secret is written in the file itself", expected: 'a reference: "${NAME}" or "file:/path"' });
    }
    if (hasInlinePassword(written)) {
      return this.#report({ code: "SECRET_INLINE", path, message: "a password is written in the URL itself", expected: 'a reference: "redis://:${NAME}@host", "${NAME}" or "file:/path"' });
    }
    const filled = this.#fill(written, path);
    if (filled === undefined || !HOLDS_REFERENCE.test(written)) return filled?.text;
    const secret = new Secret(filled.text, written, filled.parts);
    // As a whole as well: only so is a value known to be a URL's host, of which the case changes.
    this.filled.set(written, secret);
    return secret;
  }

  #file(written: string, path: readonly PropertyKey[]): Secret | undefined {
    const name = written.slice("file:".length);
    const content = this.#context.secretFiles.get(name);
    if (content === undefined || content === null) return this.#report({ code: "SECRET_FILE", path, message: `the secret's file ${name} cannot be read`, expected: "a readable file" });
    const value = content.replace(/\r?\n$/, "");
    if (value === "") return this.#report({ code: "SECRET_FILE", path, message: `the secret's file ${name} is empty`, expected: "a file that holds the secret" });
    const secret = new Secret(value, written);
    this.filled.set(written, secret);
    return secret;
  }

  /** undefined where a reference has no value; that has been reported. */
  #fill(written: string, path: readonly PropertyKey[]): { readonly text: string; readonly parts: readonly Filled[] } | undefined {
    let missing = false;
    const parts: Filled[] = [];
    const text = written.replaceAll(REFERENCE, (whole: string, name: string | undefined, fallback: string | undefined, bad: string | undefined, offset: number) => {
      if (whole === "$${") return "${";
      const value = name === undefined ? undefined : this.#context.env[name];
      if (name !== undefined && value !== undefined && value !== "") {
        parts.push({ value, origin: `\${${name}}` });
        this.filled.set(`\${${name}}`, new Secret(value, `\${${name}}`));
        return value;
      }
      if (name !== undefined && fallback !== undefined) return value ?? fallback;
      missing = true;
      this.#report(name === undefined ? notAReference(path, whole, bad ?? "", offset) : this.#unset(path, whole, name, offset));
      return whole;
    });
    return missing ? undefined : { text, parts };
  }

  #unset(path: readonly PropertyKey[], whole: string, name: string, offset: number): Finding {
    const { env } = this.#context;
    return {
      code: "ENV_MISSING",
      path,
      offset,
      length: whole.length,
      message: `the environment variable ${name} is ${env[name] === undefined ? "not set" : "empty"}`,
      expected: `${name} in the environment, or \${${name}:-fallback}`,
      nearest: nearest(name, Object.keys(env)),
    };
  }

  #report(finding: Finding): undefined {
    const problem = this.#source.problem(finding);
    this.problems.push(finding.code === "SECRET_INLINE" ? withoutLine(problem) : problem);
    this.broken.push(finding.path);
    return undefined;
  }
}

function notAReference(path: readonly PropertyKey[], whole: string, bad: string, offset: number): Finding {
  return { code: "BAD_VALUE", path, offset, length: whole.length, message: `\${${bad}} is not a reference`, expected: "a variable's name in the braces, or $${ for plain braces" };
}

function isFile(written: string, rule: ReferenceRule): boolean {
  return written.startsWith("file:") && rule.need !== "never" && rule.file !== false;
}

function hasInlinePassword(written: string): boolean {
  const password = /^[a-z][a-z0-9+.-]*:\/\/[^/@\s]*:([^/@\s]+)@/i.exec(written)?.[1];
  return password !== undefined && !password.includes("${");
}

function ruleAt(path: readonly PropertyKey[], rules: readonly ReferenceRule[]): ReferenceRule | undefined {
  return rules.find((rule) => {
    const parts = rule.path.split(".");
    return parts.length === path.length && parts.every((part, index) => part === "*" || part === path[index]);
  });
}

type Change = (text: string, path: readonly PropertyKey[]) => unknown;

function walk(value: unknown, path: readonly PropertyKey[], change: Change, atKey: (key: string, path: readonly PropertyKey[]) => void = () => undefined): unknown {
  if (typeof value === "string") return change(value, path);
  if (Array.isArray(value)) return value.map((item: unknown, index) => walk(item, [...path, index], change, atKey));
  if (typeof value !== "object" || value === null || value instanceof Secret) return value;
  const entry = ([key, item]: [string, unknown]): readonly [string, unknown] => {
    atKey(key, [...path, key]);
    return [key, walk(item, [...path, key], change, atKey)];
  };
  return Object.fromEntries(Object.entries(value).map(entry));
}
