import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, expect, test } from "vitest";
import { ORG } from "../../client/demo/scene.ts";
import { person } from "../support/people.ts";
import { publishFunction } from "../support/publishing.ts";
import { SECRETS, stack } from "../support/running.ts";

const page = readFileSync("docs/publishing.md", "utf8");
const blocks = [...page.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block = ""]) => block);
const [, program = ""] = /```ts\n\/\/ publish\.ts\n([\s\S]*?)```/.exec(page) ?? [];

/** A project of the reader's, with the client's package. */
const project = mkdtempSync(join(tmpdir(), "publishing-"));
afterAll(() => rmSync(project, { recursive: true }));
write("package.json", { type: "module" });
write("node_modules/serverless-socket-io-client/package.json", {
  exports: { "./emitter": "./client/emitter.ts" },
});
symlinkSync(resolve("client"), join(project, "node_modules/serverless-socket-io-client/client"));
for (const name of [".bin", "@aws-sdk"])
  symlinkSync(resolve("node_modules", name), join(project, "node_modules", name));
writeFileSync(join(project, "publish.ts"), program);

function write(file: string, content: object): void {
  mkdirSync(join(project, file, ".."), { recursive: true });
  writeFileSync(join(project, file), JSON.stringify(content));
}

/** Runs a block of docs/publishing.md as a reader would, who has no settings of AWS. */
async function run(block: string): Promise<string> {
  const { stdout } = await promisify(execFile)("bash", ["-euo", "pipefail", "-c", block], {
    cwd: project,
    env: {
      ...{ PATH: process.env.PATH, HOME: project },
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
      URL: stack.url,
      PUBLISH: publishFunction(),
      BUS: stack.busNames[0],
      SECRET: SECRETS.webhook.value,
    },
  });
  return stdout.trim();
}

test("every program and command of docs/publishing.md does what it says", async () => {
  const ann = await person({ org: ORG });
  await ann.emit("subscribe:collection", "todos");
  const [emit = "", invoke = "", bus = "", register = "", deliver = "", ...others] = blocks;
  expect(others).toEqual([]);

  expect(await run(emit)).toBe("");
  expect(await ann.nextEvent("news")).toEqual({ n: 1 });
  expect(await ann.nextEvent("db:create")).toMatchObject({ data: { title: "milk" } });
  expect(await ann.nextEvent("db:update")).toMatchObject({ data: { isDone: true } });

  expect(await run(invoke)).toBe("{}");
  expect(await ann.nextEvent("project:created")).toMatchObject({ data: { name: "One" } });

  expect(JSON.parse(await run(bus))).toMatchObject({ FailedEntryCount: 0 });
  expect(await ann.nextEvent("db:create")).toMatchObject({ data: { _id: "t1" } });

  expect(await run(register)).toBe('{"integrationId":"shop"}');
  const subscription = { projectId: "p1", integrationId: "shop" };
  await ann.emit("integration:webhook:subscribe", subscription);
  expect(await run(deliver)).toBe("202");
  expect(await ann.nextEvent("integration:webhook:received")).toMatchObject({
    event: "order.paid",
  });
});
