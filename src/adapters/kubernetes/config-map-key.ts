/**
 * Any key as a key of a ConfigMap, and back.
 *
 * A ConfigMap takes letters, digits, "-", "_" and ".", no "." in front, and 253 characters. "/" becomes "."; what else is
 * not taken, and "_" itself, becomes "_" and two hex digits per byte. What is too long is named by its hash, and
 * its whole key stands with its value.
 */
import { createHash } from "node:crypto";

const MAX_KEY_CHARS = 253;
const HASHED = "_sha256.";
const PLAIN = /^[A-Za-z0-9-]$/;

/** @returns at most 253 characters a ConfigMap takes; different keys give different ones. */
export function encodeKey(key: string): string {
  let encoded = "";
  for (const byte of Buffer.from(key)) {
    const character = String.fromCharCode(byte);
    if (PLAIN.test(character)) encoded += character;
    else if (character === "/" && encoded !== "") encoded += ".";
    else encoded += `_${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  // The empty key: "_" alone is no escape of anything.
  if (encoded === "") return "_";
  return encoded.length <= MAX_KEY_CHARS ? encoded : `${HASHED}${createHash("sha256").update(key).digest("hex")}`;
}

/** @returns null when only the hash is left: the key stands with its value. */
export function decodeKey(encoded: string): string | null {
  if (encoded.startsWith(HASHED)) return null;
  if (encoded === "_") return "";
  const bytes: number[] = [];
  for (let at = 0; at < encoded.length; at++) {
    const character = encoded.charAt(at);
    if (character === ".") bytes.push(0x2f);
    else if (character === "_") {
      bytes.push(Number.parseInt(encoded.slice(at + 1, at + 3), 16));
      at += 2;
    } else bytes.push(character.charCodeAt(0));
  }
  return Buffer.from(bytes).toString();
}
