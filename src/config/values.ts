/**
 * The words of the configuration as schemas: durations, shares, sizes, addresses, names,
 * secrets. Every one says in an error what was expected and shows a valid example.
 *
 * Defaults: use `.prefault("10s")`, never `.default("10s")`; the latter skips the transform.
 */
import * as z from "zod";
import { formatDuration, parseDuration, type Ms } from "../core/time.ts";
import type { Listen } from "./config.ts";
import { reveal, Secret } from "./secret.ts";

// Every schema is made after this module. zod's compiled parsers cost more than they save where a file is read once.
// Its look for recursion in each schema costs a start 5 ms: none of ours is recursive.
z.config({ jitless: true, memoizer: { alloc: (_schema, _payload, empty) => empty, attach: () => {}, guard: () => {} } });

type Bounds = { readonly min?: number; readonly max?: number };

/** A length of time as text, "250ms" to "30d"; milliseconds after parsing. Bounds are milliseconds, inclusive. */
export function duration({ min = 0, max = Number.MAX_SAFE_INTEGER }: { readonly min?: Ms; readonly max?: Ms } = {}) {
  const range = max === Number.MAX_SAFE_INTEGER ? `at least ${formatDuration(min)}` : `${formatDuration(min)} to ${formatDuration(max)}`;
  return text('a duration, for example "10s", "250ms", "1h30m"', (written, wrong) => {
    const ms = parseDuration(written);
    if (ms === undefined) return wrong(`${quote(written)} is not a duration`);
    if (ms < min || ms > max) return wrong(`${formatDuration(ms)} is out of range`, `a duration of ${range}`);
    return ms;
  }).meta({ examples: ["10s"], description: `A duration of ${range}: "250ms", "10s", "1h30m".` });
}

/** A share as text, "50%"; a number of percent after parsing. */
export function percent({ min = 0, max = 100 }: Bounds = {}) {
  const expected = `a percentage from ${min}% to ${max}%, for example "50%"`;
  return text(expected, (written, wrong) => {
    const found = /^(\d+(?:\.\d+)?)\s*%$/.exec(written.trim());
    const value = Number(found?.[1]);
    if (found === null) return wrong(`${quote(written)} is not a percentage`);
    return value < min || value > max ? wrong(`${value}% is out of range`) : value;
  }).meta({ examples: ["50%"], description: expected });
}

const SIZES: Readonly<Record<string, number>> = { B: 1, KB: 1e3, MB: 1e6, GB: 1e9, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

/** A size as text, "64MiB" or "64MB" (a million bytes each); bytes after parsing. Bounds are bytes, inclusive. */
export function size({ min = 0, max = Number.MAX_SAFE_INTEGER }: Bounds = {}) {
  const expected = 'a size, for example "64MiB" or "512KB"';
  return text(expected, (written, wrong) => {
    const found = /^(\d+(?:\.\d+)?)\s*([KMG]i?B|B)$/.exec(written.trim());
    if (found === null) return wrong(`${quote(written)} is not a size`);
    const bytes = Math.round(Number(found[1]) * (SIZES[found[2] ?? ""] ?? 1));
    return bytes < min || bytes > max ? wrong(`${written} is out of range`, `a size from ${min} B to ${max} B`) : bytes;
  }).meta({ examples: ["64MiB"], description: expected });
}

/** An address to listen on, "127.0.0.1:9471", "[::1]:9471", or ":8080" for every interface. */
export function listen() {
  const expected = 'an address to listen on, for example "127.0.0.1:9471"';
  return text(expected, (written, wrong): Listen | Wrong => {
    const { host, port } = hostAndPort(written);
    return port === null ? wrong(`${quote(written)} is not an address with a port from 0 to 65535`) : { host: host === "" ? "0.0.0.0" : host, port };
  }).meta({ examples: ["127.0.0.1:9471"], description: expected });
}

/** A host and a port to connect to, "1.1.1.1:443". */
export function hostPort() {
  const expected = 'a host and a port, for example "1.1.1.1:443"';
  return text(expected, (written, wrong): Listen | Wrong => {
    const { host, port } = hostAndPort(written);
    return port === null || port === 0 || host === "" ? wrong(`${quote(written)} is not a host with a port`) : { host, port };
  }).meta({ examples: ["1.1.1.1:443"], description: expected });
}

function hostAndPort(written: string): { readonly host: string; readonly port: number | null } {
  const found = /^(?:\[([0-9a-fA-F:.]+)\]|([^:\s[\]]*)):(\d{1,5})$/.exec(written.trim());
  const port = Number(found?.[3]);
  return { host: found?.[1] ?? found?.[2] ?? "", port: found === null || port > 65_535 ? null : port };
}

/** An absolute http or https URL; without trailing slashes after parsing. */
export function httpUrl() {
  const expected = 'an http or https URL, for example "http://127.0.0.1:3000"';
  return text(expected, (written, wrong) => {
    const url = URL.parse(written);
    if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) return wrong(`${quote(written)} is not an http or https URL`);
    return written.replace(/\/+$/, "");
  }).meta({ format: "uri", description: expected });
}

/** A path of a URL, "/health". */
export function urlPath() {
  return text('a path that starts with "/", for example "/health"', (written, wrong) =>
    /^\/[^\s#]*$/.test(written) ? written : wrong(`${quote(written)} is not a path`),
  ).meta({ description: 'A path that starts with "/".' });
}

/** A name: lower-case letters, digits, `_` and `-`, starting with a letter; at most 63 characters. */
export function slug() {
  return text('a name of lower-case letters, digits, "_" or "-", starting with a letter', (written, wrong) =>
    /^[a-z][a-z0-9_-]{0,62}$/.test(written) ? written : wrong(`${quote(written)} is not a name`),
  ).meta({ description: "Lower-case letters, digits, _ and -; starts with a letter." });
}

/** A path glob of a route: "/", "/products/*", "/blogs/**". */
export function pathGlob() {
  return text('a path pattern, for example "/products/*" or "/blogs/**"', (written, wrong) =>
    /^\/[^\s?#]*$/.test(written) ? written : wrong(`${quote(written)} is not a path pattern`),
  ).meta({ description: "Glob on the path: * is one segment, ** any number." });
}

/**
 * Marks the settings that hold secrets. `must`: only by reference. `may`: also as plain text. `file: false`: a text that
 * begins with "file:" is no reference here. The loader resolves references before a schema runs, by these marks.
 */
export type SecretMark = { readonly need: "must" | "may"; readonly file?: false };
export const SECRETS = z.registry<SecretMark>();

const BY_REFERENCE = "a secret by reference: ${NAME} or file:PATH";

/** A secret by reference: exactly `${NAME}` or `file:PATH`. */
export function secret() {
  return z
    .custom<Secret>((value) => value instanceof Secret, { error: 'expected a reference: "${NAME}" or "file:/path"' })
    .meta({ type: "string", pattern: "^(\\$\\{[A-Za-z_][A-Za-z0-9_]*\\}|file:.+)$", description: `${upperFirst(BY_REFERENCE)}.` })
    .register(SECRETS, { need: "must" });
}

/** Plain text, or a secret by reference. Bounds count characters; without them the text may not be empty. */
export function textOrSecret({ min = 1, max = Number.MAX_SAFE_INTEGER }: Bounds = {}) {
  return bounded({ min, max })
    .meta({ type: "string", ...(max === Number.MAX_SAFE_INTEGER ? {} : { maxLength: max }), description: `Text, or ${BY_REFERENCE}.` })
    .register(SECRETS, { need: "may" });
}

/** One argument of a command: text, which may hold variables. "file:///x" is an argument like any other. */
export function argument({ max }: { readonly max: number }) {
  return bounded({ min: 0, max })
    .meta({ type: "string", maxLength: max })
    .register(SECRETS, { need: "may", file: false });
}

function bounded({ min, max }: Required<Bounds>) {
  const expected = max === Number.MAX_SAFE_INTEGER ? "text" : `text of at most ${max} characters`;
  return z.custom<string | Secret>((value) => (typeof value === "string" || value instanceof Secret) && reveal(value).length >= min && reveal(value).length <= max, { error: `expected ${expected}` });
}

/** An absolute http or https URL, asked as it is written, or a secret that holds one. */
export function httpUrlOrSecret() {
  return urlOrSecret(["http:", "https:"], 'an http or https URL, for example "https://shop.example/health"');
}

/** A redis:// or rediss:// URL, or a secret that holds one. */
export function redisUrlOrSecret() {
  return urlOrSecret(["redis:", "rediss:"], 'a redis or rediss URL, for example "redis://127.0.0.1:6379"');
}

function urlOrSecret(protocols: readonly string[], expected: string) {
  const wrong = (written: string | Secret): string => `${quote(typeof written === "string" ? written : written.origin)} is not ${expected.split(",")[0]}`;
  return bounded({ min: 0, max: Number.MAX_SAFE_INTEGER })
    .meta({ type: "string", description: expected })
    .register(SECRETS, { need: "may" })
    .transform((written, context): string | Secret => {
      if (protocols.includes(URL.parse(reveal(written))?.protocol ?? "")) return written;
      const params: IssueParams = { expected, offset: null };
      context.addIssue({ code: "custom", message: wrong(written), params, input: written });
      return z.NEVER;
    });
}

/** A value of a process's environment: text, a plain number or truth value, or a secret by reference. */
export function envValue() {
  const isPlain = (value: unknown): boolean => typeof value === "string" || typeof value === "number" || typeof value === "boolean";
  return z
    .custom<string | number | boolean | Secret>((value) => value instanceof Secret || isPlain(value), { error: "expected text" })
    .meta({ type: ["string", "number", "boolean"], description: `Text, or ${BY_REFERENCE}.` })
    .register(SECRETS, { need: "may" });
}

function upperFirst(sentence: string): string {
  return sentence.slice(0, 1).toUpperCase() + sentence.slice(1);
}

/** A wrong value inside a text; the caller turns it into an issue. */
export type Wrong = { readonly wrong: string; readonly expected: string; readonly offset: number | null };

/** What `params` of a custom issue carry, for whoever explains it. */
export type IssueParams = { readonly expected: string; readonly offset: number | null };

/**
 * A text with a grammar of its own.
 *
 * @param read returns the parsed value, or what `wrong` returns. `offset` counts characters in
 *   the text; with it the error points at the word instead of the whole value.
 */
export function text<T>(
  expected: string,
  read: (written: string, wrong: (message: string, expected?: string, offset?: number) => Wrong) => T | Wrong,
) {
  return z.string({ error: `expected ${expected}` }).transform((written, context): T => {
    const result = read(written, (message, other, offset) => ({ wrong: message, expected: other ?? expected, offset: offset ?? null }));
    if (!isWrong(result)) return result;
    const params: IssueParams = { expected: result.expected, offset: result.offset };
    context.addIssue({ code: "custom", message: result.wrong, params, input: written });
    return z.NEVER;
  });
}

function isWrong(value: unknown): value is Wrong {
  return typeof value === "object" && value !== null && "wrong" in value && "offset" in value;
}

/** A text as messages quote it; long ones are cut. */
export function quote(written: string): string {
  return JSON.stringify(written.length > 60 ? `${written.slice(0, 57)}...` : written);
}
