/**
 * A secret that cannot be logged by accident: every way of printing it says "[secret]".
 */
import { inspect } from "node:util";
import { concealed } from "./conceal.ts";

/** What a reference was filled in with; `origin` is the reference as written: "${SHOP_TOKEN}", "file:/run/secrets/token". */
export type Filled = { readonly value: string; readonly origin: string };

export class Secret {
  readonly #value: string;
  /** Where it came from, for messages: "${SHOP_TOKEN}", "Bearer ${SHOP_TOKEN}", "file:/run/secrets/token". */
  readonly origin: string;
  readonly #filled: readonly Filled[];

  /** @param filled the references within it, where it is more than one reference alone. */
  constructor(value: string, origin: string, filled: readonly Filled[] = [{ value, origin }]) {
    this.#value = value;
    this.origin = origin;
    this.#filled = filled;
  }

  /** The value itself. Call it where it is used, never where it is passed on. */
  reveal(): string {
    return this.#value;
  }

  /**
   * The text with the references in place of what they were filled in with: for what others say, who may repeat it.
   * Of a URL also its host and password alone. Values of fewer than 6 characters stay.
   *
   * @param cut the text may have been cut there; what ends with "…" is known to have been.
   */
  static conceal(text: string, secrets: readonly Secret[], cut: "start" | null = null): string {
    return concealed(text, secrets.flatMap((secret) => secret.#filled.map((filled) => ({ ...filled, setting: secret.#value }))), cut);
  }

  toString(): string {
    return "[secret]";
  }

  toJSON(): string {
    return "[secret]";
  }

  [inspect.custom](): string {
    return `Secret(${this.origin})`;
  }
}

/** The plain text of a setting that may be a secret. */
export function reveal(value: string | Secret): string {
  return typeof value === "string" ? value : value.reveal();
}
