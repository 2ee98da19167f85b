import { existsSync } from "node:fs";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, inject, test } from "vitest";
import { ORG, ROWS } from "../../client/demo/scene.ts";
import { type LocalStack, startStack } from "../../local/stack.ts";

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const isInstalled = existsSync(CHROMIUM);
if (!isInstalled) console.warn(`The demo page is not tested: there is no Chromium at ${CHROMIUM}.`);

let stack: LocalStack;
let browser: Browser;
/** Errors of the pages: failed scripts, violations of their policy, missing files. */
const complaints: string[] = [];

beforeAll(async () => {
  if (!isInstalled) return;
  stack = await startStack({
    assembly: inject("assembly"),
    port: 0,
    secret: "a secret of at least thirty-two characters",
    log: () => undefined,
  });
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
}, 60_000);
afterAll(async () => {
  await browser?.close();
  await stack?.stop();
});

afterEach(async () => {
  for (const context of browser?.contexts() ?? []) await context.close();
});

/** Opens a page of a user that is connected and follows the table, in a separate browser context. */
async function open(
  user: string,
  options: Parameters<Browser["newContext"]>[0] = {},
): Promise<Page> {
  const page = await (await browser.newContext(options)).newPage();
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  await page.goto(`${stack.url}/?user=${user}`);
  await page.getByRole("status").getByText("connected", { exact: true }).waitFor();
  await page.locator("#online").getByText(user).waitFor();
  await page.locator("#table[aria-busy=false]").waitFor();
  return page;
}

const say = async (page: Page, text: string) => {
  await page.getByLabel("Message", { exact: true }).fill(text);
  await page.getByRole("button", { name: "Send" }).press("Enter");
};

// First: who closes a tab stays online for a while.
test.skipIf(!isInstalled)("selecting a user changes who chats", async () => {
  const [page, ben] = [await open("ann"), await open("ben")];

  await page.getByLabel("You are").selectOption("eve");
  await page.locator("#online").getByText("eve (you)").waitFor();
  await page.locator("#online").getByText("ann").waitFor({ state: "detached" });
  await say(page, "it is me");

  await ben.getByRole("button", { name: "Like the message of eve" }).waitFor();
});

test.skipIf(!isInstalled)("two users chat, see each other type, like and read", async () => {
  const [ann, ben] = [await open("ann"), await open("ben", { colorScheme: "dark" })];
  await ann.locator("#online").getByText("ben").waitFor();

  await ben.getByLabel("Message", { exact: true }).pressSequentially("hel");
  await ann.getByText("ben is typing").waitFor();
  await say(ben, "hello ann");
  await ann.getByRole("log").getByText("hello ann").waitFor();
  await say(ann, "hello ben");
  await ben.getByRole("log").getByText("hello ben").waitFor();
  await ben.getByRole("button", { name: "Like the message of ann" }).click();

  await ann.getByText("liked by ben").waitFor();
  await ann.getByText("read by 1").first().waitFor();
  expect(await ann.getByText("ben is typing").count()).toBe(0);

  await ann.getByRole("button", { name: "Insert row" }).click();
  for (const page of [ann, ben]) await page.locator("#rows").getByText("Inserted at").waitFor();
  await ann.getByLabel("Filter of events").fill("db:create");
  expect(await ann.locator("#events li:visible").count()).toBe(1);
  await ann.getByLabel("Filter of events").fill("");

  if (process.env.SCREENSHOTS === "1") {
    await ann.screenshot({ path: "docs/demo-light.png", fullPage: true });
    await ben.screenshot({ path: "docs/demo-dark.png", fullPage: true });
  }
  expect(complaints).toEqual([]);
});

test.skipIf(!isInstalled)("the table follows every change that a back end publishes", async () => {
  const ann = await open("ann");
  const rows = ann.locator("#rows");
  const publish = (event: string, data: object) =>
    stack.functions.invoke(stack.functions.named("Publish"), { event, org: ORG, ...ROWS, data });

  await publish("db:create", { _id: "r1", title: "first" });
  await rows.getByText("first").waitFor();
  await publish("db:update", { _id: "r1", title: "second" });
  await rows.getByText("second").waitFor();
  expect(await rows.getByText("r1").count()).toBe(1);
  await publish("db:delete", { _id: "r1" });

  await rows.getByText("second").waitFor({ state: "detached" });
});

test.skipIf(!isInstalled)("a terminated connection is restored, with its rooms", async () => {
  const [ann, ben] = [await open("ann"), await open("ben")];

  for (const connectionId of stack.gateway.connectionIds()) stack.gateway.drop(connectionId);
  for (const page of [ann, ben])
    await page.getByRole("status").getByText("connected", { exact: true }).waitFor();
  await ann.locator("#online").getByText("ben").waitFor();
  await say(ben, "back again");

  await ann.getByRole("log").getByText("back again").waitFor();
});

test.skipIf(!isInstalled)(
  "a page that gets no token, or no row, shows that, and tries again",
  async () => {
    const page = await open("eve");
    const status = page.getByRole("status");
    const busy = (path: string) =>
      page.route(path, (route) => route.fulfill({ status: 429 }), { times: 1 });

    await busy("**/demo/rows");
    await page.getByRole("button", { name: "Insert row" }).click();
    await status.getByText("connected: no row was inserted (HTTP 429)").waitFor();
    await busy("**/demo/token*");
    await page.getByRole("button", { name: "Drop the connection" }).click();
    await status.getByText("not connected: Authentication error").waitFor();

    await status.getByText("connected", { exact: true }).waitFor();
  },
);

test.skipIf(!isInstalled)("a user who is disconnected by the server reconnects", async () => {
  const page = await open("eve");
  const revoke = { event: "revoke", org: ORG, target: { userId: "eve" } };

  await stack.functions.invoke(stack.functions.named("Publish"), revoke);
  await page
    .getByRole("status")
    .getByText(/^not connected/)
    .waitFor();
  await stack.functions.invoke(stack.functions.named("Publish"), { ...revoke, event: "restore" });

  await page.getByRole("status").getByText("connected", { exact: true }).waitFor();
});

test.skipIf(!isInstalled)("a phone shows everything, and the keyboard reaches it", async () => {
  const page = await open("eve", { viewport: { width: 360, height: 740 } });

  const overflow = await page.evaluate("document.documentElement.scrollWidth > window.innerWidth");
  expect(overflow).toBe(false);
  const reached = new Set<string>();
  for (let press = 0; press < 16; press += 1) {
    await page.keyboard.press("Tab");
    reached.add(
      String(
        await page.evaluate("document.activeElement?.id || document.activeElement?.textContent"),
      ),
    );
  }
  for (const id of ["user", "drop", "text", "insert", "filter"]) expect([...reached]).toContain(id);
});
