/** A node that is gone from one moment to the next: nothing of it runs, and what is sent to its pods is swallowed. */
import { podBridge } from "../addresses.ts";
import type { Place } from "../cluster.ts";
import { removeContainers } from "../leftovers.ts";
import { nodeFolder } from "../nodes.ts";
import { end } from "../processes.ts";
import { tool } from "../tool.ts";

type Neighbour = { readonly dst: string; readonly lladdr?: string };
type Link = { readonly ifname: string };

/** There is no way back but taking the cluster down. */
export async function loseNode({ folder }: Place, number: number): Promise<void> {
  const crew = { folder, leashed: false };
  await swallow(podBridge(number));
  await end(crew, [`kubelet-${number}`, `containerd-${number}`], 0);
  await removeContainers(nodeFolder(crew, number));
}

/** Known for good, so that packets are still sent, to ports that are down: a neighbour that cannot be found, or a bridge that is cut, would be answered by an error, which is a kinder failure. */
async function swallow(bridge: string): Promise<void> {
  const neighbours = JSON.parse(await tool("ip", "-json", "-4", "neigh", "show", "dev", bridge)) as readonly Neighbour[];
  for (const { dst, lladdr } of neighbours) {
    if (lladdr !== undefined) await tool("ip", "neigh", "replace", dst, "lladdr", lladdr, "dev", bridge, "nud", "permanent");
  }
  const ports = JSON.parse(await tool("ip", "-json", "link", "show", "master", bridge)) as readonly Link[];
  for (const { ifname } of ports) await tool("ip", "link", "set", ifname, "down");
}
