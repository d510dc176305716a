/**
 * `${ENV}` and `file:` in a configuration file.
 *
 * `${NAME}` stands for a variable of the environment in any text, `${NAME:-text}` has a
 * fallback, `$${` is a plain `${`. Settings that are secrets must be such a reference, or
 * `file:PATH`; they come out as `Secret`, so that printing the configuration never shows them.
 */
import { nearest } from "../core/nearest.ts";
import type { Problem } from "./problem.ts";
import { Secret } from "./secret.ts";
import type { Finding, YamlSource } from "./yaml-source.ts";

/** Whether a setting must be a reference, or may also be plain text. */
export type SecretRule = { readonly path: string; readonly need: "must" | "may" };

/** Settings of `shopkeeper.yaml` that hold secrets; `*` is any one key. */
export const SITE_SECRETS: readonly SecretRule[] = [
  { path: "storefront.public_token", need: "must" },
  { path: "storefront.private_token", need: "must" },
  { path: "tokens.*.value", need: "must" },
  { path: "peer_token", need: "must" },
  { path: "alerts.*.signing_key", need: "must" },
  { path: "alerts.*.url", need: "may" },
  { path: "redis.url", need: "may" },
  { path: "targets.*.process.env.*", need: "may" },
];

/** Checks and policies hold no secrets of their own: `${NAME}` is filled in as plain text there. */
export const PART_SECRETS: readonly SecretRule[] = [];

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
};

const REFERENCE = /\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|\$\{([^}]*)\}?/g;
const WHOLE_REFERENCE = /^\$\{[A-Za-z_][A-Za-z0-9_]*\}$/;

/** The `file:` references of a document, as written: what has to be read before `resolve`. */
export function secretFilesOf(source: YamlSource, rules: readonly SecretRule[]): readonly string[] {
  const found: string[] = [];
  walk(source.value, [], (value, path) => {
    if (value.startsWith("file:") && ruleAt(path, rules) !== undefined) found.push(value.slice("file:".length));
    return value;
  });
  return found;
}

/** Puts the values in place of the references. Never throws. */
export function resolveReferences(source: YamlSource, rules: readonly SecretRule[], context: ReferenceContext): Resolved {
  const problems: Problem[] = [];
  const broken: (readonly PropertyKey[])[] = [];
  const report = (finding: Finding): undefined => {
    const problem = source.problem(finding);
    // A secret that stands in the file must not reach the terminal and its logs as well.
    problems.push(finding.code === "SECRET_INLINE" ? { ...problem, source: `${problem.source.slice(0, problem.column - 1)}********`, length: 8 } : problem);
    broken.push(finding.path);
    return undefined;
  };
  const value = walk(source.value, [], (written, path) => {
    const rule = ruleAt(path, rules);
    if (rule === undefined) return plainValue(written, path, source, context, report);
    return secretValue(written, path, rule, context, report);
  });
  return { value, problems, broken };
}

type Report = (finding: Finding) => undefined;

function plainValue(written: string, path: readonly PropertyKey[], source: YamlSource, context: ReferenceContext, report: Report): unknown {
  const filled = fill(written, path, context, report);
  // An unquoted reference means what the text would have meant in its place: a number, true, false.
  if (filled === undefined || filled === written || !source.isPlain(path)) return filled;
  if (/^-?\d+(\.\d+)?$/.test(filled)) return Number(filled);
  return filled === "true" ? true : filled === "false" ? false : filled;
}

function secretValue(written: string, path: readonly PropertyKey[], rule: SecretRule, context: ReferenceContext, report: Report): unknown {
  if (written.startsWith("file:")) return fileSecret(written, path, context, report);
  if (rule.need === "must" && !WHOLE_REFERENCE.test(written)) {
    return report({ code: "SECRET_INLINE", path, message: "a secret is written in the file itself", expected: 'a reference: "${NAME}" or "file:/path"' });
  }
  if (hasInlinePassword(written)) {
    return report({ code: "SECRET_INLINE", path, message: "a password is written in the URL itself", expected: 'a reference: "redis://:${NAME}@host", "${NAME}" or "file:/path"' });
  }
  const filled = fill(written, path, context, report);
  if (filled === undefined || filled === written) return filled;
  return new Secret(filled, written);
}

function fileSecret(written: string, path: readonly PropertyKey[], context: ReferenceContext, report: Report): Secret | undefined {
  const name = written.slice("file:".length);
  const content = context.secretFiles.get(name);
  if (content === undefined || content === null) return report({ code: "SECRET_FILE", path, message: `the secret's file ${name} cannot be read`, expected: "a readable file" });
  const value = content.replace(/\r?\n$/, "");
  if (value === "") return report({ code: "SECRET_FILE", path, message: `the secret's file ${name} is empty`, expected: "a file that holds the secret" });
  return new Secret(value, written);
}

function hasInlinePassword(written: string): boolean {
  const password = /^[a-z][a-z0-9+.-]*:\/\/[^/@\s]*:([^/@\s]+)@/i.exec(written)?.[1];
  return password !== undefined && !password.includes("${");
}

function fill(written: string, path: readonly PropertyKey[], context: ReferenceContext, report: Report): string | undefined {
  let missing = false;
  const filled = written.replaceAll(REFERENCE, (whole: string, name: string | undefined, fallback: string | undefined, bad: string | undefined, offset: number) => {
    if (whole === "$${") return "${";
    if (name === undefined) {
      missing = true;
      report({ code: "BAD_VALUE", path, offset, length: whole.length, message: `\${${bad ?? ""}} is not a reference`, expected: "a variable's name in the braces, or $${ for plain braces" });
      return whole;
    }
    const value = context.env[name] ?? fallback;
    if (value !== undefined && (value !== "" || fallback !== undefined)) return value;
    missing = true;
    const state = context.env[name] === undefined ? "not set" : "empty";
    report({
      code: "ENV_MISSING",
      path,
      offset,
      length: whole.length,
      message: `the environment variable ${name} is ${state}`,
      expected: `${name} in the environment, or \${${name}:-fallback}`,
      nearest: nearest(name, Object.keys(context.env)),
    });
    return whole;
  });
  return missing ? undefined : filled;
}

function ruleAt(path: readonly PropertyKey[], rules: readonly SecretRule[]): SecretRule | undefined {
  return rules.find((rule) => {
    const parts = rule.path.split(".");
    return parts.length === path.length && parts.every((part, index) => part === "*" || part === path[index]);
  });
}

function walk(value: unknown, path: readonly PropertyKey[], change: (text: string, path: readonly PropertyKey[]) => unknown): unknown {
  if (typeof value === "string") return change(value, path);
  if (Array.isArray(value)) return value.map((item: unknown, index) => walk(item, [...path, index], change));
  if (typeof value !== "object" || value === null || value instanceof Secret) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, walk(item, [...path, key], change)]));
}
