/** Reads the Prometheus text format, strictly: what it does not know, it refuses. */
export type Family = { readonly name: string; help: string; type: string; readonly samples: { readonly name: string; readonly labels: Readonly<Record<string, string>>; readonly value: number }[] };

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (-?[\d.e+]+|NaN|[+-]Inf)$/;

/** Families by name. @throws {Error} at a line that is not of the format. */
export function parseExposition(text: string): ReadonlyMap<string, Family> {
  const families = new Map<string, Family>();
  if (!text.endsWith("\n")) throw new Error("the last line does not end");
  for (const line of text.split("\n").filter((one) => one !== "")) {
    const meta = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line);
    if (meta !== null) {
      const [, kind, name = "", words = ""] = meta;
      const family = families.get(name) ?? { name, help: "", type: "", samples: [] };
      if (kind === "HELP") {
        if (families.has(name)) throw new Error(`${name} comes twice`);
        family.help = words;
      } else family.type = words;
      families.set(name, family);
      continue;
    }
    const [, name = "", labels = "", value] = SAMPLE.exec(line) ?? [];
    const family = families.get(name) ?? families.get(name.replace(/_(bucket|sum|count)$/, ""));
    if (family === undefined) throw new Error(`not of the format: ${line}`);
    family.samples.push({ name, labels: Object.fromEntries(labelsOf(labels)), value: Number(value) });
  }
  return families;
}

function* labelsOf(text: string): Generator<readonly [string, string]> {
  for (let rest = text; rest !== ""; ) {
    const found = /^([a-zA-Z_]\w*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/.exec(rest);
    if (found === null) throw new Error(`labels not of the format: ${rest}`);
    yield [found[1] ?? "", (found[2] ?? "").replaceAll("\\n", "\n").replaceAll('\\"', '"').replaceAll("\\\\", "\\")];
    rest = rest.slice(found[0].length);
  }
}
