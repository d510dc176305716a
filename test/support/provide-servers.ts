/**
 * Finds the servers that suites need on this machine, and installs them from
 * Debian's packages where that is allowed (root, apt-get present).
 */
import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";

/** Debian package by program, or by a file that it brings. */
const PACKAGES: Readonly<Record<string, string>> = {
  "redis-server": "redis-server",
  chromium: "chromium",
  haproxy: "haproxy",
  nginx: "nginx-light",
  varnishd: "varnish",
  "prometheus-blackbox-exporter": "prometheus-blackbox-exporter",
  wrk: "wrk",
  openssl: "openssl",
  setpriv: "util-linux",
  nsenter: "util-linux",
  unshare: "util-linux",
  containerd: "containerd",
  ctr: "containerd",
  runc: "runc",
  "/usr/lib/cni/bridge": "containernetworking-plugins",
  iptables: "iptables",
  "iptables-restore": "iptables",
  ip: "iproute2",
  busybox: "busybox-static",
  pdns_server: "pdns-server",
  "/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql": "pdns-backend-sqlite3",
  dnsmasq: "dnsmasq-base",
};

export const debianPackage = (program: string): string => PACKAGES[program] ?? program;

export type Provided = { readonly missing: readonly { readonly name: string; readonly why: string }[] };

/** The program's path on PATH or in the system's own folders (as it is where it is absolute, be it a program or not); null where it is not installed. */
export function findProgram(name: string): string | null {
  const folders = isAbsolute(name) ? [""] : [...(process.env["PATH"] ?? "").split(delimiter), "/usr/local/sbin", "/usr/sbin", "/usr/bin", "/sbin"];
  const wanted = isAbsolute(name) ? constants.R_OK : constants.X_OK;
  for (const folder of folders) {
    const file = folder === "" ? name : join(folder, name);
    try {
      accessSync(file, wanted);
      return file;
    } catch {
      // Not in this folder; the next one may have it.
    }
  }
  return null;
}

/** Installs what is missing. Nothing that Debian's packages would start as a service is left running (policy-rc.d is asked to refuse). */
export async function provideServers(names: readonly string[]): Promise<Provided> {
  const wanted = names.filter((name) => findProgram(name) === null);
  if (wanted.length === 0) return { missing: [] };
  const packages = [...new Set(wanted.map(debianPackage))];
  if (process.getuid?.() !== 0 || findProgram("apt-get") === null) {
    return { missing: wanted.map((name) => ({ name, why: `install it: apt-get install ${debianPackage(name)}` })) };
  }
  process.stdout.write(`\n== installing ${packages.join(", ")} from Debian's packages\n`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
  spawnSync("apt-get", ["update", "-qq"], { env, stdio: "ignore", timeout: 180_000 });
  spawnSync("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...packages], { env, stdio: "ignore", timeout: 300_000 });
  return { missing: wanted.filter((name) => findProgram(name) === null).map((name) => ({ name, why: "apt-get could not install it" })) };
}
