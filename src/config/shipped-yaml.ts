/** The shipped checks and policies as they were when the bundle was made: build.ts puts them here. Run from the source there are none, and the files are read. */
import type { KnownYaml } from "./known-yaml.ts";

export const SHIPPED: readonly KnownYaml[] = [];
