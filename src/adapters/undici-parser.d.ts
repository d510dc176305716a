/** undici's parser of HTTP as WebAssembly, as undici itself loads it wherever SIMD is known. */
declare module "undici/lib/llhttp/llhttp_simd-wasm.js" {
  const bytes: Uint8Array<ArrayBuffer>;
  export default bytes;
}

/** Node's types name the module without its constructor. */
declare namespace WebAssembly {
  const Module: new (bytes: Uint8Array<ArrayBuffer>) => Module;
}
