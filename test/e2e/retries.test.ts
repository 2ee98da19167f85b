import { expect, test } from "vitest";
import { newOrg, person } from "../support/people.ts";

const lobby = { chatId: "lobby", projectId: "p1" };

/** Sends a message with retries whose acknowledgement always comes too late. */
async function sentWithRetries(message: object): Promise<readonly unknown[]> {
  const ann = await person({ org: newOrg() }, { retries: 3, ackTimeout: 1 });
  await ann.emit("message:send", { ...lobby, type: "text", content: "hello", ...message });

  const receipts = [];
  for (let tries = 0; tries < 4; tries += 1) receipts.push(await ann.nextEvent("message:sent"));
  return receipts.map((receipt) => (receipt as { readonly messageId: string }).messageId);
}

test("retries of a client are one message with a clientMessageId", async () => {
  expect(new Set(await sentWithRetries({ clientMessageId: "m1" })).size).toBe(1);
});

test("and several messages without one", async () => {
  expect(new Set(await sentWithRetries({})).size).toBe(4);
});
