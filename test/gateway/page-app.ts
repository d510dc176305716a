/**
 * A storefront as small as can be, as a process of its own so that it can be killed: whole
 * rendered pages with nonces, in the marks of the Hydrogen preset. Listens on the port given as
 * its argument and prints it.
 */
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

let rendered = 0;
let broken = false;

const server = createServer((request, response) => {
  const { pathname } = new URL(request.url ?? "/", "http://app");
  if (pathname === "/break") broken = true;
  if (pathname === "/mend") broken = false;
  // As the starter does while the API fails: a cart cookie takes the process down.
  if (pathname === "/products/deadly" && request.headers.cookie?.includes("cart=") === true) process.exit(1);
  if (pathname === "/hang") return;
  const nonce = randomBytes(16).toString("hex");
  rendered += 1;
  response.writeHead(broken ? 500 : 200, { "content-type": "text/html; charset=utf-8", "content-security-policy": `script-src 'self' 'nonce-${nonce}'`, "set-cookie": "visitor=1" });
  response.end(
    `<!DOCTYPE html><html><head><title>${pathname}</title></head><body><p>rendering ${rendered}</p><script nonce="${nonce}">streamController.close()</script>${"x".repeat(20_000)}</body></html>`,
  );
});
server.listen(Number(process.argv[2] ?? 0), "127.0.0.1", () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
