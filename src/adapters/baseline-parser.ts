/**
 * Keeps undici's WebAssembly parser at V8's first compiler, as `--liftoff-only` would: optimised, once it is warm,
 * it holds 12 MB for good and 20 MB for a moment.
 *
 * Not by that flag itself: V8 takes no code cache made under other flags, so all of Node's own
 * modules would be compiled anew in every thread, which costs a start some 70 ms.
 */
import { setFlagsFromString } from "node:v8";
import bytes from "undici/lib/llhttp/llhttp_simd-wasm.js";

/** How far a module is ever compiled is decided when it is made, of all its functions where none is left for later. */
const DECIDE = ["wasm-dynamic-tiering", "wasm-tier-up", "wasm-lazy-compilation"] as const;

/** V8 shares the code of equal modules among threads for as long as one of them is alive. */
let held: WebAssembly.Module | null = null;

/** Once, before there is another thread: for a moment the flags are others for the whole process. */
export function holdParserAtBaseline(): void {
  for (const flag of DECIDE) setFlagsFromString(`--no-${flag}`);
  try {
    held ??= new WebAssembly.Module(bytes);
  } finally {
    for (const flag of DECIDE) setFlagsFromString(`--${flag}`);
  }
}
