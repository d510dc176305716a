/** A small application to keep: `node tiny-shop.ts PORT`. Every path is a whole page in the marks of the Hydrogen preset. */
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";

createServer((req, res) => {
  if (req.url === "/health") return void res.writeHead(200, { "content-type": "application/json" }).end('{"status":"pass"}');
  if (req.url === "/pid") return void res.writeHead(200, { "content-type": "text/plain", "cache-control": "no-store" }).end(String(process.pid));
  const nonce = randomBytes(16).toString("hex");
  res.writeHead(200, { "content-type": "text/html; charset=utf-8", "content-security-policy": `script-src 'self' 'nonce-${nonce}'` });
  res.end(`<!DOCTYPE html><html><head><title>Tiny</title></head><body><h1>${req.url}</h1><script nonce="${nonce}">streamController.close()</script>${"x".repeat(20_000)}</body></html>`);
}).listen(Number(process.argv[2]), "127.0.0.1");
