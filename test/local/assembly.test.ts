import { expect, test } from "vitest";
import { errorIn } from "../../local/assembly.ts";

const PROGRESS = `Bundling asset Stack/Socket/Code/Stage...

  ...c10ac86ed57e-building/index.mjs  598.3kb
  ...c86ed57e47f371-building/index.mjs.map  857.9kb

⚡ Done in 229ms
`;

test("the error of an app is shown without progress lines", () => {
  const said = `${PROGRESS}the setting shards ("x") is wrong.\ntsx bin/app.ts: Subprocess exited with error 1\n`;

  expect(errorIn(said)).toBe('the setting shards ("x") is wrong.');
});

test("so is the error of a bundle, with its line in the code", () => {
  const said = `${PROGRESS}✘ [ERROR] Unexpected ";"

    lambdas/webhook.ts:41:10:
      41 │ const x = ;
         ╵           ^

1 error
Failed to bundle asset Stack/Webhook/Code/Stage, bundle output is located at /tmp/x: npx esbuild --minify exited with status 1
tsx bin/app.ts: Subprocess exited with error 1`;

  expect(errorIn(said)).toBe(`✘ [ERROR] Unexpected ";"
    lambdas/webhook.ts:41:10:
      41 │ const x = ;
         ╵           ^
1 error
Failed to bundle asset Stack/Webhook/Code/Stage`);
});

test("output with nothing but progress is shown whole", () => {
  expect(errorIn("tsx bin/app.ts: Subprocess exited with error 1\n")).toBe(
    "tsx bin/app.ts: Subprocess exited with error 1",
  );
});
