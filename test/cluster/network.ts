/**
 * The bridge, the routes and the rules of a cluster, and their removal.
 *
 * A packet for a dead pod, or for a Service without endpoints, would otherwise take
 * the default route out of this machine; and so would whatever a pod sends anywhere
 * else. Here all of those end: nothing leaves.
 */
import { BRIDGE, FAKE_POD_RANGE, HOST_ADDRESS, NODE_RANGE, overlap, POD_AND_NODE_RANGE, POD_RANGE, podBridge, SERVICE_RANGE } from "./addresses.ts";
import { holds } from "./processes.ts";
import { attempt, tool } from "./tool.ts";

const ROUTES: readonly (readonly string[])[] = [
  // A bridge without ports: swallowed unless kube-proxy has sent it elsewhere before.
  [SERVICE_RANGE, "dev", BRIDGE],
  ["unreachable", POD_RANGE],
  ["unreachable", NODE_RANGE],
  ["local", FAKE_POD_RANGE, "dev", "lo"],
];

/** Pods reach pods, nodes and this machine's own addresses (whose table comes first), and nothing else. */
const RULES: readonly (readonly string[])[] = [
  ["priority", "1088", "from", POD_RANGE, "to", POD_AND_NODE_RANGE, "lookup", "main"],
  ["priority", "1089", "from", POD_RANGE, "unreachable"],
];

type Route = { readonly dst: string; readonly dev?: string; readonly type?: string };

/** What stands in the way of a cluster here, in words; null: nothing. */
export async function clash(): Promise<string | null> {
  const folder = await owner();
  if (folder !== null) return `a cluster is up already (bridge ${BRIDGE}), its state is in ${folder === "" ? "a folder not named yet" : folder}; end it first`;
  const routes = JSON.parse(await tool("ip", "-json", "route", "show")) as Route[];
  const ours = [SERVICE_RANGE, POD_RANGE, NODE_RANGE, FAKE_POD_RANGE];
  const taken = routes.find(({ dst }) => dst !== "default" && ours.some((range) => overlap(dst, range)));
  return taken === undefined ? null : `this machine has a route to ${taken.dst} by ${taken.dev ?? taken.type ?? "?"}, and a cluster needs ${ours.join(", ")}`;
}

/** The state folder whose name is on the bridge; "": none is yet; null: there is no bridge. */
export async function owner(): Promise<string | null> {
  try {
    const [link] = JSON.parse(await tool("ip", "-json", "-details", "link", "show", BRIDGE)) as { readonly ifalias?: string }[];
    return link?.ifalias ?? "";
  } catch {
    return null;
  }
}

/** Makes the bridge, with the folder's name on it, and every way that ends here. */
export async function raise(folder: string): Promise<void> {
  await tool("ip", "link", "add", BRIDGE, "type", "bridge");
  await tool("ip", "link", "set", BRIDGE, "alias", folder);
  await addAddress(HOST_ADDRESS);
  await tool("ip", "link", "set", BRIDGE, "up");
  for (const route of ROUTES) await tool("ip", "route", "add", ...route);
  for (const rule of RULES) await tool("ip", "rule", "add", ...rule);
}

export async function addAddress(address: string): Promise<void> {
  await tool("ip", "address", "add", `${address}/32`, "dev", BRIDGE);
}

/**
 * Removes all that `raise` and the nodes' pods have made; what is not there is no
 * fault. The bridge goes last: whoever comes after a crash in the middle still finds
 * whose it all is.
 *
 * @param namespacesBefore names of the network namespaces there were before `raise`
 */
export async function lower(nodes: number, namespacesBefore: readonly string[]): Promise<void> {
  for (const name of await namespaces()) {
    if (await isOurs(name, namespacesBefore)) await tool("ip", "netns", "delete", name);
  }
  const numbers = Array.from({ length: nodes }, (_, index) => index + 1);
  for (const number of numbers) await attempt("ip", "link", "delete", podBridge(number));
  for (const rule of RULES) await attempt("ip", "rule", "delete", ...rule);
  for (const route of ROUTES) await attempt("ip", "route", "delete", ...route);
  // The kernel takes a namespace's own ends away in its own time.
  await holds(async () => !(await tool("ip", "-brief", "link")).includes("skpods"), 5_000);
  await attempt("ip", "link", "delete", BRIDGE);
}

/** A pod's namespace has an address of ours; one that was being made has none yet, and was not there before. */
async function isOurs(name: string, before: readonly string[]): Promise<boolean> {
  if (!name.startsWith("cni-")) return false;
  const text = await tool("ip", "-netns", name, "-brief", "-4", "address");
  // Lines like "eth0@if9  UP  10.88.1.2/24".
  const addresses = text.split("\n").filter((line) => !line.startsWith("lo ")).flatMap((line) => /\s(\d+\.[\d.]+)\/\d+/.exec(line)?.[1] ?? []);
  if (addresses.length === 0) return !before.includes(name);
  return addresses.some((address) => overlap(address, POD_RANGE));
}

/** Names of the network namespaces. */
export async function namespaces(): Promise<readonly string[]> {
  const text = await tool("ip", "-json", "netns", "list");
  return text.trim() === "" ? [] : (JSON.parse(text) as { readonly name: string }[]).map(({ name }) => name);
}
