/**
 * A real authoritative name server, PowerDNS on a sqlite file of its own. It answers with what was last put, at once:
 * all of its caches are off.
 */
import { randomBytes } from "node:crypto";
import { accessSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { request } from "undici";
import { freeDnsPort, giveToServer, ownFolder, programPath, startServer } from "./server-process.ts";

const SCHEMAS = ["/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql", "/usr/share/doc/pdns-backend-sqlite3/schema.sqlite3.sql"];
const CALL_MS = 3_000;

export type RecordSet = {
  /** Whole, without the final dot. */
  readonly name: string;
  readonly type: "A" | "AAAA" | "CNAME";
  readonly ttlSeconds: number;
  /** Empty: there is none. */
  readonly contents: readonly string[];
};

/** Where the public looks. */
export interface PublicDns {
  put(set: RecordSet): Promise<void>;
}

export type PowerDns = PublicDns & {
  readonly port: number;
  stop(): Promise<void>;
};

/** What is missing to start one, as a command; null: nothing. */
export function powerDnsLacks(): string | null {
  const backend = SCHEMAS.some(exists);
  return programPath("pdns_server") !== null && backend ? null : "apt-get install pdns-server pdns-backend-sqlite3";
}

/** @param zone the only one it answers for: "example.com". */
export async function startPowerDns(zone: string): Promise<PowerDns> {
  const folder = ownFolder("pdns");
  const [port, apiPort] = [await freeDnsPort(), await freeDnsPort()];
  const api: Api = { url: `http://127.0.0.1:${apiPort}/api/v1/servers/localhost`, key: randomBytes(16).toString("hex") };
  try {
    const database = createDatabase(folder.path);
    const server = await startServer("pdns_server", settings({ folder: folder.path, database, port, apiPort, key: api.key }), () => answers(api));
    await call(api, "POST", "/zones", { name: `${zone}.`, kind: "Native", nameservers: [`ns1.${zone}.`] });
    // Of two changes at once it refuses one: its database is locked for the other.
    let before: Promise<void> = Promise.resolve();
    return {
      port,
      put: (set) => {
        const mine = before.then(() => put(api, zone, set));
        before = mine.catch(() => undefined);
        return mine;
      },
      stop: async () => {
        await server.stop();
        folder.remove();
      },
    };
  } catch (error) {
    folder.remove();
    throw error;
  }
}

type Api = { readonly url: string; readonly key: string };

function createDatabase(folder: string): string {
  const schema = SCHEMAS.find(exists);
  if (schema === undefined) throw new Error("PowerDNS's sqlite schema is not installed: apt-get install pdns-backend-sqlite3");
  const file = join(folder, "zones.sqlite3");
  const database = new DatabaseSync(file);
  // Readers then never stand in a writer's way: a question in the wrong moment made a change fail.
  database.exec("PRAGMA journal_mode = WAL");
  database.exec(readFileSync(schema, "utf8"));
  database.close();
  giveToServer(file);
  return file;
}

type Settings = { readonly folder: string; readonly database: string; readonly port: number; readonly apiPort: number; readonly key: string };

function settings({ folder, database, port, apiPort, key }: Settings): readonly string[] {
  return Object.entries({
    "config-dir": folder, "socket-dir": folder, daemon: "no", guardian: "no", "disable-syslog": "yes", "write-pid": "no",
    launch: "gsqlite3", "gsqlite3-database": database, "gsqlite3-pragma-synchronous": "0",
    "local-address": "127.0.0.1", "local-port": port, "security-poll-suffix": "",
    api: "yes", "api-key": key, webserver: "yes", "webserver-address": "127.0.0.1", "webserver-port": apiPort, "webserver-allow-from": "127.0.0.1",
    "cache-ttl": 0, "query-cache-ttl": 0, "negquery-cache-ttl": 0, "zone-cache-refresh-interval": 0, "default-ttl": 60, loglevel: 3,
  }).map(([name, value]) => `--${name}=${value}`);
}

async function answers(api: Api): Promise<boolean> {
  try {
    await call(api, "GET", "", undefined);
    return true;
  } catch {
    return false;
  }
}

function put(api: Api, zone: string, { name, type, ttlSeconds, contents }: RecordSet): Promise<void> {
  const records = contents.map((content) => ({ content: type === "CNAME" ? `${content.replace(/\.$/, "")}.` : content, disabled: false }));
  const change = contents.length === 0 ? { changetype: "DELETE" } : { changetype: "REPLACE", ttl: ttlSeconds, records };
  return call(api, "PATCH", `/zones/${zone}.`, { rrsets: [{ name: `${name}.`, type, ...change }] });
}

async function call({ url, key }: Api, method: "GET" | "POST" | "PATCH", path: string, body: object | undefined): Promise<void> {
  const answer = await request(`${url}${path}`, {
    // It closes idle connections whenever it likes, also as the next call is sent on one.
    reset: true, method, headers: { "x-api-key": key, ...(body === undefined ? {} : { "content-type": "application/json" }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }), headersTimeout: CALL_MS, bodyTimeout: CALL_MS,
  });
  const text = await answer.body.text();
  if (answer.statusCode >= 300) throw new Error(`PowerDNS answered ${answer.statusCode} to ${method} ${path}: ${text.slice(0, 200)}`);
}

function exists(file: string): boolean {
  try {
    accessSync(file);
    return true;
  } catch {
    return false;
  }
}
