/** This host's address, as others of its network reach it. */
import { networkInterfaces } from "node:os";

/** The first that is not loopback, IPv4 before IPv6, link-local ones left out; null: there is none. */
export function ownAddress(): string | null {
  const all = Object.values(networkInterfaces()).flatMap((some) => some ?? []);
  const open = all.filter(({ internal, address }) => !internal && !address.startsWith("fe80:"));
  return (open.find(({ family }) => family === "IPv4") ?? open[0])?.address ?? null;
}
