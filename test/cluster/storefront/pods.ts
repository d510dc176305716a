/** The pods of a shop, as the API server has them. */
import type { Ask } from "../ask.ts";

export type ShopPod = {
  readonly name: string;
  readonly uid: string;
  readonly node: string;
  /** "": none yet. */
  readonly ip: string;
  readonly ready: boolean;
  /** Told to end. */
  readonly ending: boolean;
  /** Of the application's container. */
  readonly restarts: number;
  /** The application's, as containerd has it; "": it does not run yet. */
  readonly container: string;
  /** Why the application's container ended last; "": it never did. */
  readonly lastEnd: string;
};

type Status = { readonly name: string; readonly restartCount: number; readonly containerID?: string; readonly lastState?: { readonly terminated?: { readonly reason?: string } } };

type Raw = {
  readonly metadata: { readonly name: string; readonly uid: string; readonly deletionTimestamp?: string };
  readonly spec: { readonly nodeName?: string };
  readonly status: { readonly podIP?: string; readonly conditions?: readonly { readonly type: string; readonly status: string }[]; readonly containerStatuses?: readonly Status[] };
};

const APP = "storefront";

/** @throws {Error} when the API server does not say. */
export async function podsOf(ask: Ask, namespace: string, app: string = APP): Promise<readonly ShopPod[]> {
  const { status, body } = await ask("GET", `/api/v1/namespaces/${namespace}/pods?labelSelector=app.kubernetes.io/name%3D${app}`);
  if (status !== 200) throw new Error(`pods of ${namespace}: ${status} ${JSON.stringify(body)}`);
  return (body as { items: readonly Raw[] }).items.map(shopPod).toSorted((a, b) => a.name.localeCompare(b.name));
}

function shopPod({ metadata, spec, status }: Raw): ShopPod {
  const app = status.containerStatuses?.find(({ name }) => name === APP);
  return {
    name: metadata.name,
    uid: metadata.uid,
    node: spec.nodeName ?? "",
    ip: status.podIP ?? "",
    ready: status.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false,
    ending: metadata.deletionTimestamp !== undefined,
    restarts: app?.restartCount ?? 0,
    container: (app?.containerID ?? "").replace("containerd://", ""),
    lastEnd: app?.lastState?.terminated?.reason ?? "",
  };
}

/** Three pods, all ready, none about to go. */
export const isWhole = (pods: readonly ShopPod[]): boolean => pods.length === 3 && pods.every(({ ready, ending }) => ready && !ending);
