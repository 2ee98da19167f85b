import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const [, section = ""] = readFileSync("docs/architecture.md", "utf8").split("## Where is …?");
const rows = [...section.matchAll(/^\| (.+\?) \| `([^`]+)` \| (?:`([^`]+)` )?\|$/gm)].map(
  ([, question = "", file = "", name]) => ({ question, file, name }),
);

test("the table of questions is read, row by row", () => {
  // Its head and the line below it are no questions.
  expect(rows).toHaveLength((section.match(/^\|/gm) ?? []).length - 2);
  expect(rows.length).toBeGreaterThanOrEqual(20);
});

test.each(rows)("$question $file answers it", ({ file, name }) => {
  expect(existsSync(file), file).toBe(true);
  const words = readFileSync(file, "utf8").split(/[^\w$]+/);

  expect(name === undefined || words.includes(name), `${file} has no ${name}`).toBe(true);
});
