import { io as io31 } from "socket.io-client-3.1";
import { io as io40 } from "socket.io-client-4.0";
import { afterAll, describe, expect, test } from "vitest";
import { publishTo } from "../support/publish-to.ts";
import { CLIENTS, idOf, isReplayed, LOSSES, later, returners } from "../support/returning.ts";
import { startWithLimits } from "../support/running.ts";

const p1 = { projectId: "p1" };
const garden = { room: "garden" };
const chat = { ...p1, chatId: "lobby" };
const todos = { ...p1, collectionId: "todos" };
const text = (content: string) => ({ ...chat, type: "text", content });
const inGarden = (n: number) => ({ ...p1, ...garden, event: "news", payload: { n } });

const logged: string[] = [];
const stack = await startWithLimits({}, (line) => void logged.push(line));
const publish = (entry: object) => publishTo(stack, entry);
afterAll(async () => {
  await stack.stop();
  expect(logged.filter((line) => line.includes('"ERROR"'))).toEqual([]);
});

const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, n) => n + from);
const ns = (payloads: readonly unknown[]) =>
  payloads.map((payload) => (payload as { readonly n: number }).n);

describe.each(CLIENTS)("%s", (_, using) => {
  const people = <Name extends string>(...names: readonly Name[]) =>
    returners(stack, using, ...names);

  describe.each(LOSSES)("whose connection was lost, %s,", (loss) => {
    test("is the same socket again and again, and hears what it has missed before anything else, in order", async () => {
      const { ann, ben } = await people("ann", "ben");
      await ann.emit("subscribe:project", p1);
      const { id } = ann.socket;
      for (const round of numbers(3)) {
        await later();
        await ben.emit("custom:event", { ...p1, n: 5 * round });
        await ann.heard("custom:event");
        await ann.lose(loss);
        for (const n of numbers(3, 5 * round + 1)) await ben.emit("custom:event", { ...p1, n });
        expect(await ann.comeBack()).toBe(true);
        expect(ann.socket.id).toBe(id);
        await ben.emit("custom:event", { ...p1, n: 5 * round + 4 });
      }

      expect(ns(await ann.heard("custom:event"))).toEqual(numbers(15));
    });

    test("comes back before it has received anything, and without having missed anything", async () => {
      const { ann, ben } = await people("ann", "ben");
      const { id } = ann.socket;
      await ann.emit("subscribe:project", p1);
      for (const _ of numbers(3)) {
        await ann.lose(loss);
        expect(await ann.comeBack()).toBe(true);
      }
      expect(ann.received).toEqual([]);
      await ann.lose(loss);
      await ben.emit("custom:event", { ...p1, n: 1 });
      expect(await ann.comeBack()).toBe(true);

      expect(ann.socket.id).toBe(id);
      expect(ns(await ann.heard("custom:event"))).toEqual([1]);
    });
  });

  test("keeps its rooms, of every kind", async () => {
    const { ann, ben } = await people("ann", "ben");
    for (const [event, payload] of [
      ["subscribe:project", p1],
      ["subscribe:collection", todos],
      ["chat:join", chat],
      ["custom:join", garden],
    ] as const)
      await ann.emit(event, payload);
    const change = { org: ann.org, ...todos, data: { _id: "d1" } };
    const everything = async (n: number) => {
      await ben.emit("custom:event", { ...p1, n });
      await ben.emit("message:send", text(`message ${n}`));
      await ben.emit("custom:broadcast", inGarden(n));
      await ben.emit("custom:message", { targetUserId: "ann", message: n });
      await publish({ event: "db:update", ...change });
      await publish({
        event: "emit",
        org: ann.org,
        to: [{ kind: "org" }],
        name: "all",
        payload: n,
      });
    };
    const all = [
      "custom:event",
      "message:new",
      "custom:news",
      "custom:message",
      "db:update",
      "all",
    ];

    await ann.lose();
    ann.received.length = 0;
    await everything(1);
    expect(await ann.comeBack()).toBe(true);
    await everything(2);

    await ann.heard("all");
    expect(ann.received.map(([event]) => event)).toEqual([...all, ...all]);
  });

  test("gets what its live queries have missed, with their ids, and keeps them", async () => {
    const { ann } = await people("ann");
    const query = { done: false };
    for (const queryId of ["q1", "q2"])
      await ann.emit("subscribe:query", { ...todos, queryId, query });
    const put = (_id: string, done: boolean) =>
      publish({ event: "db:create", org: ann.org, ...todos, data: { _id, done } });

    await ann.lose();
    for (const [id, done] of [["d1", false] as const, ["d2", true] as const]) await put(id, done);
    expect(await ann.comeBack()).toBe(true);
    await put("d3", true);
    await put("d4", false);

    const copies = (await ann.heard("db:create")) as { data: { _id: string }; queryId: string }[];
    expect(copies.map(({ data, queryId }) => `${data._id} ${queryId}`).toSorted()).toEqual(
      ["d1", "d4"].flatMap((id) => [`${id} q1`, `${id} q2`]),
    );
  });

  test("gets one plain copy of a change, and one of each live query", async () => {
    const { ann } = await people("ann");
    await ann.emit("subscribe:project", p1);
    await ann.emit("subscribe:collection", todos);
    await ann.emit("subscribe:query", { ...todos, queryId: "q1" });

    await ann.lose();
    await publish({ event: "db:create", org: ann.org, ...todos, data: { _id: "d1" } });
    expect(await ann.comeBack()).toBe(true);

    const copies = (await ann.heard("db:create")) as { queryId?: string }[];
    expect(copies.map(({ queryId }) => queryId).toSorted()).toEqual(["q1", undefined]);
  });

  test("hears events that end in a string, and then knows its offset still", async () => {
    const { ann } = await people("ann");
    const say = (payload: string) =>
      publish({ event: "emit", org: ann.org, to: [{ kind: "org" }], name: "news", payload });

    await say("a");
    await ann.heard("news");
    await ann.lose();
    await say("01ARZ3NDEKTSV4RRFFQ69G5FAV000.9999999999999");
    expect(await ann.comeBack()).toBe(true);
    await ann.heard("news");
    await ann.lose();
    await say("c");
    expect(await ann.comeBack()).toBe(true);

    expect(await ann.heard("news")).toEqual([
      "a",
      "01ARZ3NDEKTSV4RRFFQ69G5FAV000.9999999999999",
      "c",
    ]);
  });

  test("gets missed binary data", async () => {
    const { ann, ben } = await people("ann", "ben");
    await ann.emit("subscribe:project", p1);
    const bytes = Buffer.from("bytes");

    await ann.lose();
    await ben.emit("custom:event", { ...p1, bytes });
    expect(await ann.comeBack()).toBe(true);

    expect(await ann.heard("custom:event")).toMatchObject([{ bytes }]);
  });

  test("hears what was sent at once while it was away in order of the offsets, before what came later", async () => {
    const { ann, ben, eve } = await people("ann", "ben", "eve");
    await ann.emit("subscribe:project", p1);

    await ann.lose();
    const missed = numbers(20).map((n) => (n % 2 ? ben : eve).emit("custom:event", { ...p1, n }));
    await Promise.all(missed);
    const later = numbers(20, 20).map((n) => ben.emit("custom:event", { ...p1, n }));
    expect(await ann.comeBack()).toBe(true);
    await Promise.all(later);

    const heard = ns(await ann.heard("custom:event"));
    expect(heard.toSorted((a, b) => a - b)).toEqual(numbers(40));
    expect(heard.slice(0, 20).toSorted((a, b) => a - b)).toEqual(numbers(20));
    const ids = ann.received.slice(0, 20).map(idOf);
    expect(ids).toEqual(ids.toSorted());
    const replayed = ann.received.map(isReplayed);
    expect(replayed.lastIndexOf(true)).toBe(replayed.filter(Boolean).length - 1);
  });

  test("is a new socket after it has disconnected, and hears nothing of the time between", async () => {
    const { ann, ben } = await people("ann", "ben");
    await ann.emit("subscribe:project", p1);
    const { id } = ann.socket;
    await ben.emit("custom:event", { ...p1, n: 1 });
    await ann.heard("custom:event");

    await ann.disconnect();
    await ben.emit("custom:message", { targetUserId: "ann", message: "missed" });
    expect(await ann.comeBack()).toBe(false);
    await ben.emit("custom:event", { ...p1, n: 2 });

    expect(ann.socket.id).not.toBe(id);
    expect(ns(await ann.heard("custom:event"))).toEqual([1]);
    expect(await ann.heard("custom:message")).toEqual([]);
  });

  test("that is a new socket comes back with the offset of the old one, and gets what it has missed", async () => {
    const { ann, ben } = await people("ann", "ben");
    await ben.emit("custom:message", { targetUserId: "ann", message: 1 });
    await ann.heard("custom:message");
    await later();
    await ann.disconnect();
    expect(await ann.comeBack()).toBe(false);

    await ann.lose();
    await ben.emit("custom:message", { targetUserId: "ann", message: 2 });
    expect(await ann.comeBack()).toBe(true);

    expect(await ann.heard("custom:message")).toMatchObject([{ message: 1 }, { message: 2 }]);
  });

  test("does not hear a room that it has left, nor what was said before it joined", async () => {
    const { ann, ben } = await people("ann", "ben");
    for (const room of ["garden", "kitchen", "attic"]) await ann.emit("custom:join", { room });
    await ann.emit("custom:leave", { room: "garden" });
    await ann.emit("custom:leave", { room: "kitchen" });
    const say = async (room: string, n: number) =>
      ben.emit("custom:broadcast", { ...p1, room, event: "news", payload: { n } });
    await say("kitchen", 1);
    await later();
    await ann.emit("custom:join", { room: "kitchen" });

    await ann.lose();
    for (const room of ["garden", "kitchen", "attic"]) await say(room, 2);
    expect(await ann.comeBack()).toBe(true);
    await ann.emit("custom:leave", { room: "attic" });
    for (const room of ["garden", "kitchen", "attic"]) await say(room, 3);

    // Of the kitchen and the attic, and of the kitchen.
    expect(ns(await ann.heard("custom:news"))).toEqual([2, 2, 3]);
  });

  test("does not hear its own broadcasts to others, nor what was volatile", async () => {
    const { ann, ben } = await people("ann", "ben");
    await ann.emit("subscribe:project", p1);
    await ann.emit("chat:join", chat);
    await ann.emit("custom:event", { ...p1, n: 1 });

    await ann.lose();
    await ben.emit("custom:typing", { ...p1, isTyping: true });
    await ben.emit("chat:typing:start", chat);
    await ben.emit("custom:event", { ...p1, n: 2 });
    expect(await ann.comeBack()).toBe(true);
    await later();
    await ben.emit("custom:typing", { ...p1, isTyping: false });
    await ann.heard("custom:typing");
    await ann.lose();
    expect(await ann.comeBack()).toBe(true);

    expect(ns(await ann.heard("custom:event"))).toEqual([2]);
    expect(await ann.heard("custom:typing")).toMatchObject([{ isTyping: false }]);
    expect(await ann.heard("user:typing:start")).toEqual([]);
  });

  test("was never gone for others who see its presence", async () => {
    const { ann, ben } = await people("ann", "ben");
    await ben.emit("subscribe:project", p1);
    await ann.emit("presence:online", p1);
    await ben.heard("presence:user:online");

    await ann.lose();
    expect(await ann.comeBack()).toBe(true);

    expect(await ben.heard("presence:user:online")).toHaveLength(1);
    expect(await ben.heard("presence:user:offline")).toEqual([]);
    expect(await ben.emit("presence:get:online", p1)).toMatchObject({ count: 1 });
  });
});

test.each([
  ["4.0", io40],
  ["3.1", io31],
])("socket.io-client %s, which knows no recovery, works as before", async (_, using) => {
  const { ann, ben } = await returners(stack, using, "ann", "ben");
  await ann.emit("subscribe:project", p1);
  const { id } = ann.socket;
  await ben.emit("custom:event", { ...p1, n: 1 });
  await ann.heard("custom:event");

  await ann.lose();
  await ben.emit("custom:event", { ...p1, n: 2 });
  await ann.comeBack();
  expect(ann.socket.id).not.toBe(id);
  await ben.emit("custom:event", { ...p1, n: 3 });
  await ann.emit("subscribe:project", p1);
  await ben.emit("custom:event", { ...p1, n: 4 });

  expect(ns(await ann.heard("custom:event"))).toEqual([1, 4]);
});
