/**
 * Names to addresses without the thread pool: `localhost` is known, other names
 * go through c-ares. Only a name c-ares does not know is asked of `getaddrinfo`,
 * which reads /etc/hosts and the search domains but occupies a pool thread.
 */
import { Resolver, lookup as systemLookup } from "node:dns";
import type { LookupAddress, LookupOptions } from "node:dns";
import type { LookupFunction } from "node:net";

type Answer = (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void;

const LOCALHOST: readonly LookupAddress[] = [
  { address: "127.0.0.1", family: 4 },
  { address: "::1", family: 6 },
];

/** One try's length and how many; both are only ends of last resort, the caller's deadline comes first. */
const TRY_MS = 1_000;
const TRIES = 2;

export type NameLookup = {
  /** For `net.connect`. Literals never get here: Node does not look them up. */
  readonly lookup: LookupFunction;
  /** Cancels what is under way; its callers get ECANCELLED. */
  close(): void;
};

export function createNameLookup(): NameLookup {
  const open = new Set<Resolver>();
  const resolveAll = (host: string, done: Answer): void => {
    if (host === "localhost" || host.endsWith(".localhost")) return process.nextTick(done, null, [...LOCALHOST]);
    // A resolver of its own for each lookup reads resolv.conf afresh; lookups are rare (new connections only).
    const resolver = new Resolver({ timeout: TRY_MS, tries: TRIES });
    open.add(resolver);
    askBoth(resolver, host, (error, addresses) => {
      open.delete(resolver);
      if (error === null) return done(null, addresses);
      if (error.code !== "ENOTFOUND" && error.code !== "ENODATA") return done(asResolverError(error), []);
      systemLookup(host, { all: true }, (systemError, found) => done(systemError, found ?? []));
    });
  };
  return {
    lookup: (host, options, callback) => resolveAll(host, (error, addresses) => reply(error, pick(addresses, options), options, callback)),
    close: () => {
      for (const resolver of open) resolver.cancel();
      open.clear();
    },
  };
}

/** A refused DNS query is not a refused connection to the target. */
function asResolverError(error: NodeJS.ErrnoException): NodeJS.ErrnoException {
  if (error.code === "ECONNREFUSED") error.code = "ECONNREFUSED_DNS";
  return error;
}

/** A and AAAA at once; one of them is enough. */
function askBoth(resolver: Resolver, host: string, done: Answer): void {
  const found: LookupAddress[] = [];
  let failure: NodeJS.ErrnoException | null = null;
  let left = 2;
  const part = (family: 4 | 6) => (error: NodeJS.ErrnoException | null, addresses: string[]) => {
    if (error === null) found.push(...addresses.map((address) => ({ address, family })));
    // "No such record" of one family must not hide that the other one's question failed.
    else if (failure === null || failure.code === "ENODATA") failure = error;
    left -= 1;
    if (left > 0) return;
    found.sort((a, b) => a.family - b.family);
    done(found.length > 0 ? null : failure, found);
  };
  resolver.resolve4(host, part(4));
  resolver.resolve6(host, part(6));
}

function pick(addresses: LookupAddress[], options: LookupOptions): LookupAddress[] {
  const family = options.family === "IPv4" ? 4 : options.family === "IPv6" ? 6 : options.family;
  return family === 4 || family === 6 ? addresses.filter((each) => each.family === family) : addresses;
}

function reply(
  error: NodeJS.ErrnoException | null,
  addresses: LookupAddress[],
  options: LookupOptions,
  callback: Parameters<LookupFunction>[2],
): void {
  const first = addresses[0];
  if (error !== null || first === undefined) {
    const missing: NodeJS.ErrnoException = error ?? Object.assign(new Error("no address of the wanted family"), { code: "ENODATA" });
    return callback(missing, "", 0);
  }
  if (options.all === true) return callback(null, addresses);
  callback(null, first.address, first.family);
}
