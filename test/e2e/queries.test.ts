import { readFileSync } from "node:fs";
import { afterEach, beforeAll, expect, test } from "vitest";
import { NO_FAULTS } from "../../local/fault-injection.ts";
import { BY_WEBSOCKET, client, newOrg, person, tokenFor } from "../support/people.ts";
import { publish } from "../support/publishing.ts";
import { rawClient, rawSocket } from "../support/raw.ts";
import { logged, settled, stack } from "../support/running.ts";

const page = readFileSync("docs/operations.md", "utf8");
const queries = [...page.matchAll(/```logs-insights\n(.*?)```/gs)].map(([, query = ""]) => query);

/** A line of Lambda's own of an invocation that ran out of time, as its documentation has it. */
const REPORT =
  '{"time":"2026-03-13T18:56:24.099Z","type":"platform.report","record":{"requestId":"79b4f56e","metrics":{"durationMs":29000,"billedDurationMs":29000,"memorySizeMB":512,"maxMemoryUsedMB":80},"status":"timeout"}}';

type Line = Readonly<Record<string, unknown>>;
const lines: Line[] = [JSON.parse(REPORT)];

afterEach(() => stack.faults.setRates(NO_FAULTS));

beforeAll(async () => {
  await settled();
  logged.length = 0;
  // A CONNECT and two upgrades that are refused.
  const refused = client({ auth: { token: "none" } });
  await new Promise((resolve) => refused.once("connect_error", resolve));
  await expect(rawClient("EIO=3&transport=websocket")).rejects.toBeDefined();
  await rawClient(undefined, { authorization: "Bearer none" });
  // A breach of the protocol.
  const breaching = await rawSocket(await tokenFor({ org: newOrg() }));
  breaching.send("9");
  await breaching.closed;
  // An event, and an entry, that fail.
  // What answers a client that polls would be in the table, too.
  const ann = await person({ org: newOrg() }, BY_WEBSOCKET);
  stack.faults.setRates({ ...NO_FAULTS, throttle: 1 });
  await ann.emit("presence:update");
  stack.faults.setRates(NO_FAULTS);
  await expect(publish({ event: "nonsense", org: ann.org })).rejects.toThrow("nonsense");
  await settled();
  const texts = logged.join("").split("\n");
  // What a function throws is printed as it is here; in AWS it is Lambda's own JSON.
  const json = texts.filter((text) => text.startsWith("{"));
  lines.push(...json.map((text) => JSON.parse(text) as Line));
});

/** A field of a line, by its path with dots. */
const fieldOf = (line: Line, path: string): unknown =>
  path.split(".").reduce<unknown>((value, name) => (value as Line | undefined)?.[name], line);

/** What a query asks of a line. */
function filterOf(query: string): (line: Line) => boolean {
  const [, field = "", value = ""] = /^filter (\S+) (?:=|in) (.+)$/m.exec(query) ?? [];
  const wanted = [JSON.parse(value)].flat() as readonly unknown[];
  // The page's connection is any.
  if (field === "connectionId") return (line) => field in line;
  return (line) => wanted.includes(fieldOf(line, field));
}

/** The fields that a query groups by, counts or shows; those of CloudWatch itself begin with @. */
const fieldsOf = (query: string): readonly string[] =>
  [...query.matchAll(/(?:\bby |latest\(|^\| fields )([^|\n)]+)/gm)]
    .flatMap(([, list = ""]) => list.split(", "))
    .map((name) => name.trim())
    .filter((name) => /^[a-z][\w.]*$/i.test(name));

test("operations.md has queries, each with a filter and fields", () => {
  expect(queries).toHaveLength(8);
  for (const query of queries) expect(fieldsOf(query).length).toBeGreaterThan(0);
});

test.each(queries)(
  "a query finds lines that the functions log, with all its fields:\n%s",
  (query) => {
    const found = lines.filter(filterOf(query));
    const missing = fieldsOf(query).filter((name) =>
      found.every((line) => fieldOf(line, name) === undefined),
    );

    expect(found.length).toBeGreaterThan(0);
    expect(missing).toEqual([]);
  },
);
