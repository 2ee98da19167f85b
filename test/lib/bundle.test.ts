import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App, Stack } from "aws-cdk-lib";
import { type CfnFunction, Function as LambdaFunction, Runtime } from "aws-cdk-lib/aws-lambda";
import { afterAll, beforeEach, expect, test } from "vitest";
import { bundled, bundleInto, filesAtStart, filesOf } from "../../lib/bundle.ts";
import { entriesOf } from "../../lib/entries.ts";

const project = mkdtempSync(join(tmpdir(), "bundle-"));
afterAll(() => rmSync(project, { recursive: true }));

const entry = join(project, "app/app.ts");
const write = (file: string, code: string) => writeFileSync(join(project, file), code);
const say = (word: string) => write("shared/word.ts", `export const word = "${word}";`);

beforeEach(() => {
  for (const folder of ["app", "shared"]) mkdirSync(join(project, folder), { recursive: true });
  write(
    "app/app.ts",
    'import { word } from "../shared/word.ts"; export const handler = () => word;',
  );
  say("hello");
});

/** Under what key the code of a function is deployed. */
function keyOf(lateModules: readonly string[] = []): unknown {
  const stack = new Stack(new App({ outdir: mkdtempSync(join(project, "out-")) }), "Stack");
  const { node } = new LambdaFunction(stack, "Function", {
    ...{ runtime: Runtime.NODEJS_22_X, handler: "index.handler" },
    code: bundled({ entry, lateModules }),
  });
  const { code } = node.defaultChild as CfnFunction;
  return (stack.resolve(code) as { readonly s3Key: unknown }).s3Key;
}

test("a change outside of the entry's folder is deployed", () => {
  const before = keyOf();
  say("hi");

  expect(keyOf()).not.toEqual(before);
  say("hello");
  expect(keyOf()).toEqual(before);
});

test("a function with packages beside it is another one than without", () => {
  mkdirSync(join(project, "app/node_modules/late"), { recursive: true });
  write("app/node_modules/late/index.js", "module.exports = 1;");

  expect(keyOf(["late"])).not.toEqual(keyOf());
});

test("the socket function of an application without schemas starts without zod, Powertools, the pool for posts, and what only a return needs", () => {
  const folder = mkdtempSync(join(project, "chat-"));
  bundleInto(folder, { entry: entriesOf("examples/chat/app.ts").socket });

  const late = filesOf(folder).filter((file) => !filesAtStart(folder).includes(file));
  expect(late.filter((file) => file.includes("/undici/"))).not.toEqual([]);
  expect(filesAtStart(folder)).toContain("lambdas/server/pipeline.ts");
  expect(
    filesAtStart(folder).filter((file) =>
      /\/(zod|undici|@aws-lambda-powertools)\/|server\/(admin|publish|pipeline\/(publish|poll|sweep|recover|missed)\.ts)/.test(
        file,
      ),
    ),
  ).toEqual([]);
});
