import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join, resolve } from "node:path";
import { startStack } from "serverless-socket-io/testing";
import type { Server } from "socket.io";
import { io } from "socket.io-client";
import { afterAll, expect, test } from "vitest";
import { entering } from "../support/entering.ts";

const page = readFileSync("docs/migrating.md", "utf8");
// Within the repository, where the package's own name is known.
mkdirSync(".local", { recursive: true });
const folder = mkdtempSync(join(".local", "migrating-"));
const stops: (() => unknown)[] = [() => rmSync(folder, { recursive: true })];
for (const name of ["before.ts", "after.ts"]) {
  const [, text = ""] = new RegExp(`\`\`\`ts\n// ${name}\n(.*?)\`\`\``, "s").exec(page) ?? [];
  // Any free port.
  writeFileSync(join(folder, name), text.replace("(3000)", "(0)"));
}
afterAll(async () => {
  for (const stop of stops.reverse()) await stop();
});

/** A stock client. */
function enter(url: string, auth: object) {
  const socket = io(url, { auth, forceNew: true, reconnection: false });
  stops.push(() => socket.disconnect());
  return entering(socket);
}

/** All that three people see in a chat. */
async function seenAt(url: string): Promise<readonly unknown[]> {
  const refused = await enter(url, {}).catch(({ message }) => message);
  const ann = await enter(url, { nickname: "ann" });
  const ben = await enter(url, { nickname: "ben" });
  const seen = [refused, await ann.ask("join", "garden")];
  seen.push(((await ben.ask("join", "garden")) as string[]).toSorted(), await ann.next());
  ben.emit("typing", "garden");
  seen.push(await ann.next(), await ben.ask("message", "garden", "hello"));
  seen.push(await ann.next(), await ben.next(), await ann.ask("message", "house", "hello"));
  ben.emit("leave", "garden");
  seen.push(await ann.next(), await ben.ask("message", "garden", "again"));
  seen.push(((await ben.ask("join", "garden")) as string[]).toSorted(), await ann.next());
  ben.socket.disconnect();
  return [...seen, await ann.next()];
}

test("the same clients see the same before and after", async () => {
  const { io: server } = (await import(resolve(folder, "before.ts"))) as { readonly io: Server };
  stops.push(() => server.close());
  const stack = await startStack({ app: join(folder, "after.ts") });
  stops.push(() => stack.stop());
  const { port } = server.httpServer.address() as AddressInfo;

  const [before, after] = [await seenAt(`http://127.0.0.1:${port}`), await seenAt(stack.url)];

  expect(before).toEqual([
    "a nickname is required",
    ["ann"],
    ["ann", "ben"],
    ["joined", "garden", "ben"],
    ["typing", "garden", "ben"],
    { ok: true },
    ["message", "garden", { nickname: "ben", text: "hello" }],
    ["message", "garden", { nickname: "ben", text: "hello" }],
    { error: "you are not in this room" },
    ["left", "garden", "ben"],
    { error: "you are not in this room" },
    ["ann", "ben"],
    ["joined", "garden", "ben"],
    ["left", "garden", "ben"],
  ]);
  expect(after).toEqual(before);
});
