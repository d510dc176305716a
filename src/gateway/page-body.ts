/**
 * Reads a rendered page before it is stored: where the renderer's own nonces stand, where a style
 * can be put in, and whether the page is one to keep at all.
 *
 * Nonces are found by tokenising (WHATWG HTML §13.2.5), not by search and replace: a blanket replacement
 * would give a valid nonce to whatever managed to carry the old one into the page's text. So every
 * occurrence of the nonce must be the whole value of a `nonce` attribute on `script`, `style` or `link`,
 * or the page is not stored.
 */
import type { GatewayPreset } from "../core/preset.ts";
import { MIN_NONCE, policyNonce } from "./nonce.ts";

/** Why a page is not kept. Closed, for counting. */
export type PageRefusal = "not_whole" | "error_page" | "nonce_mismatch" | "nonce_weak" | "nonce_elsewhere" | "unreadable";

export type PageReading =
  | { readonly kind: "page"; readonly nonceLength: number; readonly nonceOffsets: readonly number[]; readonly neutraliseAt: number | null; readonly buildId: string }
  | { readonly kind: "refused"; readonly why: PageRefusal };

/** What a preset says about bodies. */
export type BodyRules = Pick<GatewayPreset, "errorMarks" | "wholeMarks" | "neutraliseStyle" | "buildId">;

export type ReadPage = (body: Buffer, policy: string) => PageReading;

/** Compiles a preset's rules. The reader takes the body and the Content-Security-Policy it came with ("" for none); never throws. */
export function compilePageReader(rules: BodyRules): ReadPage {
  const build = rules.buildId === null ? null : new RegExp(rules.buildId);
  return (body, policy) => {
    // One character a byte, so that positions in the text are byte offsets.
    const text = body.toString("latin1");
    const flaw = flawOf(body, rules);
    if (flaw !== null) return { kind: "refused", why: flaw };
    const nonce = policyNonce(policy);
    if (nonce === "") return { kind: "refused", why: "nonce_mismatch" };
    const tags = readTags(text);
    if (tags === null) return { kind: "refused", why: "unreadable" };
    if (tags.nonces.some(({ value }) => value !== "" && value !== nonce)) return { kind: "refused", why: "nonce_mismatch" };
    const own = nonce === null ? [] : tags.nonces.filter(({ value, blessed }) => blessed && value === nonce);
    if (nonce !== null) {
      if (nonce.length < MIN_NONCE) return { kind: "refused", why: "nonce_weak" };
      if (countOf(text, nonce) !== own.length) return { kind: "refused", why: "nonce_elsewhere" };
    }
    return {
      kind: "page",
      nonceLength: nonce?.length ?? 0,
      nonceOffsets: own.map(({ at }) => at),
      neutraliseAt: rules.neutraliseStyle === null ? null : tags.headEnd,
      buildId: build?.exec(text)?.[1] ?? "",
    };
  };
}

/** What is wrong with a body whatever its status; null: nothing. */
export function flawOf(body: Buffer, rules: Pick<BodyRules, "errorMarks" | "wholeMarks">): "error_page" | "not_whole" | null {
  if (rules.errorMarks.some((mark) => body.includes(mark))) return "error_page";
  return rules.wholeMarks.every((mark) => body.includes(mark)) ? null : "not_whole";
}

function countOf(text: string, part: string): number {
  let count = 0;
  for (let at = text.indexOf(part); at !== -1; at = text.indexOf(part, at + 1)) count += 1;
  return count;
}

type NonceAttribute = { readonly at: number; readonly value: string; /** On a tag whose nonce means something. */ readonly blessed: boolean };
type Tags = { readonly nonces: readonly NonceAttribute[]; readonly headEnd: number | null };

/** Elements whose content is text up to their own end tag. */
const RAW_TEXT = new Set(["script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes"]);
const NONCED = new Set(["script", "style", "link"]);

/** Walks the tags of a document; null where two parsers could disagree about it. */
function readTags(text: string): Tags | null {
  const nonces: NonceAttribute[] = [];
  let headEnd: number | null = null;
  let at = text.indexOf("<");
  while (at !== -1 && at < text.length) {
    if (text.startsWith("<!--", at)) {
      const end = commentEnd(text, at);
      if (end === null) return null;
      at = text.indexOf("<", end);
      continue;
    }
    // Text in foreign content, a comment elsewhere.
    if (text.startsWith("<![CDATA[", at)) return null;
    const tag = TAG.exec(sticky(TAG, text, at));
    if (tag === null) {
      // "<!doctype", "<?…" and "</ " run to the next ">"; any other "<" is text.
      at = text.indexOf("<", /[!?/]/.test(text.charAt(at + 1)) ? after(text, ">", at) : at + 1);
      continue;
    }
    const name = (tag[2] ?? "").toLowerCase();
    const closing = tag[1] === "/";
    const attributes = readAttributes(text, at + tag[0].length, NONCED.has(name) && !closing, nonces);
    if (attributes === null) return null;
    if (closing && name === "head" && headEnd === null) headEnd = at;
    if (name === "plaintext") return null;
    at = attributes;
    if (!closing && RAW_TEXT.has(name)) {
      const end = rawTextEnd(text, at, name);
      if (end === null) return null;
      at = end;
    }
    at = text.indexOf("<", at);
  }
  return { nonces, headEnd };
}

const TAG = /<(\/?)([a-z][^\s/>]*)/iy;

/** Sets a sticky expression's place and hands the text back, so that one line does both. */
function sticky(expression: RegExp, text: string, at: number): string {
  expression.lastIndex = at;
  return text;
}

function after(text: string, mark: string, at: number): number {
  const found = text.indexOf(mark, at);
  return found === -1 ? text.length : found + mark.length;
}

/** `<!-->` and `<!--->` end at once; `--!>` ends one too. */
function commentEnd(text: string, at: number): number | null {
  if (text.startsWith("<!-->", at)) return at + 5;
  if (text.startsWith("<!--->", at)) return at + 6;
  const end = /--!?>/g;
  end.lastIndex = at + 4;
  return end.exec(text) === null ? null : end.lastIndex;
}

/** Where the element's own end tag begins. A script holding `<!--` and then `<script` has rules of its own (§13.2.5.27) and is refused. */
function rawTextEnd(text: string, at: number, name: string): number | null {
  const close = new RegExp(`</${name}[\\s/>]`, "gi");
  close.lastIndex = at;
  const found = close.exec(text);
  if (found === null) return null;
  if (name !== "script") return found.index;
  const escape = text.indexOf("<!--", at);
  return escape !== -1 && escape < found.index && /<script/i.test(text.slice(escape, found.index)) ? null : found.index;
}

const ATTRIBUTE = /[\s/]*([^\s/>=][^\s/>=]*)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>][^\s>]*)))?/y;
const TAG_END = /[\s/]*>/y;

/** Reads attributes from `at` to past the ">"; notes nonces. Null where the tag never ends or is malformed. */
function readAttributes(text: string, at: number, blessed: boolean, nonces: NonceAttribute[]): number | null {
  let place = at;
  let seen = false;
  for (;;) {
    if (TAG_END.test(sticky(TAG_END, text, place))) return TAG_END.lastIndex;
    const attribute = ATTRIBUTE.exec(sticky(ATTRIBUTE, text, place));
    if (attribute === null) return null;
    place = ATTRIBUTE.lastIndex;
    if ((attribute[1] ?? "").toLowerCase() !== "nonce") continue;
    const quoted = attribute[2] ?? attribute[3];
    const value = quoted ?? attribute[4] ?? "";
    // Of two attributes with one name the first counts, so a second is nobody's own.
    nonces.push({ at: place - value.length - (quoted === undefined ? 0 : 1), value, blessed: blessed && !seen });
    seen = true;
  }
}
