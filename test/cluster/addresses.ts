/**
 * The addresses of a cluster. Nothing of it may leave the machine (see `network.ts`).
 *
 * kubelets and endpoints may not be on loopback: a bridge of our own carries the
 * API server's, the add-ons' and each kubelet's address.
 */

export const BRIDGE = "skhost";
/** Of the API server, CoreDNS and metrics-server. */
export const HOST_ADDRESS = "10.89.0.1";
export const NODE_RANGE = "10.89.0.0/24";
export const POD_RANGE = "10.88.0.0/16";
/** Pods and nodes together. */
export const POD_AND_NODE_RANGE = "10.88.0.0/15";
/** Fake pods: every address is this machine, so that one process on 0.0.0.0 answers for all. */
export const FAKE_POD_RANGE = "10.87.0.0/16";
export const SERVICE_RANGE = "10.96.0.0/16";
export const KUBERNETES_SERVICE = "10.96.0.1";
export const DNS_SERVICE = "10.96.0.10";

/** Nodes have a pod range and an address by their number. */
export const MAX_NODES = 9;

export const nodeName = (number: number): string => `real-${number}`;
export const nodeAddress = (number: number): string => `10.89.0.${number + 1}`;
export const podRange = (number: number): string => `10.88.${number}.0/24`;
export const podBridge = (number: number): string => `skpods${number}`;
export const podNetwork = (number: number): string => `shopkeeper-pods-${number}`;
/** Three zones, in turn. */
export const zone = (number: number): string => `zone-${"abc"[(number - 1) % 3]}`;

/** Whether two IPv4 ranges ("10.0.0.0/8"; an address is a range of one) have an address in common. */
export function overlap(one: string, other: string): boolean {
  const [a, aBits] = parse(one);
  const [b, bBits] = parse(other);
  const shift = 32 - Math.min(aBits, bBits);
  return shift === 32 || a >>> shift === b >>> shift;
}

function parse(range: string): [address: number, bits: number] {
  const [address = "", bits = "32"] = range.split("/");
  return [address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0), Number(bits)];
}
