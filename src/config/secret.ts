/**
 * A secret that cannot be logged by accident: every way of printing it says "[secret]".
 */
import { inspect } from "node:util";

export class Secret {
  readonly #value: string;
  /** Where it came from, for messages: "${SHOP_TOKEN}", "file:/run/secrets/token". */
  readonly origin: string;

  constructor(value: string, origin: string) {
    this.#value = value;
    this.origin = origin;
  }

  /** The value itself. Call it where it is used, never where it is passed on. */
  reveal(): string {
    return this.#value;
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
