/**
 * The demo's table as a picture (SVG), drawn from the run that was just seen.
 */
import { acted, detected, recovery, seconds, shareServed, shortcomings, type Row, type Share } from "./row.ts";

const WIDTH = 1040;
const ROW = 64;
const TOP = 84;
const BAR = 150;
const FONT = "font-family=\"ui-sans-serif,system-ui,'Segoe UI',Roboto,sans-serif\"";

/** Column: where it starts, and its heading. */
const COLUMNS = [
  [24, "Fault"],
  [262, "Detected after"],
  [392, "Buyers served with Shopkeeper"],
  [606, "Without"],
  [806, "Recovered after"],
  [926, "Action"],
] as const;

/** @returns a standalone SVG document; light and dark by the viewer's preference */
export function tablePicture(rows: readonly Row[]): string {
  const height = TOP + rows.length * ROW + 40;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="Buyers served with and without Shopkeeper, by fault">`,
    "<style>.paper{fill:#fff}.ink{fill:#1f2328}.soft{fill:#59636e}.line{stroke:#d1d9e0}.track{fill:#eaeef2}.good{fill:#1a7f37}.bad{fill:#cf222e}@media(prefers-color-scheme:dark){.paper{fill:#0d1117}.ink{fill:#f0f6fc}.soft{fill:#9198a1}.line{stroke:#3d444d}.track{fill:#212830}.good{fill:#3fb950}.bad{fill:#f85149}}</style>",
    `<rect class="paper" width="${WIDTH}" height="${height}" rx="8"/>`,
    text(24, 34, "ink", 17, "One fault each: the same storefront behind Shopkeeper, and bare", "600"),
    ...COLUMNS.map(([x, heading]) => text(x, TOP - 18, "soft", 12, heading)),
    ...rows.flatMap((row, index) => rowPicture(row, TOP + index * ROW)),
    text(24, height - 14, "soft", 11, "Served: the whole right page within 3 s, of the buyers between fault and recovery. * after the API was well again."),
    "</svg>",
    "",
  ].join("\n");
}

function rowPicture(row: Row, y: number): readonly string[] {
  const found = detected(row);
  const holds = shortcomings(row).length === 0;
  return [
    `<line class="line" x1="24" x2="${WIDTH - 24}" y1="${y}" y2="${y}"/>`,
    text(24, y + 38, "ink", 15, row.fault.title, "600"),
    text(262, y + 38, "ink", 15, found === undefined ? "-" : seconds(found.at - row.faultAt)),
    ...bar(392, y, shareServed(row, row.with), "good"),
    ...bar(606, y, shareServed(row, row.without), "bad"),
    text(806, y + 38, "ink", 15, recovery(row)),
    text(926, y + 38, holds ? "ink" : "bad", 13, acted(row) === undefined ? "none" : row.fault.remedy.replace("_", " ")),
  ];
}

function bar(x: number, y: number, share: Share, tone: "good" | "bad"): readonly string[] {
  const part = share.of === 0 ? 0 : share.served / share.of;
  return [
    `<rect class="track" x="${x}" y="${y + 16}" width="${BAR}" height="10" rx="5"/>`,
    `<rect class="${part === 1 ? "good" : tone}" x="${x}" y="${y + 16}" width="${Math.max(part * BAR, part > 0 ? 6 : 0).toFixed(1)}" height="10" rx="5"/>`,
    text(x, y + 46, "ink", 14, share.of === 0 ? "-" : `${Math.floor(part * 100)} %  (${share.served} of ${share.of})`),
  ];
}

function text(x: number, y: number, tone: string, size: number, content: string, weight = "400"): string {
  return `<text class="${tone}" x="${x}" y="${y}" font-size="${size}" font-weight="${weight}" ${FONT}>${content.replaceAll("&", "&amp;").replaceAll("<", "&lt;")}</text>`;
}
