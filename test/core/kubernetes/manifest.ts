/** A Deployment and its Service as a parser hands them over, small, to be changed by each test. */
import type { ManifestDocument } from "../../../src/core/kubernetes/views.ts";
import { readWorkload, type Choice, type Workload } from "../../../src/core/kubernetes/workload.ts";

type Fields = Readonly<Record<string, unknown>>;

export const APPLICATION: Fields = { name: "web", ports: [{ name: "http", containerPort: 3000 }], resources: { requests: { cpu: "250m" } } };

export type Shape = {
  readonly container?: Fields;
  /** Beside the application. */
  readonly others?: readonly Fields[];
  readonly pod?: Fields;
  readonly spec?: Fields;
  readonly metadata?: Fields;
  readonly annotations?: Fields;
};

export function deployment({ container = {}, others = [], pod = {}, spec = {}, metadata = {}, annotations = {} }: Shape = {}): unknown {
  const template = { metadata: { labels: { app: "shop" }, annotations }, spec: { containers: [{ ...APPLICATION, ...container }, ...others], ...pod } };
  return { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "shop", ...metadata }, spec: { replicas: 3, template, ...spec } };
}

export function service(ports: readonly Fields[] = [{ port: 80, targetPort: 3000 }], spec: Fields = {}): unknown {
  return { apiVersion: "v1", kind: "Service", metadata: { name: "shop-web" }, spec: { selector: { app: "shop" }, ports, ...spec } };
}

export function documents(...values: readonly unknown[]): readonly ManifestDocument[] {
  return values.map((value, index) => ({ index, value }));
}

/** @throws {Error} with what is complained about. */
export function workload(values: readonly unknown[] = [deployment(), service()], choice: Choice = {}): Workload {
  const read = readWorkload(documents(...values), choice);
  if (!read.ok) throw new Error(read.complaints.map(({ message }) => message).join("\n"));
  return read.workload;
}
