/** As much XML as Route 53's API speaks: elements and text, no attributes but xmlns. */

export type Element = { readonly name: string; readonly children: readonly Element[]; readonly text: string };

const TOKEN = /<\?xml[^>]*\?>|<(\/?)([A-Za-z][A-Za-z0-9]*)(?:\s+xmlns="[^"]*")?\s*(\/?)>|([^<]+)/gy;
const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

type Open = { readonly name: string; readonly children: Element[]; text: string };

/** @returns null where it is not well formed, or not of this kind. */
export function parseXml(text: string): Element | null {
  const stack: Open[] = [{ name: "", children: [], text: "" }];
  let at = 0;
  while (at < text.length) {
    TOKEN.lastIndex = at;
    const found = TOKEN.exec(text);
    if (found === null) return null;
    at = TOKEN.lastIndex;
    const [, closing, name, empty, words] = found;
    const top = stack.at(-1);
    if (top === undefined) return null;
    if (words !== undefined) top.text += words.replaceAll(/&(\w+);/g, (whole, entity: string) => ENTITIES[entity] ?? whole);
    else if (name !== undefined && closing === "") {
      if (empty === "/") top.children.push({ name, children: [], text: "" });
      else stack.push({ name, children: [], text: "" });
    } else if (name !== undefined && !close(stack, name)) return null;
  }
  const [root] = stack;
  return stack.length === 1 && root?.children.length === 1 ? (root.children[0] ?? null) : null;
}

function close(stack: Open[], name: string): boolean {
  const done = stack.pop();
  const parent = stack.at(-1);
  if (done?.name !== name || parent === undefined) return false;
  parent.children.push(done);
  return true;
}

/** Of an element: its text, or its elements; those that are undefined are left out. */
export type Content = string | number | readonly Node[];
export type Node = readonly [name: string, content: Content | undefined];

/** A whole answer. */
export function writeXml([name, content]: Node): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${name} xmlns="https://route53.amazonaws.com/doc/2013-04-01/">${inner(content)}</${name}>`;
}

function inner(content: Content | undefined): string {
  if (content === undefined) return "";
  if (typeof content === "string" || typeof content === "number") return String(content).replaceAll(/[&<>]/g, (one) => (one === "&" ? "&amp;" : one === "<" ? "&lt;" : "&gt;"));
  return content.flatMap(([name, value]) => (value === undefined ? [] : [`<${name}>${inner(value)}</${name}>`])).join("");
}
