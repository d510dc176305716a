/**
 * kube-proxy's rules in iptables: whether there are any, and their removal one by
 * one. Whatever else is in the tables is left as it is, also if it changes meanwhile.
 */
import { tool, toolReading } from "./tool.ts";

const FAMILIES = ["iptables", "ip6tables"] as const;

/**
 * What takes every chain of Kubernetes out of saved tables again, in iptables-restore's
 * words; empty: there are none. Pure.
 */
export function removal(saved: string): string {
  const tables = saved.split(/^(?=\*)/m).filter((table) => table.startsWith("*"));
  return tables.map(removalFromTable).join("");
}

function removalFromTable(table: string): string {
  const lines = table.split("\n");
  const chains = lines.flatMap((line) => /^:(KUBE-\S+)/.exec(line)?.[1] ?? []);
  if (chains.length === 0) return "";
  const jumps = lines.filter((line) => /^-A (?!KUBE-).* -[jg] KUBE-/.test(line)).map((line) => line.replace(/^-A/, "-D"));
  return [lines[0], ...jumps, ...chains.map((chain) => `-F ${chain}`), ...chains.map((chain) => `-X ${chain}`), "COMMIT", ""].join("\n");
}

/** Whether some Kubernetes has chains on this machine: its kube-proxy and ours would undo each other's. */
export async function hasKubernetes(): Promise<boolean> {
  const saved = await Promise.all(FAMILIES.map((family) => tool(`${family}-save`)));
  return saved.some((tables) => removal(tables) !== "");
}

export async function removeKubernetes(): Promise<void> {
  for (const family of FAMILIES) {
    const script = removal(await tool(`${family}-save`));
    if (script !== "") await toolReading(script, `${family}-restore`, "--noflush");
  }
}
