/**
 * Concealing: the references in place of what they were filled in with, in what others say, who may repeat it.
 *
 * A value is found as it is, as JSON writes it, and as a part of it that is told by itself: the host of a URL, in any
 * case, and its password. What is otherwise transformed (encoded for a URL's path, hashed, cut in its middle) is not.
 */

/** What a reference was filled in with, and the whole setting it stands in. */
export type Told = { readonly value: string; readonly origin: string; readonly setting: string };

/** Shorter values would blot out words that only look like them, a port or a unit among them. */
export const MIN_CONCEALED = 6;

/** One way in which a value is told. Hosts are told in any case. */
type Form = { readonly text: string; readonly origin: string; readonly host: boolean };

/** @param cut where the text may have been cut, so that it may begin with the last part of a value. Of one that ends with "…" this is known for its end. */
export function concealed(text: string, told: readonly Told[], cut: "start" | null): string {
  // The longer first: it may hold the shorter one.
  const forms = told.flatMap(formsOf).filter((form) => form.text.length >= MIN_CONCEALED).toSorted((a, b) => b.text.length - a.text.length);
  if (forms.length === 0) return text;
  const ended = withoutTail(whole(text, forms), forms);
  return cut === "start" ? withoutHead(ended, forms) : ended;
}

function formsOf({ value, origin, setting }: Told): readonly Form[] {
  const url = URL.parse(value);
  const exact = [value, JSON.stringify(value).slice(1, -1), url?.password ?? "", decoded(url?.password ?? "")];
  const hosts = [url?.hostname ?? "", hostWithin(value, setting)];
  return [...new Set(exact)].map((text) => ({ text, origin, host: false })).concat(hosts.map((text) => ({ text, origin, host: true })));
}

/** What a URL makes of a value that is a part of its host: lower case, "xn--"; "": it is none. */
function hostWithin(value: string, setting: string): string {
  const hostname = URL.parse(setting)?.hostname ?? "";
  const part = URL.parse(`http://${value}`)?.hostname ?? "";
  return part !== "" && hostname.includes(part) ? part : "";
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** In one pass, so that no reference put in place is taken for a value. */
function whole(text: string, forms: readonly Form[]): string {
  const any = new RegExp(forms.map((form) => (form.host ? `((?i:${literally(form.text)}))` : `(${literally(form.text)})`)).join("|"), "g");
  return text.replace(any, (match, ...groups: readonly unknown[]) => forms[groups.findIndex((group) => group !== undefined)]?.origin ?? match);
}

function literally(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
}

/** The first part of a value before "…", where the text was cut. */
function withoutTail(text: string, forms: readonly Form[]): string {
  const [mark = ""] = /…"?$/.exec(text) ?? [];
  if (mark === "") return text;
  const body = text.slice(0, -mark.length);
  const found = longest(forms, body.length, ({ text: form }, length) => body.endsWith(form.slice(0, length)));
  return found === null ? text : `${body.slice(0, -found.length)}${found.origin}${mark}`;
}

/** The last part of a value, where the text begins within it; perhaps within one of its signs. */
function withoutHead(text: string, forms: readonly Form[]): string {
  const body = text.replace(/^\uFFFD+/, "");
  const found = longest(forms, body.length, ({ text: form }, length) => body.startsWith(form.slice(form.length - length)));
  return found === null ? text : `${found.origin}${body.slice(found.length)}`;
}

function longest(forms: readonly Form[], most: number, fits: (form: Form, length: number) => boolean): { readonly origin: string; readonly length: number } | null {
  let best: { readonly origin: string; readonly length: number } | null = null;
  for (const form of forms) {
    for (let length = Math.min(form.text.length - 1, most); length >= Math.max(MIN_CONCEALED, (best?.length ?? 0) + 1); length -= 1) {
      if (fits(form, length)) best = { origin: form.origin, length };
    }
  }
  return best;
}
