/**
 * `npm run cluster -- build [NAME...]`
 */
import { build } from "./build.ts";
import { PROGRAMS, type ProgramName } from "./programs.ts";

const [, ...names] = process.argv.slice(2);
const built = await build(names.length === 0 ? PROGRAMS : (names as ProgramName[]));
if (!built.ok) {
  process.stderr.write(`${built.why}\n`);
  process.exitCode = 1;
}
