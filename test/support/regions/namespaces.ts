/**
 * Network namespaces as hosts on one wire, by iproute2 and iptables. Of this machine's own network one link is added, with
 * addresses out of the range for benchmarks (RFC 2544), and it goes with the wire; no rule and no setting of it is touched.
 */
import { spawnSync } from "node:child_process";
import { networkInterfaces } from "node:os";
import { programPath } from "../../../demo/dns/server-process.ts";

const COMMAND_MS = 10_000;
const TRIES = 256;

/** @throws {Error} where it is not installed */
function installed(program: string): string {
  const path = programPath(program);
  if (path === null) throw new Error(`${program} is not installed`);
  return path;
}

/** @throws {Error} with what it said */
function run([path = "", ...args]: readonly string[], input = ""): void {
  const { status, stderr, error } = spawnSync(path, args, { input, encoding: "utf8", timeout: COMMAND_MS });
  if (status !== 0) throw new Error(`${path} ${args.join(" ")}: ${error?.message ?? stderr.trim()}`);
}

const ip = (...args: readonly string[]): void => run([installed("ip"), ...args]);

/** What a command within it begins with. @throws {Error} where iproute2 is not installed */
export const commandWithin = (namespace: string): readonly string[] => [installed("ip"), "netns", "exec", namespace];

/** All that were made; taken down with us, however we end. */
const made = new Set<string>();
process.on("exit", () => {
  for (const name of made) spawnSync(programPath("ip") ?? "ip", ["netns", "del", name], { timeout: COMMAND_MS });
});

function make(name: string): void {
  ip("netns", "add", name);
  made.add(name);
  ip("-n", name, "link", "set", "lo", "up");
}

function remove(name: string): void {
  if (made.delete(name)) ip("netns", "del", name);
}

let lacks: string | null | undefined;

/** Why no hosts can be made here, found out by making one; null: they can. */
export function lacksOfHosts(): string | null {
  lacks ??= tried() ?? null;
  return lacks;
}

function tried(): string | undefined {
  const name = `sk${process.pid}try`;
  try {
    make(name);
    filter(name, "iptables-restore", ["-w", "-n"], "*filter\n-A INPUT -p tcp -m tcp --dport 9 -j REJECT --reject-with tcp-reset\nCOMMIT\n");
    return undefined;
  } catch (error) {
    return (error instanceof Error ? error.message : String(error)).slice(0, 200);
  } finally {
    remove(name);
  }
}

export type Host = { readonly name: string; readonly namespace: string; readonly address: string };

/** Hosts beside this one, all on one wire. */
export type Wire = {
  /** Of this machine, as the hosts reach it; the first is what it asks from. */
  readonly here: readonly string[];
  readonly hosts: ReadonlyMap<string, Host>;
  stop(): void;
};

/** Wires of this process. */
let wires = 0;

/** @param names of the hosts, one or two letters each. @param own how many addresses this machine has on it. @throws {Error} */
export function openWire(names: readonly string[], own: number): Wire {
  wires += 1;
  const stem = `sk${process.pid.toString(36)}${wires.toString(36)}`;
  const net = freeNet();
  const wire = `${stem}w`;
  const hosts = new Map(names.map((name, at) => [name, { name, namespace: `${stem}${name}`, address: `${net}.${10 * (at + 1)}` }]));
  const stop = (): void => [...[...hosts.values()].map(({ namespace }) => namespace), wire].forEach(remove);
  try {
    make(wire);
    ip("-n", wire, "link", "add", "wire", "type", "bridge");
    ip("-n", wire, "link", "set", "wire", "up");
    ip("link", "add", `${stem}r`, "type", "veth", "peer", "name", "here", "netns", wire);
    plug(wire, "here");
    const here = Array.from({ length: own }, (_, at) => `${net}.${at + 1}`);
    for (const address of here) ip("address", "add", `${address}/24`, "dev", `${stem}r`);
    ip("link", "set", `${stem}r`, "up");
    for (const { name, namespace, address } of hosts.values()) {
      make(namespace);
      ip("-n", namespace, "link", "add", "wire", "type", "veth", "peer", "name", name, "netns", wire);
      plug(wire, name);
      ip("-n", namespace, "address", "add", `${address}/24`, "dev", "wire");
      ip("-n", namespace, "link", "set", "wire", "up");
    }
    return { here, hosts, stop };
  } catch (error) {
    stop();
    throw error;
  }
}

function plug(wire: string, link: string): void {
  ip("-n", wire, "link", "set", link, "master", "wire");
  ip("-n", wire, "link", "set", link, "up");
}

/** Another run may have taken one in this moment; then its first command fails, and says so. */
function freeNet(): string {
  const taken = new Set(Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address.replace(/\.\d+$/, ""))));
  for (let at = 0; at < TRIES; at++) {
    const net = `198.18.${(process.pid + wires * 37 + at) % 256}`;
    if (!taken.has(net)) return net;
  }
  throw new Error("no net of 198.18.0.0/16 is free");
}

/** Rules of a host's packet filter, "-A INPUT -p tcp -j DROP", after those that are there; all of them at once. */
export function addRules({ namespace }: Host, rules: readonly string[]): void {
  filter(namespace, "iptables-restore", ["-w", "-n"], `*filter\n${rules.join("\n")}\nCOMMIT\n`);
}

export function clearRules({ namespace }: Host): void {
  filter(namespace, "iptables", ["-w", "-F"]);
}

function filter(namespace: string, program: string, args: readonly string[], input = ""): void {
  run([...commandWithin(namespace), installed(program), ...args], input);
}
