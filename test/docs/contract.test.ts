import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { emits } from "../../lambdas/mudbase/contract.ts";
import { publications } from "../../lambdas/mudbase/publishing.ts";
import { REFUSAL_CODES } from "../../lambdas/server/errors.ts";
import { readSettings } from "../../lib/config.ts";
import { events } from "../support/contract.ts";

const page = readFileSync("docs/contract.md", "utf8");
const section = (title: string): string =>
  page.split(`\n## ${title}\n`)[1]?.split("\n## ")[0] ?? "";
/** The first cell of each row, and what stands in the others. */
const rowsOf = (text: string) =>
  [...text.matchAll(/^\| (.+?) \| (.+) \|$/gm)].map(([, first = "", rest = ""]) => [first, rest]);
const codeIn = (text = ""): readonly string[] =>
  [...text.matchAll(/`([a-z_]+(?::[a-z_]+)*)`/g)].map(([, name = ""]) => name);

const published = publications.all.flatMap(({ names }) => names as readonly string[]);

test("every event that the page names is one", () => {
  const named = [...page.matchAll(/`([a-z]+(?::[a-z_]+)+)`/g)].map(([, name = ""]) => name);
  const known = new Set([...events.keys(), ...Object.keys(emits), ...published]);

  expect(named.length).toBeGreaterThan(60);
  expect(named.filter((name) => !known.has(name))).toEqual([]);
});

test("every event that others receive stands in the tables of who receives what", () => {
  const section3 = section("Who receives what");
  const others = Object.keys(emits).filter((name) => {
    const isReply = [...events.values()].some(({ reply }) => reply === name);
    return !isReply && !["error", "exception", "integration:error"].includes(name);
  });

  expect(others.filter((name) => !codeIn(section3).includes(name))).toEqual([]);
});

test("the codes of refusals are those of the server", () => {
  const codes = rowsOf(section("Refusals")).flatMap(([code]) => codeIn(code));

  expect(codes.toSorted()).toEqual(REFUSAL_CODES.toSorted());
});

test("the limits that are settings have their defaults", () => {
  const defaults = readSettings({}) as unknown as Readonly<Record<string, unknown>>;
  const rows = [...section("Limits").matchAll(/^\| .+? \| (\d+) \| `(\w+)` \|$/gm)].map(
    ([, value, name = ""]) => [name, Number(value)],
  );

  expect(rows.length).toBeGreaterThan(10);
  expect(rows).toEqual(rows.map(([name = ""]) => [name, defaults[name]]));
});
