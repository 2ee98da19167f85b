import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { LambdaClient } from "@aws-sdk/client-lambda";
import { describe, expect, test } from "vitest";
import { createEmitter, PublishError, type Via } from "../../client/emitter.ts";
import { withoutOffset } from "../support/offsets.ts";
import { client, connected, isoTime, newOrg, people, person, tokenFor } from "../support/people.ts";
import { publishFunction } from "../support/publishing.ts";
import { settled, stack } from "../support/running.ts";
import { until } from "../support/until.ts";

const aws = {
  endpoint: stack.url,
  region: "us-east-1",
  credentials: { accessKeyId: "BACKEND", secretAccessKey: "local" },
};
const invoking: Via = { lambda: new LambdaClient(aws), functionName: publishFunction() };
const putting: Via = { eventBridge: new EventBridgeClient(aws), busName: stack.busNames[0] ?? "" };
const todos = { projectId: "p1", collectionId: "todos" };

describe.each([
  ["by invoking the function", invoking],
  ["by the bus", putting],
])("the emitter, %s,", (_, via) => {
  test("emits any event to rooms, except excluded ones", async () => {
    const { ann, ben } = await people("ann", "ben");
    const emitter = createEmitter({ org: ann.org, via });

    await emitter
      .to({ kind: "org" })
      .except({ kind: "user", userId: "ben" })
      .emit("news", { n: 1 });

    expect(await ann.nextEvent("news")).toEqual({ n: 1 });
    await settled();
    expect(await ben.receivesNothing()).toBe(true);
  });

  test("emits no argument without a payload, and finds chains and currencies in upper or lower case", async () => {
    const { ann } = await people("ann");
    for (const [event, name] of Object.entries({ chain: "ETH", currency: "usd" }))
      await ann.emit(`wallet:subscribe:${event}`, { [event]: name });
    const received: unknown[][] = [];
    ann.socket.on("news", (...args: unknown[]) => received.push(args));
    const emitter = createEmitter({ org: ann.org, via });

    await emitter.to({ kind: "wallet", of: "chain", id: "Eth" }).emit("news");
    await emitter.to({ kind: "wallet", of: "currency", id: "USD" }).emit("news", 1);
    await until(() => received.length === 2);

    expect(received.map(withoutOffset).toSorted()).toEqual([[], [1]]);
  });

  test.each(["create", "update", "delete"] as const)("publishes db.%s", async (action) => {
    const { ann } = await people("ann");
    await ann.emit("subscribe:project", "p1");
    const emitter = createEmitter({ org: ann.org, via });

    await emitter.db[action]({ ...todos, data: { _id: "d1" }, id: "once" });
    await emitter.db[action]({ ...todos, data: { _id: "d1" }, id: "once" });

    expect(await ann.nextEvent(`db:${action}`)).toEqual({
      ...todos,
      action,
      data: { _id: "d1" },
      timestamp: isoTime,
    });
    await settled();
    expect(await ann.receivesNothing()).toBe(true);
  });

  test("revokes and restores", async () => {
    const org = newOrg();
    const ann = await person({ org, sid: "s1" });
    const gone = new Promise((resolve) => ann.socket.once("disconnect", resolve));
    const emitter = createEmitter({ org, via });
    const again = async () =>
      connected(client({ auth: { token: await tokenFor({ org, sid: "s1" }) } }));

    await emitter.revoke({ sid: "s1" }, "signed out");
    expect(await ann.nextEvent("session:expired")).toMatchObject({ reason: "signed out" });
    await gone;
    await settled();
    await expect(again()).rejects.toThrow(/^Authentication error$/);
    await emitter.restore({ sid: "s1" });
    await settled();

    expect((await again()).connected).toBe(true);
  });
});

test("a refusal is thrown with its reason by the invoking emitter", async () => {
  const emitter = createEmitter({ org: newOrg(), via: invoking });

  const refused = emitter.to({ kind: "org" }).emit("connect");

  await expect(refused).rejects.toBeInstanceOf(PublishError);
  await expect(refused).rejects.toThrow("name: is a reserved event name");
});

test("publish resolves with the result of its kind", async () => {
  const emitter = createEmitter({ org: newOrg(), via: invoking });
  await emitter.publish({ event: "chat:put", chat: { projectId: "p1", chatId: "lobby" } });

  expect(
    await emitter.publish({ event: "chat:get", projectId: "p1", chatId: "lobby" }),
  ).toMatchObject({ chat: { name: "lobby" } });
});

describe("the emitter asks, counts and moves sockets:", () => {
  const org = { kind: "org" } as const;
  const emitterOf = (name: string, via: Via = invoking) => createEmitter({ org: name, via });

  test("it gives the acknowledgements that have come, and names who has sent none", async () => {
    const { ann, ben } = await people("ann", "ben");
    ann.socket.on("vote", (topic, acknowledge) => acknowledge({ topic, yes: true }));
    const emitter = emitterOf(ann.org);

    const answers = emitter.to(org).timeout(1000).emitWithAck("vote", "tea");

    expect(await answers).toEqual({
      responses: [{ topic: "tea", yes: true }],
      missing: [ben.socket.id],
    });
  });

  test("it lists sockets a page at a time", async () => {
    const { ann, ben } = await people("ann", "ben");
    const sockets = emitterOf(ann.org).to(org);

    const first = await sockets.fetchSockets({ limit: 1 });
    const second = await sockets.fetchSockets({ after: first.next, limit: 1 });

    const users = [first, second].flatMap((page) => page.sockets).map(({ userId }) => userId);
    expect(users.toSorted()).toEqual(["ann", "ben"]);
    expect(second.next).toBeUndefined();
    const ids = [first, second].flatMap((page) => page.sockets).map(({ id }) => id);
    expect(new Set(ids)).toEqual(new Set([ann.socket.id, ben.socket.id]));
  });

  test("it puts sockets into a room, takes them out of it, and disconnects them", async () => {
    const { ann, ben } = await people("ann", "ben");
    const emitter = emitterOf(ann.org);
    const garden = emitter.to({ kind: "custom", room: "garden" });

    await emitter.to({ kind: "user", userId: "ben" }).socketsJoin("garden");
    await garden.volatile.emit("news", 1);
    expect(await ben.nextEvent("news")).toBe(1);
    await garden.socketsLeave("garden");
    await garden.emit("news", 2);
    await settled();
    expect([await ann.receivesNothing(), await ben.receivesNothing()]).toEqual([true, true]);

    const disconnected = new Promise((resolve) => ben.socket.once("disconnect", resolve));
    await emitter.to({ kind: "user", userId: "ben" }).disconnectSockets();
    expect(await disconnected).toBe("io server disconnect");
  });

  test("it refuses by the bus what needs an answer", async () => {
    const sockets = emitterOf(newOrg(), putting).to(org);

    await expect(sockets.fetchSockets()).rejects.toThrow(
      "sockets:fetch needs an answer, which the bus does not bring",
    );
  });
});
