import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../..");

/** Parses an answer 200,000 times, as undici would, in a process of its own; tells how far the parser was compiled, and whether V8 still takes the same code caches. */
const PROGRAM = `
import { cachedDataVersionTag } from "node:v8";
const before = cachedDataVersionTag();
if (process.argv[1] === "hold") (await import("${ROOT}/src/adapters/baseline-parser.ts")).holdParserAtBaseline();
const { default: bytes } = await import("${ROOT}/node_modules/undici/lib/llhttp/llhttp_simd-wasm.js");
const module = new WebAssembly.Module(bytes);
const env = Object.fromEntries(WebAssembly.Module.imports(module).map(({ name }) => [name, () => 0]));
const parser = new WebAssembly.Instance(module, { env }).exports;
parser._initialize();
const answer = Buffer.from("HTTP/1.1 200 OK\\r\\nContent-Type: text/html\\r\\nContent-Length: 5\\r\\n\\r\\nhello");
const [one, at] = [parser.llhttp_alloc(2), parser.malloc(answer.length)];
new Uint8Array(parser.memory.buffer, at, answer.length).set(answer);
let wrong = 0;
for (let time = 0; time < 200_000; time += 1) wrong += parser.llhttp_execute(one, at, answer.length);
console.log(JSON.stringify({ wrong, baseline: %IsLiftoffFunction(parser.llhttp_execute), optimised: %IsTurboFanFunction(parser.llhttp_execute), sameCaches: cachedDataVersionTag() === before }));
`;

function parsedHot(how: "hold" | "leave"): unknown {
  const out = execFileSync(process.execPath, ["--allow-natives-syntax", "--wasm-sync-tier-up", "--input-type=module", "--eval", PROGRAM, how], { encoding: "utf8", timeout: 30_000 });
  return JSON.parse(out);
}

test("the parser undici makes is optimised once it is warm, unless it is held", () => {
  expect(parsedHot("leave")).toEqual({ wrong: 0, baseline: false, optimised: true, sameCaches: true });
  expect(parsedHot("hold")).toEqual({ wrong: 0, baseline: true, optimised: false, sameCaches: true });
});
