/** One bundle for all files of a suite, whose workers end without a word. */
import { BUNDLE, buildBundle } from "./bundle.ts";

export default function setup(): () => void {
  const { program, remove } = buildBundle();
  process.env[BUNDLE] = program;
  return remove;
}
