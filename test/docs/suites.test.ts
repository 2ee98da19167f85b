import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const [, section = ""] = readFileSync("docs/protocol.md", "utf8").split(
  "## Socket.IO's own test suites",
);
const rows = [...section.matchAll(/^\| (?:\w|\.)+ \| (.+) \| (.+) \| (.+) \|$/gm)]
  .map(([, suiteCase = "", status = "", proof = ""]) => ({ suiteCase, status, proof }))
  .filter(({ suiteCase }) => suiteCase !== "Case");

/** The tests that a row names, each with its file. */
const testsIn = (proof: string) =>
  [...proof.matchAll(/"([^"]+)"(?: of `([^`]+)`)?/g)].map(
    ([, name = "", file = "test/protocol/suites.test.ts"]) => ({ name, file }),
  );

test("the table of the suites has all its rows", () => {
  expect(rows).toHaveLength((section.match(/^\|/gm) ?? []).length - 2);
});

test.each(rows)("$suiteCase: $status, which a test shows or nothing has been built", (row) => {
  expect(row.status).toMatch(/^(holds|does not|not yet)\b/);
  expect(testsIn(row.proof).length > 0).toBe(row.status !== "not yet");
});

test.each(rows.flatMap(({ proof }) => testsIn(proof)))("$file has the test $name", (one) => {
  expect(readFileSync(one.file, "utf8")).toContain(`"${one.name}"`);
});
