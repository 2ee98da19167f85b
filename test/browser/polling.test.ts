import { existsSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { createRequire } from "node:module";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { signToken } from "../../client/token.ts";
import { type LocalStack, startStack } from "../../local/stack.ts";
import { publishNumbersWhile } from "../support/publish-to.ts";

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const isInstalled = existsSync(CHROMIUM);
if (!isInstalled) console.warn(`No page is tested: there is no Chromium at ${CHROMIUM}.`);

const SECRET = "a secret of at least thirty-two characters";
/** The stock client, as a page loads it. */
const SCRIPT = createRequire(import.meta.url)
  .resolve("socket.io-client")
  .replace(/build\/.*/, "dist/socket.io.js");

let stack: LocalStack;
let browser: Browser;
/** An empty page of another origin than the deployment's. */
let elsewhere: Server;

beforeAll(async () => {
  if (!isInstalled) return;
  stack = await startStack({
    ...{ assembly: inject("assembly"), port: 0, secret: SECRET, schedules: false },
    log: () => undefined,
  });
  elsewhere = createServer((_, response) => {
    response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html>");
  });
  await new Promise<void>((resolve) => elsewhere.listen(0, "127.0.0.1", resolve));
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
}, 60_000);

afterAll(async () => {
  await browser?.close();
  elsewhere?.close();
  await stack?.stop();
});

async function openPage(): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  const address = elsewhere.address() as { readonly port: number };
  await page.goto(`http://127.0.0.1:${address.port}/`);
  await page.addScriptTag({ path: SCRIPT });
  return page;
}

/** Connects in a page with these options besides, and gives an acknowledgement and the transport after the upgrade. */
const connectIn = async (page: Page, options: object) => {
  const token = await signToken({ sub: "ann", org: "acme", projects: ["p1"] }, SECRET);
  return page.evaluate(
    ([url, given]) =>
      new Promise((resolve, reject) => {
        // biome-ignore lint/suspicious/noExplicitAny: the script that the page has loaded.
        const socket = (globalThis as any).io(url, given);
        socket.on("connect_error", (error: Error) => reject(new Error(error.message)));
        socket.on("connect", async () => {
          const first = socket.io.engine.transport.name;
          const answer = await socket.emitWithAck("custom:join", { room: "garden" });
          const upgraded = () => resolve({ first, answer, last: socket.io.engine.transport.name });
          const isLast = socket.io.opts.transports?.length === 1;
          if (isLast || socket.io.engine.transport.name === "websocket") upgraded();
          else socket.io.engine.once("upgrade", upgraded);
        });
      }),
    [stack.url, { ...options, auth: { token } }] as const,
  );
};

/** Gathers a hundred numbers after it has upgraded, with those that came before. */
async function gatherIn(page: Page) {
  const token = await signToken({ sub: "ann", org: "acme", projects: ["p1"] }, SECRET);
  return page.evaluate(
    ([url, auth]) =>
      new Promise<{ readonly numbers: readonly number[]; readonly transport: string }>(
        (resolve) => {
          // biome-ignore lint/suspicious/noExplicitAny: the script that the page has loaded.
          const socket = (globalThis as any).io(url, { auth });
          const numbers: number[] = [];
          let since = 0;
          socket.on("news", ({ n }: { readonly n: number }) => {
            numbers.push(n);
            const transport = socket.io.engine.transport.name;
            since += transport === "websocket" ? 1 : 0;
            if (since === 100) resolve({ numbers, transport });
          });
        },
      ),
    [stack.url, { token }] as const,
  );
}

describe("a page of another origin with the stock client", () => {
  test.skipIf(!isInstalled).each([
    ["its default options", {}],
    ["withCredentials", { withCredentials: true }],
    ["extraHeaders", { extraHeaders: { "x-mine": "1" } }],
    ["both", { withCredentials: true, extraHeaders: { "x-mine": "1" } }],
  ])("and %s connects, is acknowledged, and upgrades", async (_, options) => {
    expect(await connectIn(await openPage(), options)).toMatchObject({
      answer: { room: "garden" },
      last: "websocket",
    });
  });

  test.skipIf(!isInstalled)(
    "receives what is broadcast as it upgrades once, in its order, and without a gap",
    async () => {
      const gathering = gatherIn(await openPage());
      const { numbers, transport } = await publishNumbersWhile(stack, gathering);

      expect(transport).toBe("websocket");
      expect(numbers).toEqual(numbers.map((_, n) => Number(numbers[0]) + n));
    },
  );

  test.skipIf(!isInstalled)("stays on polling where it may use nothing else", async () => {
    expect(await connectIn(await openPage(), { transports: ["polling"] })).toEqual({
      ...{ first: "polling", last: "polling" },
      answer: { room: "garden" },
    });
  });
});
