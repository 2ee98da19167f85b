import { existsSync } from "node:fs";
import axe, { type AxeResults } from "axe-core";
import { type Browser, chromium, type Locator, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, inject, test } from "vitest";
import { ORG, ROWS, USERS } from "../../client/demo/scene.ts";
import { type LocalStack, startStack } from "../../local/stack.ts";

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const isInstalled = existsSync(CHROMIUM);
if (!isInstalled) console.warn(`The demo page is not tested: there is no Chromium at ${CHROMIUM}.`);

const DESKTOP = { width: 1280, height: 900 };
const PHONE = { width: 360, height: 800 };

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
});
afterAll(async () => {
  await browser?.close();
  await stack?.stop();
});

afterEach(async () => {
  for (const context of browser?.contexts() ?? []) await context.close();
});

/** Opens the page: its users are connected, online and follow the table. */
async function open(viewport = DESKTOP, prepare?: (page: Page) => Promise<void>): Promise<Page> {
  const page = await browser.newPage({ viewport, locale: "en-GB" });
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  await prepare?.(page);
  await page.goto(stack.url);
  for (const user of USERS) {
    const { section, state } = panelOf(page, user);
    await state.getByText("connected", { exact: true }).waitFor({ state: "attached" });
    await section.getByText(`${user} (you)`).waitFor({ state: "attached" });
    await section.locator("table[aria-busy=false]").waitFor({ state: "attached" });
  }
  return page;
}

/** A user's panel, which a phone may hide. */
function panelOf(page: Page, user: string) {
  const section = page.locator(`section[aria-label=${user}]`);
  return {
    section,
    state: section.locator("[role=status]"),
    text: section.getByLabel(`Message of ${user}`, { exact: true }),
    waiting: section.getByRole("list", { name: "Waiting" }).getByRole("listitem"),
    rows: section.locator("tbody"),
    button: (name: string) => section.getByRole("button", { name }),
    line: (text: string) =>
      section.getByRole("log").getByRole("listitem").filter({ hasText: text }),
    like: (text: string) =>
      section.getByRole("listitem").filter({ hasText: text }).getByRole("button"),
  };
}

/** More than the page has. */
const MAX_TABS = 100;

/** Moves the focus by the keyboard. */
async function tabTo(target: Locator, key: "Tab" | "Shift+Tab" = "Tab"): Promise<void> {
  const page = target.page();
  const focused = target.and(page.locator(":focus"));
  for (let tabs = 0; tabs < MAX_TABS; tabs += 1) {
    if ((await focused.count()) > 0) return;
    await page.keyboard.press(key);
  }
  throw new Error(`the Tab key does not reach ${target}`);
}

async function press(target: Locator, key = "Enter"): Promise<void> {
  await tabTo(target);
  await target.page().keyboard.press(key);
}

async function write(page: Page, user: string, text: string): Promise<void> {
  await tabTo(panelOf(page, user).text);
  await page.keyboard.type(`${text}\n`);
}

/** What the accessibility library has against the page as it is: contrasts, names, roles, sizes of targets. */
async function violationsOn(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe.source);
  const results = await page.evaluate("axe.run({ rules: { 'target-size': { enabled: true } } })");
  return (results as AxeResults).violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html }) => `${id}: ${html}`),
  );
}

async function picture(page: Page, name: string, fullPage: boolean): Promise<void> {
  if (process.env.SCREENSHOTS === "1")
    await page.screenshot({ path: `docs/demo-${name}.png`, fullPage });
}

/** The color of the dots before the users that a panel lists. */
const dotsOf = (page: Page, user: string) =>
  page.evaluate(
    `getComputedStyle(document.querySelector("section[aria-label=${user}] .online li"), "::before").color`,
  );

test.skipIf(!isInstalled)(
  "two users chat side by side, by the keyboard alone: they see each other type, like and read",
  async () => {
    const page = await open();
    const [ann, ben] = [panelOf(page, "ann"), panelOf(page, "ben")];

    await ann.section.getByText("No messages yet").waitFor();
    await tabTo(ben.text);
    await page.keyboard.type("Hello");
    await ann.section.getByText("ben is typing").waitFor();
    await page.keyboard.type(" ann\n");
    await ann.line("Hello ann").waitFor();
    await ann.section.getByText("ben is typing").waitFor({ state: "detached" });
    await write(page, "ann", "Hello ben, is this the stock client?");
    await ben.line("Hello ben").waitFor();
    await press(ann.like("Hello ann"), "Space");

    await ben.line("Hello ann").getByText("1 like: ann · read").waitFor();
    await ann.line("Hello ann").getByText("1 like: you").waitFor();
    expect(await ann.like("Hello ann").getAttribute("aria-pressed")).toBe("true");
    expect(await ben.like("Hello ann").getAttribute("aria-pressed")).toBe("false");
    for (const user of [ann, ben]) {
      const time = user.line("Hello ben").locator("time");
      expect(await time.textContent()).toMatch(/^\d\d:\d\d$/);
      expect(await time.getAttribute("datetime")).toMatch(/Z$/);
    }
    expect(complaints).toEqual([]);
  },
);

test.skipIf(!isInstalled)(
  "what is sent while the network is cut waits, and the room recovers with nothing missed",
  async () => {
    const page = await open();
    const [ann, ben] = [panelOf(page, "ann"), panelOf(page, "ben")];

    await press(ben.button("Cut my network"));
    await ben.state.getByText(/^network cut/).waitFor();
    await write(page, "ben", "It is, and I am in a tunnel");
    await ben.waiting.getByText("waiting").waitFor();
    await press(ben.like("Hello ben"));
    await ben.line("Hello ben").getByText("your like waits").waitFor();
    await ben.section.getByText("Online before").waitFor();
    expect(await dotsOf(page, "ben")).not.toBe(await dotsOf(page, "ann"));
    await write(page, "ann", "Are you still there?");
    await write(page, "ann", "I insert a row");
    await press(ann.button("Insert row"));
    await ann.rows.getByText("Inserted at").waitFor();
    expect(await ben.line("Are you still there?").count()).toBe(0);

    await press(page.locator("summary").first());
    await page.emulateMedia({ colorScheme: "dark" });
    await picture(page, "dark", true);

    await page.emulateMedia({ colorScheme: "light" });
    // Not by way of each event and of ann's messages, which would scroll.
    await tabTo(ben.button("Reconnect"), "Shift+Tab");
    await page.keyboard.press("Enter");
    await ben.state
      .getByText(
        "connected: recovered, 2 of 2 messages received that were sent meanwhile, none missed",
      )
      .waitFor();
    await ben.rows.getByText("Inserted at").waitFor();
    await ben.line("Hello ben").getByText("1 like: you").waitFor();
    await ann.line("in a tunnel").waitFor();
    await ben.waiting.waitFor({ state: "detached" });
    for (const user of [ann, ben]) expect(await user.line("in a tunnel").count()).toBe(1);
    expect(await dotsOf(page, "ben")).toBe(await dotsOf(page, "ann"));
    await picture(page, "light", true);
    await page.setViewportSize(PHONE);
    await press(page.getByRole("radio", { name: "ann" }), "ArrowRight");
    await picture(page, "phone", false);
    expect(complaints).toEqual([]);
  },
);

test.skipIf(!isInstalled)(
  "a message whose acknowledgement is lost is sent again, and stays one",
  async () => {
    const lost: string[] = [];
    const page = await open(DESKTOP, (opened) =>
      opened.routeWebSocket(/\/socket\.io\//, (client) => {
        const server = client.connectToServer();
        server.onMessage((frame) => {
          const isLost = lost.length === 0 && /^43\d+\[\{"messageId"/.test(String(frame));
          if (!isLost) return client.send(frame);
          lost.push(String(frame));
          void client.close();
        });
      }),
    );
    const [ann, ben] = [panelOf(page, "ann"), panelOf(page, "ben")];

    await write(page, "ann", "Only once");
    await ben.line("Only once").waitFor();
    await ann.state.getByText(/^connected: recovered/).waitFor();
    await ann.waiting.waitFor({ state: "detached" });
    await write(page, "ann", "And then this");
    await ben.line("And then this").waitFor();

    expect(lost).toHaveLength(1);
    for (const user of [ann, ben]) expect(await user.line("Only once").count()).toBe(1);
  },
);

test.skipIf(!isInstalled)(
  "contrasts, names, roles and sizes are right, light and dark, on a phone and beside each other",
  async () => {
    const page = await open();
    const ben = panelOf(page, "ben");
    await press(ben.button("Cut my network"));
    await write(page, "ben", "I wait");
    await ben.waiting.getByText("waiting").waitFor();
    await press(page.locator("summary").first());

    for (const viewport of [DESKTOP, PHONE])
      for (const colorScheme of ["light", "dark"] as const) {
        await page.setViewportSize(viewport);
        await page.emulateMedia({ colorScheme });
        expect(await violationsOn(page)).toEqual([]);
      }
  },
);

test.skipIf(!isInstalled)(
  "a phone shows one user at a time, says where a message has arrived, and wraps what opens",
  async () => {
    const page = await open(PHONE);
    const [ann, ben] = [panelOf(page, "ann"), panelOf(page, "ben")];
    const isWiderThan = (element: string) =>
      page.evaluate(`${element}.scrollWidth > ${element}.clientWidth`);

    expect(await ben.section.isVisible()).toBe(false);
    await write(page, "ann", "A word ".repeat(20).concat("x".repeat(100)));
    await page.getByRole("radio", { name: "ben · new" }).waitFor();
    await press(page.getByRole("radio", { name: "ann" }), "ArrowRight");
    await ben.line("A word").waitFor();
    expect(await ann.section.isVisible()).toBe(false);
    await tabTo(page.getByLabel("Filter of events"));
    await page.keyboard.type("ben received message:new");
    expect(await page.locator("summary:visible").count()).toBe(1);
    await press(page.locator("summary:visible"));
    await page.locator("pre:visible").getByText('"sender": "ann"').waitFor();

    expect(await isWiderThan("document.documentElement")).toBe(false);
    expect(await isWiderThan('document.querySelector("details[open] pre")')).toBe(false);
  },
);

test.skipIf(!isInstalled)("the table follows every change that a back end publishes", async () => {
  const { rows } = panelOf(await open(), "ann");
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

test.skipIf(!isInstalled)("terminated connections are restored, with their rooms", async () => {
  const page = await open();
  const [ann, ben] = [panelOf(page, "ann"), panelOf(page, "ben")];

  for (const connectionId of stack.gateway.connectionIds()) stack.gateway.drop(connectionId);
  for (const { state } of [ann, ben]) await state.getByText(/^connected: recovered/).waitFor();
  await write(page, "ben", "Back again");

  await ann.line("Back again").waitFor();
});

test.skipIf(!isInstalled)("a user who is disconnected by the server reconnects", async () => {
  const { state } = panelOf(await open(), "ben");
  const revoke = { event: "revoke", org: ORG, target: { userId: "ben" } };

  await stack.functions.invoke(stack.functions.named("Publish"), revoke);
  await state.getByText(/^not connected/).waitFor();
  await stack.functions.invoke(stack.functions.named("Publish"), { ...revoke, event: "restore" });

  await state.getByText("connected: in a new session, with the newest messages").waitFor();
});

test.skipIf(!isInstalled)(
  "a user who gets no token, or no row, sees that, and the page tries again",
  async () => {
    const page = await open();
    const { state, button } = panelOf(page, "ann");
    const busy = (path: string) =>
      page.route(path, (route) => route.fulfill({ status: 429 }), { times: 1 });

    await busy("**/demo/rows");
    await press(button("Insert row"));
    await state.getByText("connected: no row was inserted (HTTP 429)").waitFor();
    await busy("**/demo/token*");
    await press(button("Cut my network"));
    await press(button("Reconnect"));
    await state.getByText("not connected: Authentication error").waitFor();

    await state.getByText(/^connected/).waitFor();
  },
);
