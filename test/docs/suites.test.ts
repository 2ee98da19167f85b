import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const [, section = ""] = readFileSync("docs/protocol.md", "utf8").split(
  "## Socket.IO's own test suites",
);
const ROW = /^\| (\S+) \| (.+?) \| (\d+) of (\d+) \| (.+?) \| (.+) \|$/gm;
const rows = [...section.matchAll(ROW)].map(
  ([, suite = "", suiteCase = "", passes, of, status = "", proof = ""]) => ({
    ...{ suite, suiteCase, status, proof },
    ...{ passes: Number(passes), of: Number(of) },
  }),
);

/** The tests that a row names, each with its file. */
const testsIn = (proof: string) =>
  [...proof.matchAll(/"([^"]+)"(?: of `([^`]+)`)?/g)].map(
    ([, name = "", file = "test/protocol/suites.test.ts"]) => ({ name, file }),
  );

test("the table of the suites has all its rows", () => {
  expect(rows).toHaveLength((section.match(/^\|/gm) ?? []).length - 2);
});

test.each([
  ["Engine.IO", 25],
  ["Socket.IO", 32],
])(
  "of the suite of %s all %i cases have a row, and as many pass as the text says",
  (suite, cases) => {
    const own = rows.filter((row) => row.suite === suite);
    const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);

    expect(sum(own.map(({ of }) => of))).toBe(cases);
    expect(section).toMatch(
      new RegExp(`${suite}'s( suite)? ${sum(own.map(({ passes }) => passes))} of ${cases}\\b`),
    );
  },
);

test.each(rows)("$suite, $suiteCase: $status, which a test shows", (row) => {
  expect(row.status).toMatch(/^(holds|does not)\b/);
  expect(row.passes <= row.of).toBe(true);
  expect(testsIn(row.proof)).not.toEqual([]);
});

test.each(rows.flatMap(({ proof }) => testsIn(proof)))("$file has the test $name", (one) => {
  expect(readFileSync(one.file, "utf8")).toContain(`"${one.name}"`);
});
