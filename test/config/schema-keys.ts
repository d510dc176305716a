/** The keys of a JSON Schema as documentation names them: "targets.*.url", with default and meaning. */
type Node = {
  readonly properties?: Readonly<Record<string, Node>>;
  readonly additionalProperties?: Node | boolean;
  readonly required?: readonly string[];
  readonly default?: unknown;
  readonly description?: string;
};

export type SchemaKey = { readonly key: string; readonly default: string; readonly description: string };

/** Every key that holds a value; maps that only hold further keys are left out. */
export function keysOf(schema: unknown, prefix = ""): readonly SchemaKey[] {
  const node = schema as Node;
  const required = new Set(node.required ?? []);
  return Object.entries(node.properties ?? {}).flatMap(([name, child]) => {
    const key = `${prefix}${name}`;
    if (child.properties !== undefined) return keysOf(child, `${key}.`);
    const entry = child.additionalProperties;
    if (typeof entry === "object" && entry.properties !== undefined) return keysOf(entry, `${key}.*.`);
    return [{ key, default: child.default === undefined ? (required.has(name) ? "required" : "none") : JSON.stringify(child.default), description: child.description ?? "" }];
  });
}
