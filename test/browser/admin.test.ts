import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createReadStream, existsSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join, normalize } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { io, type Socket } from "socket.io-client";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { LocalStack } from "../../local/stack.ts";
import { LOGIN, startWatched } from "../support/admin.ts";

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const isInstalled = existsSync(CHROMIUM);
if (!isInstalled) console.warn(`The Admin UI is not tested: there is no Chromium at ${CHROMIUM}.`);

/** The built page of `@socket.io/admin-ui`, served from another origin, as it is hosted. */
const PAGE = "node_modules/@socket.io/admin-ui/ui/dist";
const pageServer = createServer(({ url = "/" }, response) => {
  const { pathname } = new URL(url, "http://localhost");
  const file = join(PAGE, normalize(pathname === "/" ? "/index.html" : pathname));
  if (file.endsWith(".css")) response.setHeader("content-type", "text/css");
  createReadStream(file)
    .on("error", () => response.writeHead(404).end())
    .pipe(response);
});

let stacks: Awaited<ReturnType<typeof startWatched>>;
let browser: Browser;
const sockets: Socket[] = [];

beforeAll(async () => {
  if (!isInstalled) return;
  await new Promise<void>((resolve) => pageServer.listen(0, "127.0.0.1", resolve));
  stacks = await startWatched("examples/chat/app.ts");
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
});
afterAll(async () => {
  pageServer.close();
  await browser?.close();
  await stacks?.stop();
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.disconnect();
  for (const context of browser?.contexts() ?? []) await context.close();
});

/** A socket in a room of the chat. */
async function chatting(nickname: string, { url }: Pick<LocalStack, "url">): Promise<Socket> {
  const socket = io(url, { auth: { nickname }, forceNew: true, transports: ["websocket"] });
  sockets.push(socket);
  await socket.emitWithAck("join", "lobby");
  return socket;
}

/** The page, after it was told to connect to a stack. */
async function open(
  { url }: Pick<LocalStack, "url">,
  { username, password } = LOGIN,
): Promise<Page> {
  const page = await (
    await browser.newContext({ viewport: { width: 1280, height: 720 } })
  ).newPage();
  const own = `http://127.0.0.1:${(pageServer.address() as AddressInfo).port}/`;
  // Fonts and icons of the network.
  await page.route(/^https:/, (route) => route.abort());
  await page.goto(own);
  await page.getByLabel("Server URL").fill(url);
  await page.getByLabel("Username").fill(username);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Connect" }).click();
  return page;
}

/** Shows one of the lists of the page. */
async function show(page: Page, name: string): Promise<void> {
  await page.getByRole("navigation").getByRole("link", { name }).click();
}

const rowOf = (page: Page, text: string) => page.getByRole("row").filter({ hasText: text });

test.skipIf(!isInstalled)("a wrong password is refused", async () => {
  const page = await open(stacks.readonly, { ...LOGIN, password: "a wrong one" });

  await page.getByText("Invalid credentials").waitFor();
});

test.skipIf(!isInstalled)(
  "sockets, rooms and events appear, and a socket is disconnected",
  async () => {
    const { writable: stack } = stacks;
    const [ann, ben] = [await chatting("ann", stack), await chatting("ben", stack)];
    const page = await open(stack);
    const [annId, benId] = [String(ann.id), String(ben.id)];

    await show(page, "Sockets");
    await rowOf(page, annId).waitFor();
    await rowOf(page, benId).waitFor();
    await show(page, "Rooms");
    await rowOf(page, "chat#lobby").getByText("2").waitFor();

    // By then every function knows that somebody watches.
    await stack.advance(60_000);
    await show(page, "Events");
    ben.emit("message", "lobby", "hello");
    for (const type of ["Event received", "Event sent"])
      await rowOf(page, benId).filter({ hasText: type }).getByText("message").waitFor();
    ben.emit("leave", "lobby");
    await rowOf(page, benId).filter({ hasText: "chat#lobby" }).waitFor();
    const eve = await chatting("eve", stack);
    await rowOf(page, String(eve.id)).filter({ hasText: "chat#lobby" }).waitFor();
    if (process.env.SCREENSHOTS === "1") await page.screenshot({ path: "docs/admin-ui.png" });

    await show(page, "Sockets");
    const reason = new Promise((resolve) => ann.once("disconnect", resolve));
    await rowOf(page, annId).getByRole("button").click();
    expect(await reason).toBe("io server disconnect");
    // The click has also opened the socket's own page.
    await show(page, "Sockets");
    await rowOf(page, annId).waitFor({ state: "detached" });
    await rowOf(page, benId).waitFor();
    expect(ben.connected).toBe(true);
  },
);

test.skipIf(!isInstalled)("by default nothing can be changed", async () => {
  const ann = await chatting("ann", stacks.readonly);
  const page = await open(stacks.readonly);

  await show(page, "Sockets");
  await rowOf(page, String(ann.id)).waitFor();
  expect(await rowOf(page, String(ann.id)).getByRole("button").count()).toBe(0);
});

/** What a command has printed up to this, without what it prints later. */
async function printed(child: ChildProcess, last: RegExp): Promise<string> {
  let text = "";
  for await (const chunk of child.stdout ?? []) {
    text += chunk;
    if (last.test(text)) break;
  }
  return text;
}

test.skipIf(!isInstalled)(
  "npm start --admin prints what the page asks for",
  async () => {
    const start = ["bin/start.ts", "--app", "examples/chat/app.ts", "--admin", "--port", "0"];
    const child = spawn("node_modules/.bin/tsx", start);
    try {
      const text = await printed(child, /Ctrl-C stops everything/);
      const said = (name: string) => new RegExp(`${name} +(\\S+)\n`).exec(text)?.[1] ?? "";
      const stack = { url: said("server URL") };
      const ann = await chatting("ann", stack);
      const login = { username: said("username"), password: said("password") };
      const page = await open(stack, login);

      await show(page, "Sockets");
      await rowOf(page, String(ann.id)).waitFor();
      await rowOf(page, String(ann.id)).getByRole("button").waitFor();
    } finally {
      child.kill("SIGINT");
      await once(child, "close");
    }
  },
  90_000,
);
