/** Chance from the operating system. The only file that draws it. */
import { randomUUID } from "node:crypto";
import type { Random } from "../ports/random.ts";

export function createSystemRandom(): Random {
  return { next: () => Math.random(), id: () => randomUUID() };
}
