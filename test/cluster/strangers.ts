/** Somebody in a cluster with exactly the rights given: a ServiceAccount, its Role, and a kubeconfig with its token. */
import { readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { ApiServer } from "./api-server.ts";
import { create } from "./ask.ts";

export type PolicyRule = { readonly apiGroups: readonly string[]; readonly resources: readonly string[]; readonly verbs: readonly string[]; readonly resourceNames?: readonly string[] };

let strangers = 0;

/** @returns the path of the kubeconfig, beside the administrator's; it goes with the server. */
export async function strangerKubeconfig(api: Pick<ApiServer, "ask" | "kubeconfig" | "ca" | "server">, namespace: string, rules: readonly PolicyRule[]): Promise<string> {
  strangers += 1;
  const name = `stranger-${strangers}`;
  const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;
  await create(api.ask, [
    [`/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name } }],
    [`${rbac}/roles`, { metadata: { name }, rules }],
    [`${rbac}/rolebindings`, { metadata: { name }, roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name }, subjects: [{ kind: "ServiceAccount", name, namespace }] }],
  ]);
  const { body } = await api.ask("POST", `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`, { spec: {} });
  const { status } = body as { status: { token: string } };
  return writeKubeconfig(api, name, status.token);
}

/** A kubeconfig on the server with a token of one's own. */
export async function writeKubeconfig(api: Pick<ApiServer, "kubeconfig" | "ca" | "server">, name: string, token: string, server = api.server): Promise<string> {
  const file = join(dirname(api.kubeconfig), `${name}.kubeconfig`);
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "c", cluster: { server, "certificate-authority-data": Buffer.from(api.ca).toString("base64") } }],
    users: [{ name: "u", user: { token } }],
    contexts: [{ name: "c", context: { cluster: "c", user: "u" } }],
    "current-context": "c",
  };
  await writeFile(file, JSON.stringify(config));
  return file;
}

/** A kubeconfig whose token comes from a login program, which is asked at each call: it prints a file. */
export async function execKubeconfig(api: ApiServer, name: string, tokenFile: string): Promise<string> {
  const file = await writeKubeconfig(api, name, "");
  const config = JSON.parse(await readFile(file, "utf8")) as { users: object[] };
  config.users = [{ name: "u", user: { exec: { apiVersion: "client.authentication.k8s.io/v1", command: "cat", args: [tokenFile], interactiveMode: "Never" } } }];
  await writeFile(file, JSON.stringify(config));
  return file;
}

/** What the login program prints: a token that is never kept. */
export async function writeExecToken(file: string, token: string): Promise<void> {
  await writeFile(file, JSON.stringify({ apiVersion: "client.authentication.k8s.io/v1", kind: "ExecCredential", status: { token, expirationTimestamp: "2020-01-01T00:00:00Z" } }));
}

/** Gives everybody's ServiceAccounts of a namespace further rights. */
export async function grant(api: ApiServer, namespace: string, rules: readonly PolicyRule[]): Promise<void> {
  const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;
  await create(api.ask, [
    [`${rbac}/roles`, { metadata: { name: "granted" }, rules }],
    [`${rbac}/rolebindings`, { metadata: { name: "granted" }, roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "granted" }, subjects: [{ kind: "Group", apiGroup: "rbac.authorization.k8s.io", name: `system:serviceaccounts:${namespace}` }] }],
  ]);
}
