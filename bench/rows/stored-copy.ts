/**
 * A stored page, each time with a nonce of its own, beside those who send one body as it is.
 */
import { ask, until } from "../support/ask.ts";
import type { Bench, Row } from "../support/bench.ts";
import { Opened } from "../support/bench.ts";
import { perCpuSecond } from "../support/load.ts";
import { startHaproxyCache, startNginx, startVarnish } from "../support/peers.ts";
import { freePort } from "../support/processes.ts";
import { interleaved, type Contestant } from "../support/rounds.ts";
import { startScript } from "../support/scripts.ts";
import { startShopkeeper } from "../support/shopkeeper.ts";
import { compared, type Line } from "../support/table.ts";

const PATH = "/products/one";
const CONNECTIONS = 64;

export const storedCopy: Row = {
  name: "stored-copy",
  about: "24 KB page with 24 nonces from the store, metrics on; requests per CPU second of the serving processes, all their threads",
  run,
};

async function run({ quick, say }: Bench): Promise<readonly Line[]> {
  await using opened = new Opened();
  const { folder } = opened;
  const [app, bare] = [await freePort(), await freePort()];
  opened.keep(await startScript("page-app", [app], { port: app }));
  const bareServer = opened.keep(await startScript("bare-server", [bare], { port: bare }));

  const shop = opened.keep(await startShopkeeper({ folder, targets: `  app: { url: "http://127.0.0.1:${app}", pulse: false }`, gateway: "  preset: hydrogen-react-router" }));
  const stored = await until({ port: shop.gateway, path: PATH, keepBody: true }, ({ headers }) => headers["x-cache-status"] === "HIT", "Shopkeeper stores the page");
  await differs(shop.gateway, stored.body);

  const { proxy: nginx, cachePort } = await startNginx(folder, app);
  opened.keep(nginx);
  const haproxy = opened.keep(await startHaproxyCache(folder, app));
  const varnish = opened.keep(await startVarnish(folder, app));

  const contestants: Contestant[] = [];
  const perSecond = new Map<string, number[]>();
  const enter = (name: string, pid: number, port: number): void => {
    perSecond.set(name, []);
    contestants.push({
      name,
      measure: async () => {
        const { perCpu, result } = await perCpuSecond(pid, { url: `http://127.0.0.1:${port}${PATH}`, connections: CONNECTIONS, seconds: quick ? 1 : 3 });
        if (result.errors > 0) throw new Error(`${name}: ${result.errors} errors under load`);
        perSecond.get(name)?.push(result.perSecond);
        return perCpu;
      },
    });
  };
  enter("Shopkeeper", shop.pid, shop.gateway);
  enter("bare node:http", bareServer.pid, bare);
  if (nginx.kind === "running") enter("nginx", nginx.pid, cachePort);
  if (haproxy.kind === "running") enter("HAProxy", haproxy.pid, haproxy.port);
  if (varnish.kind === "running") enter("Varnish", varnish.pid, varnish.port);
  // One warm round for all: compilers and caches.
  for (const one of contestants) await one.measure();
  for (const values of perSecond.values()) values.length = 0;
  const standings = await interleaved(contestants, quick ? 1 : 5, say);

  const figure = (name: string): number => standings.find((one) => one.name === name)?.median ?? Number.NaN;
  const middle = (name: string): string => {
    const values = (perSecond.get(name) ?? []).toSorted((a, b) => a - b);
    return (values[Math.floor(values.length / 2)] ?? 0).toFixed(0);
  };
  const ours = figure("Shopkeeper");
  const line = (name: string, missing: string | null, budget: string, within: ((ratio: number) => boolean) | null): Line =>
    compared(
      { row: "stored-copy", what: "requests per CPU second", measured: `${ours.toFixed(0)} (${middle("Shopkeeper")}/s)`, budget },
      ours,
      missing === null ? { name, figure: figure(name), shown: `${figure(name).toFixed(0)} (${middle(name)}/s)` } : { missing },
      within,
    );
  const why = (peer: { readonly kind: "running" } | { readonly kind: "missing"; readonly why: string }): string | null => (peer.kind === "missing" ? peer.why : null);
  return [
    line("bare node:http", null, "≥ 0.90", (ratio) => ratio >= 0.9),
    line("Varnish", why(varnish), "≥ 1.00", (ratio) => ratio >= 1),
    line("nginx", why(nginx), "", null),
    line("HAProxy", why(haproxy), "", null),
  ];
}

/** Two serves must not share a nonce: else this row would measure something else. */
async function differs(port: number, first: string): Promise<void> {
  const second = await ask({ port, path: PATH, keepBody: true });
  if (second.body.length !== first.length || second.body === first) throw new Error("the stored page is not served with a fresh nonce");
}
