/** Singletons as processes of their own, with short times, and what they answer. */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer } from "node:net";
import { readStat } from "../../src/adapters/proc-files.ts";
import type { Snapshot } from "../../src/core/snapshot.ts";
import { bundle } from "../support/bundle.ts";
import { until } from "../support/faulty-server.ts";
import { PEER_TOKEN } from "./told-sidecars.ts";

const OPERATOR = "operator-token";
/** Several start at once, on cores that others use too. */
const START_WITHIN_MS = 60_000;

export type SingletonsOptions = {
  readonly kubeconfig: string;
  readonly namespace: string;
  readonly sidecarPort: number;
  /** Files beside shopkeeper.yaml, "policies/pod_restart.yaml". */
  readonly files?: Readonly<Record<string, string>>;
  /** Lines of shopkeeper.yaml. */
  readonly settings?: string;
  /** Lines below `kubernetes:`. Default: SHORT_LEASE. */
  readonly lease?: string;
  /** Default: shop. */
  readonly site?: string;
};

/** What a site file names by `${…}`. */
export const SECRETS = { REGION_SECRET: "a secret that all regions of one shop share", CLOUDFLARE_EU: "token-of-cloudflare-for-eu-0123456789abcd", CLOUDFLARE_US: "token-of-cloudflare-for-us-0123456789abcd" } as const;

/** An address of its own, as a pod has one: all of a region have the same ports. */
export type Place = { readonly host: string; readonly health: number; readonly public: number };

export const SHORT_LEASE = "  lease: { duration: 3s, renew_within: 2s, retry: 400ms }\n  watch_first: 2s";

/** Shortened: a lease of 3 s, a new leader acts after 2 s, looks every second. */
function siteFile({ kubeconfig, namespace, sidecarPort, settings = "", lease = SHORT_LEASE, site = "shop" }: SingletonsOptions, place: Place | null): string {
  const open = place === null ? 'health: "127.0.0.1:0"' : `health: "${place.host}:${place.health}", public: "${place.host}:${place.public}"`;
  return `site: ${site}
role: singleton
targets:
  storefront:
    kubernetes: { service: storefront, sidecar: ${sidecarPort} }
    startup_grace: 2s
kubernetes:
  kubeconfig: ${kubeconfig}
  namespace: ${namespace}
${lease}
connectivity: []
peer_token: "\${PEER_TOKEN}"
listeners: { ${open}, admin: "0.0.0.0:0" }
tokens: { operator: { role: operator, value: "\${OPERATOR_TOKEN}" } }
${settings}
`;
}

const check = (name: string, probe: string, rest = ""): string => `name: ${name}\nprobe: ${probe}\ninterval: 1s\nfast: 500ms\ndown: 1s\ntimeout: 800ms\n${rest}`;
const CHECKS: Readonly<Record<string, string>> = {
  "checks/application.yaml": check("application", "http", 'endpoint: /health\nchecks: { http_status: "200 OK" }\n'),
  "checks/page.yaml": check("page", "page", 'checks: { http_status: "200 OK" }\n'),
  "checks/sidecar.yaml": check("sidecar", "sidecar", 'checks: { sidecar: "reachable" }\n'),
};

export class Singletons {
  readonly #options: SingletonsOptions;
  readonly #running: RunningSingleton[] = [];

  constructor(options: SingletonsOptions) {
    this.#options = options;
  }

  /**
   * @param kubeconfig of this one, where it has a way to the API server of its own.
   * @param place null: loopback, and no public listener.
   */
  async start(kubeconfig = this.#options.kubeconfig, place: Place | null = null): Promise<RunningSingleton> {
    const folder = await folderOf({ "shopkeeper.yaml": siteFile({ ...this.#options, kubeconfig }, place), ...CHECKS, ...this.#options.files });
    const one = new RunningSingleton(folder, place?.host);
    this.#running.push(one);
    await one.started();
    return one;
  }

  /** Whoever leads and is at work, once somebody is. */
  async leader(withinMs = 30_000): Promise<RunningSingleton> {
    const late = performance.now() + withinMs;
    for (;;) {
      for (const one of this.#running) if ((await one.metric("shopkeeper_leader")) === 1) return one;
      if (performance.now() > late) throw new Error(`nobody leads:\n${this.#running.map((one) => one.output()).join("\n")}`);
      await pause(100);
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.#running.map((one) => one.end()));
  }
}

/** A configuration's folder, by path within it. Whoever runs on it removes it. */
export async function folderOf(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "shopkeeper-singleton-"));
  await Promise.all(["checks", "policies"].map((name) => mkdir(join(folder, name))));
  await Promise.all(Object.entries(files).map(([name, text]) => writeFile(join(folder, name), text)));
  return folder;
}

export class RunningSingleton {
  readonly #folder: string;
  /** Where its health listener is. */
  readonly #host: string;
  readonly #child: ChildProcess;
  #output = "";
  readonly #exit: Promise<number | null>;

  constructor(folder: string, host = "127.0.0.1") {
    this.#folder = folder;
    this.#host = host;
    this.#child = spawn(process.execPath, [bundle(), "run", "--config", join(folder, "shopkeeper.yaml")], {
      env: { ...process.env, ...SECRETS, PEER_TOKEN, OPERATOR_TOKEN: OPERATOR },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child.stdout?.on("data", (chunk: Buffer) => (this.#output = (this.#output + chunk.toString()).slice(-400_000)));
    this.#child.stderr?.on("data", (chunk: Buffer) => (this.#output = (this.#output + chunk.toString()).slice(-400_000)));
    this.#exit = new Promise((resolve) => this.#child.once("exit", resolve));
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  output(): string {
    return this.#output;
  }

  /** Once a line that is so was written; at once where one was before. Rejects when `signal` aborts. */
  async wrote(pattern: RegExp, signal: AbortSignal): Promise<void> {
    while (!pattern.test(this.#output)) {
      await new Promise<void>((resolve, reject) => {
        const give = (): void => reject(new Error(`it never wrote ${pattern.source}:\n${this.#output.slice(-4_000)}`));
        if (signal.aborted) return give();
        signal.addEventListener("abort", give, { once: true });
        this.#child.stdout?.once("data", () => {
          signal.removeEventListener("abort", give);
          resolve();
        });
      });
    }
  }

  /** What a probe or a person is answered. `listener`: which of the two. */
  async answer(listener: "health" | "admin", path: string): Promise<{ readonly status: number; readonly body: unknown }> {
    return listener === "admin" ? this.#ask("GET", path) : plain(`http://${this.#host}:${this.#port("health")}${path}`);
  }

  /** Log lines of one event. */
  lines(event: string): readonly Readonly<Record<string, unknown>>[] {
    const all = this.#output.split("\n").filter((line) => line.startsWith("{"));
    return all.map((line) => JSON.parse(line) as Record<string, unknown>).filter((line) => line["event"] === event);
  }

  async started(): Promise<void> {
    const late = performance.now() + START_WITHIN_MS;
    while (this.lines("started").length === 0) {
      if (this.#child.exitCode !== null || performance.now() > late) throw new Error(`it did not start:\n${this.#output}`);
      await pause(50);
    }
  }

  async status(): Promise<Snapshot> {
    const answer = await this.#ask("GET", "/api/v1/status");
    if (answer.status !== 200) throw new Error(`status: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body as Snapshot;
  }

  /** Asks until it is so. Between leaders nobody answers: that is waited for, too. */
  async until(so: (seen: Snapshot) => boolean, withinMs: number): Promise<Snapshot> {
    const late = performance.now() + withinMs;
    let last: unknown = null;
    for (;;) {
      const { status, body } = await this.#ask("GET", "/api/v1/status");
      last = body;
      if (status === 200 && so(body as Snapshot)) return body as Snapshot;
      if (performance.now() > late) throw new Error(`it never was so: ${JSON.stringify(last).slice(0, 4_000)}\n${this.#output.slice(-4_000)}`);
      await pause(100);
    }
  }

  async ledger(): Promise<readonly { readonly kind: string; readonly text: string; readonly target: string; readonly details: Readonly<Record<string, unknown>> }[]> {
    const { body } = await this.#ask("GET", "/api/v1/ledger?limit=1000");
    return (body as { entries: Awaited<ReturnType<RunningSingleton["ledger"]>> }).entries;
  }

  async pause(scope: string, why: string): Promise<void> {
    const { status, body } = await this.#ask("POST", "/api/v1/pause", { scope, why });
    if (status !== 200) throw new Error(`pause: ${status} ${JSON.stringify(body)}`);
  }

  /** What an operator asks for. Rejects after ten seconds. */
  async order(path: string, body: object): Promise<{ readonly status: number; readonly body: unknown }> {
    return this.#ask("POST", path, body);
  }

  async metric(name: string): Promise<number> {
    const text = await (await fetch(`http://${this.#host}:${this.#port("health")}/metrics`, { signal: AbortSignal.timeout(5_000) })).text();
    return Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1]);
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Resolves once it stands still: it keeps its sockets, and answers nothing until SIGCONT. */
  async freeze(): Promise<void> {
    this.signal("SIGSTOP");
    await until(() => readStat(this.pid)?.state === "T", "it stands still");
  }

  async kill(): Promise<void> {
    this.signal("SIGKILL");
    await this.#exit;
  }

  /** Exit code after SIGTERM. */
  async terminate(): Promise<number | null> {
    this.signal("SIGTERM");
    return this.#exit;
  }

  async end(): Promise<void> {
    this.signal("SIGCONT");
    this.signal("SIGTERM");
    const late = setTimeout(() => this.signal("SIGKILL"), 10_000);
    if (this.isRunning()) await this.#exit;
    clearTimeout(late);
    await rm(this.#folder, { recursive: true, force: true });
  }

  #port(which: "health" | "admin"): number {
    return Number(this.lines("started").at(-1)?.[which]);
  }

  async #ask(method: "GET" | "POST", path: string, body?: object): Promise<{ readonly status: number; readonly body: unknown }> {
    const answer = await fetch(`http://127.0.0.1:${this.#port("admin")}${path}`, {
      method,
      headers: { authorization: `Bearer ${OPERATOR}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(10_000),
    });
    return { status: answer.status, body: await answer.json() };
  }
}

async function plain(url: string): Promise<{ readonly status: number; readonly body: unknown }> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(5_000) });
  return { status: answer.status, body: await answer.json() };
}

let taken = 0;

/** Loopback addresses that nobody used before, and a port that is free on the first. */
export async function addressesFor(count: number): Promise<{ readonly port: number; readonly ips: readonly string[] }> {
  const ips = Array.from({ length: count }, () => {
    taken += 1;
    return `127.${93 + (Math.floor(taken / 250) % 100)}.${process.pid % 250}.${1 + (taken % 250)}`;
  });
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, ips[0], resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== "object" || address === null) throw new Error("no port");
  return { port: address.port, ips };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
