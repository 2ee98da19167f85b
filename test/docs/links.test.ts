import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";

const inFolder = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true })
    .map((file) => join(folder, String(file)))
    .filter((file) => file.endsWith(".md"));
const pages = [
  ...["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"],
  ...inFolder("docs"),
  ...inFolder("bin/pack"),
];

/** The anchors that GitHub gives the headings of a page. */
const anchorsOf = (page: string): readonly string[] =>
  [
    ...readFileSync(page, "utf8")
      .replaceAll(/^```.*?^```/gms, "")
      .matchAll(/^#+ (.+)$/gm),
  ].map(([, title = ""]) =>
    title
      .toLowerCase()
      .replaceAll(/[^\w\s-]/g, "")
      .replaceAll(" ", "-"),
  );

const links = pages.flatMap((page) =>
  [...readFileSync(page, "utf8").matchAll(/\]\((?!https?:)([^)\s#]*)(?:#([^)\s]+))?\)/g)].map(
    ([link, file = "", anchor]) => ({
      ...{ page, link, anchor },
      file: file === "" ? page : join(dirname(page), file),
    }),
  ),
);

test("every link between the documents leads to a file that is there", () => {
  expect(links.length).toBeGreaterThan(80);
  expect(links.filter(({ file }) => !existsSync(file))).toEqual([]);
});

test("every link to a section leads to one that is there", () => {
  const lost = links.filter(
    ({ file, anchor }) => anchor !== undefined && !anchorsOf(file).includes(anchor),
  );

  expect(lost).toEqual([]);
});
