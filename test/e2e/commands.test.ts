import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { startDatabase } from "../../local/database.ts";
import { run } from "../support/commands.ts";
import { newOrg } from "../support/people.ts";
import { publishFunction } from "../support/publishing.ts";
import { stack } from "../support/running.ts";

const folder = mkdtempSync(join(tmpdir(), "commands-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("start fails before it synthesises", () => {
  const file = join(folder, "a-file");
  const used = join(folder, "used");
  writeFileSync(file, "");

  test.each([
    [
      "if --data is a file",
      ["--data", file],
      /^--data cannot create the folder .*a-file is a file/,
    ],
    [
      "if --data cannot be created",
      ["--data", join(file, "below")],
      /^--data cannot create the folder .*ENOTDIR/,
    ],
    [
      "if --host is not an address of this machine",
      ["--host", "203.0.113.9"],
      /^--host must be an address of this machine, not "203.0.113.9"\.$/,
    ],
    ["if --host is empty", ["--host", ""], /^--host must be an address of this machine, not ""\.$/],
    [
      "if --port is in use",
      ["--port", new URL(stack.url).port],
      /^Port \d+ is in use: choose another with --port\.$/,
    ],
  ])("%s", async (_, args, message) => {
    expect(await run("start", "--port", "0", ...args)).toEqual({
      code: 1,
      out: "",
      err: expect.stringMatching(message),
    });
  });

  test("if --data is in use", async () => {
    const user = await startDatabase({ tables: [], data: used });

    expect(await run("start", "--port", "0", "--data", used)).toEqual({
      code: 1,
      out: "",
      err: `The folder ${used} is in use by another process: choose another with --data.`,
    });
    await user.stop();
  });
});

describe("integration", () => {
  const org = newOrg();
  const at = ["--org", org, "--url", stack.url, "--function", publishFunction()];
  const file = join(folder, "shop.json");
  const shop = {
    ...{ projectId: "p1", integrationId: "shop", name: "Shop" },
    baseUrl: "https://shop.example",
    endpoints: { list: { method: "GET", path: "/orders" } },
  };

  test("puts, gets, lists and removes", async () => {
    writeFileSync(file, JSON.stringify(shop));

    expect(await run("integration", "put", file, ...at)).toMatchObject({ code: 0 });
    const { out } = await run("integration", "list", "--project", "p1", ...at);
    expect(JSON.parse(out)).toMatchObject({ integrations: [shop] });
    expect(await run("integration", "remove", "shop", "--project", "p1", ...at)).toMatchObject({
      code: 0,
    });
    expect(await run("integration", "get", "shop", "--project", "p1", ...at)).toMatchObject({
      code: 1,
      err: "there is no integration p1/shop",
    });
  });

  test("reports an invalid file, and registers nothing", async () => {
    writeFileSync(file, JSON.stringify({ ...shop, baseUrl: "shop" }));

    expect(await run("integration", "put", file, ...at)).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^integration\.baseUrl: /),
    });
    expect(await run("integration", "put", "/nowhere", ...at)).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^\/nowhere cannot be read as JSON/),
    });
  });
});
