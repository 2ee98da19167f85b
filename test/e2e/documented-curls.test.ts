import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { person } from "../support/people.ts";
import { publishFunction } from "../support/publishing.ts";
import { SECRETS, stack } from "../support/running.ts";

const blocks = [
  ...readFileSync("docs/publishing.md", "utf8").matchAll(/```sh\n([\s\S]*?)```/g),
].map(([, block = ""]) => block);

/** Runs a block of docs/publishing.md as a reader would. */
async function run(block: string): Promise<string> {
  const { stdout } = await promisify(execFile)("bash", ["-euo", "pipefail", "-c", block], {
    env: {
      ...process.env,
      URL: stack.url,
      PUBLISH: publishFunction(),
      BUS: stack.busNames[0],
      SECRET: SECRETS.webhook.value,
    },
  });
  return stdout.trim();
}

test("every curl of docs/publishing.md does what it says", async () => {
  const ann = await person({ org: "acme" });
  await ann.emit("subscribe:collection", "todos");
  const [invoke = "", bus = "", register = "", deliver = "", ...others] = blocks;
  expect(others).toEqual([]);

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
