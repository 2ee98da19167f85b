import { once } from "node:events";
import { expect, test } from "vitest";
import type { WebSocket } from "ws";
import type { RealtimeSocket } from "../../client/index.ts";
import { people } from "../support/people.ts";
import { until } from "../support/until.ts";

const chat = { chatId: "c", projectId: "p1" };

test("what a client sends just before it disconnects is done, all of it", async () => {
  const { ann, ben } = await people("ann", "ben");
  await ben.emit("chat:join", chat);
  await ann.emit("chat:join", chat);
  const contents = Array.from({ length: 40 }, (_, n) => `message ${n}`);
  const heard: string[] = [];
  ben.socket.on("message:new", ({ message }) => void heard.push(message.content));

  for (const content of contents)
    ann.socket.emit("message:send", { ...chat, type: "text", content });
  ann.socket.disconnect();

  await until(() => heard.length >= contents.length);
  expect(heard.toSorted()).toEqual(contents.toSorted());
});

/**
 * Resolves in a later millisecond than the gateway has received all frames: it knows no order within one. What one
 * request of a client that polls brings is received a millisecond apart.
 */
async function received({ socket }: { readonly socket: RealtimeSocket }): Promise<void> {
  const { ws } = socket.io.engine.transport as unknown as { readonly ws?: WebSocket };
  if (ws === undefined) return;
  const pong = once(ws, "pong");
  ws.ping();
  await pong;
  const start = Date.now();
  while (Date.now() <= start + 1) await new Promise((resolve) => setImmediate(resolve));
}

test("of a leave and a join that are handled at once the later one decides", async () => {
  const { ann, ben } = await people("ann", "ben");
  for (let round = 0; round < 10; round += 1) {
    const [inside, outside] = [{ room: `in ${round}` }, { room: `out ${round}` }];
    await ann.emit("custom:join", inside);
    const leaving = ann.emit("custom:leave", inside);
    const coming = ann.emit("custom:join", outside);
    await received(ann);
    const joining = ann.emit("custom:join", inside);
    const going = ann.emit("custom:leave", outside);
    await Promise.all([leaving, coming, joining, going]);
    for (const { room } of [outside, inside])
      await ben.emit("custom:broadcast", {
        projectId: "p1",
        event: "news",
        room,
        payload: { room },
      });
    expect(await ann.nextEvent("custom:news")).toMatchObject(inside);
  }
});
