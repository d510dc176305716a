/**
 * Pods that are cheap and real: a busybox of two containers. One burns CPU while it is told to, as much as its limit
 * allows; the other answers as a sidecar does, and takes orders: `/burn`, `/rest`, `/ill`, `/well`.
 */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { load, type Place } from "../cluster.ts";
import { busyboxRoot, writeImage } from "../images.ts";
import { waitUntil } from "../storefront/waiting.ts";

const IMAGE = "docker.io/library/told-shop:test";
export const SIDECAR_PORT = 9_470;
/** What is requested is also its weight beside others on a busy machine. */
const MILLI = { app: 60, appLimit: 90, sidecar: 40 } as const;
/** What a pod uses that burns, in percent of what it requests; and a little for the other container. */
export const BURNING_PERCENT = Math.round((100 * MILLI.appLimit) / (MILLI.app + MILLI.sidecar));
const OBEYS_WITHIN_MS = 30_000;

export type Order = "burn" | "rest" | "ill" | "well";

const BURN = `#!/bin/sh
[ -n "$BURNS" ] && : > /told/burn
while :; do
  if [ -e /told/burn ]; then i=0; while [ $i -lt 5000 ]; do i=$((i+1)); done; else usleep 200000; fi
done
`;

/** One connection: reads a request, obeys, answers. */
const ANSWER = `#!/bin/sh
read -r method path rest
while read -r line && [ \${#line} -gt 1 ]; do :; done
case $path in
  /burn|/ill) : > /told$path ;;
  /rest) rm -f /told/burn ;;
  /well) rm -f /told/ill ;;
esac
now=$(date +%s)000
code='200 OK'; verdict=healthy; level=pass; why=
if [ -e /told/ill ]; then code='503 Service Unavailable'; verdict=unhealthy; level=fail; why='"cause":"status","output":"told to be ill",'; fi
look() { echo "[{\\"componentId\\":\\"app\\",\\"componentType\\":\\"component\\",\\"status\\":\\"$2\\",\\"verdict\\":\\"$1\\",\\"at\\":$now,\\"run\\":{\\"level\\":\\"$2\\",\\"count\\":3,\\"since\\":$now},\\"seen\\":\\"$2\\",$3\\"facts\\":{}}]"; }
body="{\\"status\\":\\"$level\\",\\"verdict\\":\\"$verdict\\",\\"ready\\":true,\\"copies\\":3,\\"version\\":\\"told\\",\\"breakers\\":[],\\"checks\\":{\\"application\\":$(look $verdict $level "$why"),\\"page\\":$(look healthy pass '')}}"
printf 'HTTP/1.1 %s\\r\\ncontent-type: application/health+json\\r\\ncontent-length: %s\\r\\nconnection: close\\r\\n\\r\\n%s' "$code" "\${#body}" "$body"
`;

/** Makes the image, and puts it into every real node. */
export async function loadImage(place: Place): Promise<void> {
  const scratch = await mkdtemp(join(tmpdir(), "shopkeeper-told-"));
  try {
    const root = join(scratch, "root");
    await mkdir(join(root, "shop"), { recursive: true });
    await writeFile(join(root, "shop/burn"), BURN, { mode: 0o755 });
    await writeFile(join(root, "shop/answer"), ANSWER, { mode: 0o755 });
    await busyboxRoot(root);
    await writeImage(join(scratch, "told.tar"), { name: IMAGE, root, entrypoint: ["/shop/burn"] });
    await load(place, join(scratch, "told.tar"));
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** As a Deployment's template has it. @param burns from its start. */
export function realPodSpec(burns: boolean): object {
  const common = { image: IMAGE, imagePullPolicy: "Never", volumeMounts: [{ name: "told", mountPath: "/told" }] };
  const cpu = (milli: number): string => `${milli}m`;
  return {
    terminationGracePeriodSeconds: 0,
    automountServiceAccountToken: false,
    containers: [
      { ...common, name: "storefront", env: [{ name: "BURNS", value: burns ? "yes" : "" }], resources: { requests: { cpu: cpu(MILLI.app) }, limits: { cpu: cpu(MILLI.appLimit) } } },
      { ...common, name: "sidecar", command: ["nc", "-ll", "-p", String(SIDECAR_PORT), "-e", "/shop/answer"], resources: { requests: { cpu: cpu(MILLI.sidecar) } } },
    ],
    volumes: [{ name: "told", emptyDir: {} }],
  };
}

/** Resolves once it has obeyed. An order is given again where no answer comes in time. */
export async function order(ip: string, what: Order): Promise<void> {
  await waitUntil(() => give(ip, what), `the pod at ${ip} obeys: ${what}`, OBEYS_WITHIN_MS);
}

function give(ip: string, what: Order): Promise<true> {
  return new Promise((resolve, reject) => {
    const sent = get(`http://${ip}:${SIDECAR_PORT}/${what}`, { agent: false, signal: AbortSignal.timeout(5_000) }, (answer) => answer.resume().on("end", () => resolve(true)).on("error", reject));
    sent.on("error", reject);
  });
}
