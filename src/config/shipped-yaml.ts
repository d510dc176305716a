/** The shipped checks and policies as they were when the bundle was made: build.ts puts them here. Run from the source there are none, and the files are read. */
import type { At } from "./yaml-source.ts";

/** A text without errors, its value, and where each entry of it stands. */
export type KnownYaml = {
  readonly text: string;
  readonly value: unknown;
  /** By path as JSON: the places of its key and of its value, each as line, column, length. */
  readonly places: Readonly<Record<string, Readonly<Record<At, readonly [number, number, number]>>>>;
};

export const SHIPPED: readonly KnownYaml[] = [];
