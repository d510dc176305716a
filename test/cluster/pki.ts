/**
 * Keys, certificates, tokens and kubeconfigs of one cluster, for a month.
 *
 * OpenSSL signs, since Node cannot make certificates. Everything lies in the
 * cluster's own folder and means nothing outside it.
 */
import { execFile } from "node:child_process";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Who may come in by a token of its own. */
const USERS = [
  { name: "admin", groups: "system:masters" },
  { name: "system:kube-scheduler", groups: "" },
] as const;

type UserName = (typeof USERS)[number]["name"];

export type Pki = {
  readonly folder: string;
  /** PEM of the authority that signed the API server's certificate. */
  readonly ca: string;
  readonly tokens: Readonly<Record<UserName, string>>;
};

/** Makes all of it in `folder/pki`. @param addresses those the API server answers at. */
export async function createPki(clusterFolder: string, addresses: readonly string[]): Promise<Pki> {
  const folder = join(clusterFolder, "pki");
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const names = ["kubernetes", "kubernetes.default", "kubernetes.default.svc", "localhost"];
  const alternatives = [...names.map((name) => `DNS:${name}`), ...addresses.map((address) => `IP:${address}`)].join(",");
  await Promise.all([certificate(folder, "ca", []).then(() => certificate(folder, "api", ["-CA", "ca.crt", "-CAkey", "ca.key", "-addext", `subjectAltName=${alternatives}`])), certificate(folder, "proxy", [])]);
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  await writeFile(join(folder, "sa.key"), privateKey.export({ type: "sec1", format: "pem" }));
  await writeFile(join(folder, "sa.pub"), publicKey.export({ type: "spki", format: "pem" }));
  const tokens = Object.fromEntries(USERS.map(({ name }) => [name, randomBytes(16).toString("hex")])) as Record<UserName, string>;
  await writeFile(join(folder, "tokens.csv"), USERS.map(({ name, groups }) => `${tokens[name]},${name},${name},"${groups}"\n`).join(""));
  return { folder, ca: await readFile(join(folder, "ca.crt"), "utf8"), tokens };
}

/** Writes `NAME.key` and `NAME.crt`, signed by itself unless an authority is given. */
async function certificate(folder: string, name: string, options: readonly string[]): Promise<void> {
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", `${name}.key`];
  await run("openssl", ["req", "-x509", ...key, "-out", `${name}.crt`, "-days", "30", "-subj", `/CN=cluster-${name}`, ...options], { cwd: folder });
}

/** Writes a kubeconfig with nothing but what is in it: no file it refers to. Gives back its path. */
export async function writeKubeconfig(file: string, { server, ca, token }: { readonly server: string; readonly ca: string; readonly token: string }): Promise<string> {
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "cluster", cluster: { server, "certificate-authority-data": Buffer.from(ca).toString("base64") } }],
    users: [{ name: "user", user: { token } }],
    contexts: [{ name: "cluster", context: { cluster: "cluster", user: "user" } }],
    "current-context": "cluster",
  };
  // JSON is YAML.
  await writeFile(file, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 });
  return file;
}
