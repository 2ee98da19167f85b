import { existsSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { createRequire } from "node:module";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from "vitest";
import { signToken } from "../../client/token.ts";
import { type LocalStack, startStack } from "../../local/stack.ts";
import { proxies } from "../support/proxy.ts";
import {
  cutRequests,
  cutWebSockets,
  publishNumbersWhile,
  publishTo,
} from "../support/publish-to.ts";

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
/** Of each test its own: nobody whom an earlier one has left behind hears what is published to it. */
let org = "";
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
});

afterAll(async () => {
  await browser?.close();
  elsewhere?.close();
  await stack?.stop();
});

beforeEach(({ task }) => {
  org = task.id;
});
afterEach(async () => {
  for (const context of browser?.contexts() ?? []) await context.close();
});

async function openPage(): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  const address = elsewhere.address() as { readonly port: number };
  await page.goto(`http://127.0.0.1:${address.port}/`);
  await page.addScriptTag({ path: SCRIPT });
  return page;
}

const startProxy = proxies();

/** Milliseconds that a thousand packets may take on a busy machine. */
const LONG = 300_000;

/** Where a client may upgrade, and where a proxy lets no WebSocket through; how its connection is cut there. */
const PLACES = [
  ["upgrades", async () => stack.url, "websocket", cutWebSockets],
  [
    "stays on polling because WebSockets are blocked",
    async () => (await startProxy(stack.url, "refused")).url,
    "polling",
    cutRequests,
  ],
] as const;

/** What a page has of its client. */
interface Client {
  // biome-ignore lint/suspicious/noExplicitAny: of the script that the page has loaded.
  socket: any;
  /** The transports by which it has received `news`, and the numbers. */
  received: [transport: string, n: number][];
}
/** The global object of a page. */
type Global = Client & { io(url: string, options: object): Client["socket"] };

/** Connects in a page with these options besides. */
async function connectIn(page: Page, url: string, options: object = {}): Promise<void> {
  const token = await signToken({ sub: "ann", org, projects: ["p1"] }, SECRET);
  await page.evaluate(
    ([to, given]) => {
      const it = globalThis as unknown as Global;
      it.received = [];
      it.socket = it.io(to, given);
      it.socket.on("news", ({ n }: { readonly n: number }) =>
        it.received.push([it.socket.io.engine.transport.name, n]),
      );
    },
    [url, { ...options, auth: { token } }] as const,
  );
}

/** Resolves once the client of a page is connected by this transport. */
const connectedBy = (page: Page, transport: string) =>
  page.waitForFunction((name) => {
    const { socket } = globalThis as unknown as Client;
    return socket.connected && socket.io.engine.transport.name === name;
  }, transport);

const emitIn = (page: Page, event: string, payload: object): Promise<unknown> =>
  page.evaluate(
    ([name, given]) => (globalThis as unknown as Client).socket.emitWithAck(name, given),
    [event, payload] as const,
  );

/** Resolves once a page has received so many numbers, with all that it has. */
async function receivedIn(page: Page, count: number): Promise<Client["received"]> {
  const isEnough = (least: number) => (globalThis as unknown as Client).received.length >= least;
  await page.waitForFunction(isEnough, count, { timeout: LONG });
  return page.evaluate(() => (globalThis as unknown as Client).received);
}

describe.each(PLACES)("a page of another origin with the stock client, which %s,", (...place) => {
  const [, addressOf, transport, cut] = place;

  test.skipIf(!isInstalled).each([
    ["its default options", {}],
    ["withCredentials", { withCredentials: true }],
    ["extraHeaders", { extraHeaders: { "x-mine": "1" } }],
    ["both", { withCredentials: true, extraHeaders: { "x-mine": "1" } }],
  ])("connects with %s, and is acknowledged", async (_, options) => {
    const page = await openPage();
    await connectIn(page, await addressOf(), options);
    await connectedBy(page, transport);

    expect(await emitIn(page, "custom:join", { room: "garden" })).toEqual({ room: "garden" });
    expect(await page.evaluate(() => (globalThis as unknown as Client).socket.connected)).toBe(
      true,
    );
  });

  test.skipIf(!isInstalled)(
    "comes back from a cut as the same socket, and has missed nothing",
    async () => {
      const page = await openPage();
      await connectIn(page, await addressOf());
      await connectedBy(page, transport);
      const idIn = () => page.evaluate(() => (globalThis as unknown as Client).socket.id);
      const id = await idIn();
      const to = [{ kind: "user", userId: "ann" }];
      const send = (n: number) =>
        publishTo(stack, { event: "emit", org, to, name: "news", payload: { n } });
      await send(0);
      await receivedIn(page, 1);

      await cut(stack, org);
      await page.waitForFunction(() => !(globalThis as unknown as Client).socket.connected);
      for (const n of [1, 2, 3]) await send(n);
      stack.cutEvery(undefined);
      await connectedBy(page, transport);
      await send(4);

      const received = await receivedIn(page, 5);
      expect(received.map(([, n]) => n)).toEqual([0, 1, 2, 3, 4]);
      expect(await idIn()).toBe(id);
    },
  );
});

describe("a page of another origin with the stock client", () => {
  test.skipIf(!isInstalled)(
    "receives each of a thousand packets that are broadcast as it upgrades once, in their order",
    async () => {
      const page = await openPage();
      const proxy = await startProxy(stack.url, "held");
      await connectIn(page, proxy.url);
      // The upgrade begins when some have come by polling.
      const upgrading = receivedIn(page, 20).then(() => proxy.letThrough());
      const received = await publishNumbersWhile(
        stack,
        org,
        upgrading.then(() => receivedIn(page, 1000)),
      );

      const first = Number(received[0]?.[1]);
      expect(received.map(([, n]) => n)).toEqual(received.map((_, n) => first + n));
      const transports = received.map(([name]) => name);
      expect(transports.slice(0, 20)).toEqual(Array(20).fill("polling"));
      expect(transports.at(-1)).toBe("websocket");
    },
  );

  test.skipIf(!isInstalled)(
    "receives each of a hundred packets once, in their order, where WebSockets are blocked",
    async () => {
      const page = await openPage();
      await connectIn(page, (await startProxy(stack.url, "refused")).url);
      const received = await publishNumbersWhile(stack, org, receivedIn(page, 100));

      const first = Number(received[0]?.[1]);
      expect(received).toEqual(received.map((_, n) => ["polling", first + n]));
    },
  );
});
