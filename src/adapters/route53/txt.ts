/**
 * TXT values as Route 53 writes them: quoted strings, with \" and \\, and any other byte as three octal digits.
 * Strings that stand one after another are one text.
 */

/** @param text of printable ASCII, at most 255 characters. */
export function quoteTxt(text: string): string {
  return `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}

/** Never throws: what is not quoted is taken as it stands. */
export function textOfTxt(value: string): string {
  const strings = [...value.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, inner = ""]) => inner);
  if (strings.length === 0) return value;
  return strings.join("").replaceAll(/\\(\d{3}|.)/g, (_whole, escaped: string) => (escaped.length === 3 ? String.fromCharCode(Number.parseInt(escaped, 8)) : escaped));
}
