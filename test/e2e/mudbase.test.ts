import { describe, expect, test } from "vitest";
import {
  client,
  connected,
  expectNoEvents,
  newOrg,
  people,
  person,
  receiving,
  tokenFor,
} from "../support/people.ts";
import { publish } from "../support/publishing.ts";

const lobby = { chatId: "lobby", projectId: "p1" };

describe("what applications written for Mudbase's hooks rely on", () => {
  test("a sender receives its own message as message:new", async () => {
    const { ann } = await people("ann");
    ann.emitWithoutAck("chat:join", lobby);
    await ann.nextEvent("chat:joined");

    ann.emitWithoutAck("message:send", { ...lobby, type: "text", content: "hello" });

    expect(await ann.nextEvent("message:new")).toMatchObject({ message: { sender: "ann" } });
    expect(await ann.nextEvent("message:sent")).toMatchObject({ chatId: "lobby" });
  });

  test("presence works without subscribe:project", async () => {
    const { ann, ben } = await people("ann", "ben");
    await ben.emit("presence:online", { projectId: "p1" });

    ann.emitWithoutAck("presence:online", { projectId: "p1" });
    expect(await ben.nextEvent("presence:user:online")).toMatchObject({ userId: "ann" });
    ann.emitWithoutAck("presence:offline");

    expect(await ben.nextEvent("presence:user:offline")).toMatchObject({ userId: "ann" });
  });

  test("a client that subscribes again after every reconnect gets one copy of each event", async () => {
    const org = newOrg();
    const socket = client({
      auth: { token: await tokenFor({ org }) },
      reconnection: true,
      reconnectionDelay: 1,
    });
    const todos = { projectId: "p1", collectionId: "todos" };
    const subscribe = () => socket.emitWithAck("subscribe:collection", todos);
    socket.on("connect", () => socket.emit("subscribe:collection", todos));
    await connected(socket);
    const ann = receiving(org, socket);
    const change = { event: "db:create", org, ...todos };

    for (let round = 0; round < 3; round += 1) {
      const again = connected(socket);
      socket.io.engine.close();
      await again;
      await Promise.all([subscribe(), subscribe()]);
      await publish({ ...change, data: { _id: `d${round}` } });
      expect(await ann.nextEvent("db:create")).toMatchObject({ data: { _id: `d${round}` } });
    }

    while (ann.hasReceived("subscribed")) await ann.nextEvent("subscribed");
    expect(await ann.receivesNothing()).toBe(true);
  });

  test("frames sent without waiting for acknowledgements have the same effect as in sequence", async () => {
    const org = newOrg();
    const ann = await person({ org });
    const ben = await person({ org, sub: "ben" });
    await ben.emit("chat:join", lobby);
    await ben.nextEvent("chat:joined");

    ann.emitWithoutAck("chat:join", lobby);
    ann.emitWithoutAck("chat:typing:start", { chatId: "lobby" });
    const sent = ann.emit("message:send", { ...lobby, type: "text", content: "hello" });
    await sent;
    await ann.nextEvent("chat:joined");

    for (const event of ["user:online", "user:typing:start", "message:new"])
      await ben.nextEvent(event);
    await expectNoEvents(ben);
  });
});
