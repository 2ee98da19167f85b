import { readFileSync } from "node:fs";

/** The AWS calls of one event: a line of the table in docs/performance.md. */
export interface Cost {
  readonly reads: number;
  readonly writes: number;
  readonly posts: number;
}

/** The table "AWS calls per event" of docs/performance.md, by the event in its first column. */
const documentedCosts = (): ReadonlyMap<string, Cost> =>
  costsIn(/^\| `([^`]+)`(?: [^|]*)? \| (\d+) \| (\d+) \| (\d+) \|/gm);

/** The same where sockets may come back: with the writes of the column "Recovery" besides. */
export function documentedCostsWithRecovery(): ReadonlyMap<string, Cost> {
  const more = costsIn(/^\| `([^`]+)`(?: [^|]*)? \|(?: \d+ \|){3} [\d, ]+ \|() \+(\d)() \|/gm);
  return new Map(
    [...documentedCosts()].map(([event, cost]) => [
      event,
      { ...cost, writes: cost.writes + (more.get(event)?.writes ?? 0) },
    ]),
  );
}

/** The column "Round trips" of that table: without recovery, and with it. */
export const documentedRoundTrips = (): ReadonlyMap<string, readonly [number, number]> =>
  new Map(
    rowsOf(/^\| `([^`]+)`(?: [^|]*)? \|(?: \d+ \|){3} [\d, ]+ \| \+\d \| (\d+), (\d+) \|/gm).map(
      ([, event = "", off, on]) => [event, [Number(off), Number(on)]] as const,
    ),
  );

/** The column "At most" of that table. */
export const documentedBounds = (): ReadonlyMap<string, Cost> =>
  costsIn(/^\| `([^`]+)`(?: [^|]*)? \|(?: \d+ \|){3} (\d+), (\d+), (\d+) \|/gm);

function costsIn(row: RegExp): ReadonlyMap<string, Cost> {
  return new Map(
    rowsOf(row).map(([, event = "", reads, writes, posts]) => [
      event,
      { reads: Number(reads), writes: Number(writes), posts: Number(posts) },
    ]),
  );
}

function rowsOf(row: RegExp): readonly RegExpExecArray[] {
  const text = readFileSync(new URL("../../docs/performance.md", import.meta.url), "utf8");
  const section = text.split("## AWS calls per event")[1]?.split("\n## ")[0] ?? "";
  return [...section.matchAll(row)];
}
