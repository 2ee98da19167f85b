import { readFileSync } from "node:fs";

/** What one event may cost: a line of the table in docs/performance.md. */
export interface Cost {
  readonly reads: number;
  readonly writes: number;
  readonly posts: number;
}

/** The table "AWS calls per event" of docs/performance.md, by the event in its first column. */
export function documentedCosts(): ReadonlyMap<string, Cost> {
  const text = readFileSync(new URL("../../docs/performance.md", import.meta.url), "utf8");
  const section = text.split("## AWS calls per event")[1]?.split("\n## ")[0] ?? "";
  const rows = [...section.matchAll(/^\| `([^`]+)`(?: [^|]*)? \| (\d+) \| (\d+) \| (\d+) \|/gm)];
  return new Map(
    rows.map(([, event = "", reads, writes, posts]) => [
      event,
      { reads: Number(reads), writes: Number(writes), posts: Number(posts) },
    ]),
  );
}
