import { afterAll, beforeEach, describe, expect, inject, test } from "vitest";
import type { CallInput } from "../faults/commands.ts";
import { createWorld, type Fault } from "../faults/world.ts";
import { ask, eventsReceivedBy } from "../support/asking.ts";

const world = await createWorld(inject("assembly"), {
  // Sockets end with their connections, and so does presence.
  connectionStateRecovery: 0,
});
afterAll(() => world.stop());

const both = ["p1", "p2"];
let organisations = 0;
let org = "";
let listener = "";

beforeEach(async () => {
  org = `org-${++organisations}`;
  listener = await world.connect("ben", org, { projects: both });
  for (const projectId of both) await ask(world, listener, "subscribe:project", { projectId });
});

const ann = (projects = both) => world.connect("ann", org, { projects });

/** What the listener was told of who came and went, in its order. */
const told = () =>
  eventsReceivedBy(world, listener).flatMap(
    ([event]) => /^presence:user:(.*)$/.exec(event)?.[1] ?? [],
  );

const isOnline = async () => {
  const list = (await ask(world, listener, "presence:get:online", { projectId: "p1" })) as {
    readonly users: readonly { readonly userId: string }[];
  };
  return list.users.some(({ userId }) => userId === "ann");
};

const roomQuery = (room: string) => (input: CallInput) =>
  input.ExpressionAttributeValues?.[":room"] === `room#${org}#/#${room}`;

describe("a socket that shares two projects with a user", () => {
  test("is told once that it comes online, and once that it goes", async () => {
    const connectionId = await ann();

    await ask(world, connectionId, "presence:online");
    expect(told()).toEqual(["online"]);
    await ask(world, connectionId, "presence:offline");
    expect(told()).toEqual(["online", "offline"]);
    await ask(world, connectionId, "presence:online");
    await world.disconnect(connectionId);

    expect(told()).toEqual(["online", "offline", "online", "offline"]);
  });

  test("is told once that it leaves two chats of one name", async () => {
    const connectionId = await ann();
    for (const who of [listener, connectionId])
      for (const projectId of both) await ask(world, who, "chat:join", { chatId: "c", projectId });

    await ask(world, connectionId, "chat:leave", { chatId: "c" });

    expect(
      eventsReceivedBy(world, listener).filter(([event]) => event === "user:offline"),
    ).toHaveLength(1);
  });
});

describe("where a user comes and goes at once, the last that others hear is so:", () => {
  test("a page that is loaded again while its old socket's end is told", async () => {
    const old = await ann();
    await ask(world, old, "presence:online");

    const posting = world.holdNext(roomQuery("project#p1"));
    const ending = world.disconnect(old);
    await posting.reached;
    const fresh = await ann();
    await ask(world, fresh, "presence:online");
    posting.release();
    await ending;

    expect(told().at(-1)).toBe("online");
    expect(await isOnline()).toBe(true);
  });

  test("a socket that ends while its coming online is told", async () => {
    const connectionId = await ann();

    const posting = world.holdNext(roomQuery("project#p1"));
    const coming = ask(world, connectionId, "presence:online");
    await posting.reached;
    await world.disconnect(connectionId);
    posting.release();
    await coming;

    expect(told().at(-1)).toBe("offline");
    expect(await isOnline()).toBe(false);
  });

  test("in one of two projects alone", async () => {
    const old = await ann();
    await ask(world, old, "presence:online");

    const posting = world.holdNext(roomQuery("project#p1"));
    const ending = world.disconnect(old);
    await posting.reached;
    const fresh = await ann();
    await ask(world, fresh, "presence:online", { projectId: "p1" });
    posting.release();
    await ending;

    expect(told().at(-1)).toBe("online");
    expect(await isOnline()).toBe(true);
  });
});

describe("where the write of one project of two fails", () => {
  const failing = (input: CallInput) => input.Key?.pk === `online#${org}#presence#p2`;

  test("coming online in the other is told, then the failure", async () => {
    const connectionId = await ann();

    await world.failing(failing, async () =>
      expect(await ask(world, connectionId, "presence:online")).toMatchObject({
        error: { code: "internal" },
      }),
    );

    expect(told()).toEqual(["online"]);
    expect(await isOnline()).toBe(true);
  });

  test.each([
    ["presence:offline", (id: string) => ask(world, id, "presence:offline")],
    ["a disconnect", (id: string) => world.disconnect(id)],
  ])("going from the other by %s is told, and the sweep ends the rest", async (_, going) => {
    const connectionId = await ann();
    await ask(world, connectionId, "presence:online");

    await world.failing(failing, () => going(connectionId));
    expect(told()).toEqual(["online", "offline"]);
    await world.disconnect(connectionId);
    await world.sweep();

    const left = (await world.items()).filter(({ pk }) => String(pk).startsWith(`online#${org}#`));
    expect(left).toEqual([]);
  });
});

describe("what breaks off before others are notified is announced later:", () => {
  const isOfPresence = ({ Key }: CallInput) => String(Key?.pk).startsWith(`online#${org}#`);
  /** What an announcement begins with: the rooms are read. */
  const isAnnouncing = roomQuery("project#p1");
  const isConfirming = (input: CallInput) =>
    isOfPresence(input) && input.UpdateExpression === "DELETE announcing :self";
  const p1 = { projectId: "p1" };
  const internal = { error: { code: "internal" } };

  const itemsLeft = async () =>
    (await world.items()).filter(({ pk }) => String(pk).startsWith(`online#${org}#`));

  test("the end of a socket whose call the SDK has repeated, at once", async () => {
    const connectionId = await ann();
    await ask(world, connectionId, "presence:online", p1);

    await world.repeating(isOfPresence, () => world.disconnect(connectionId));

    expect(told()).toEqual(["online", "offline"]);
    expect(await itemsLeft()).toEqual([]);
  });

  test("coming online whose call the SDK has repeated, at once and once", async () => {
    const connectionId = await ann();

    await world.repeating(isOfPresence, () => ask(world, connectionId, "presence:online", p1));

    expect(told()).toEqual(["online"]);
  });

  test.each([
    ["could not be announced", isAnnouncing],
    ["was not confirmed", isConfirming],
  ])("coming online that %s, as the client asks again", async (_, failing) => {
    const connectionId = await ann();
    const online = () => ask(world, connectionId, "presence:online", p1);

    await world.failing(failing, async () => expect(await online()).toMatchObject(internal));
    const before = told().length;
    expect(await online()).toEqual({ ok: true });
    expect(told().slice(before)).toEqual(["online"]);

    await online();
    expect(told().slice(before)).toEqual(["online"]);
  });

  test("coming online, to whom the user's other socket has announced nothing", async () => {
    const [first, second] = [await ann(), await ann()];
    const online = (socket: string) => ask(world, socket, "presence:online", p1);
    await world.failing(isAnnouncing, () => online(first));

    await online(second);
    expect(told()).toEqual([]);
    await online(first);

    expect(told()).toEqual(["online"]);
  });

  test.each([
    ["as the client asks again", (id: string) => ask(world, id, "presence:offline")],
    [
      "by the sweep after its end",
      async (id: string) => {
        await world.disconnect(id);
        await world.sweep();
      },
    ],
  ])("presence:offline, %s", async (_, repeat) => {
    const connectionId = await ann();
    await ask(world, connectionId, "presence:online", p1);
    await world.failing(isAnnouncing, async () =>
      expect(await ask(world, connectionId, "presence:offline")).toMatchObject(internal),
    );
    expect(told()).toEqual(["online"]);

    await repeat(connectionId);
    expect(told()).toEqual(["online", "offline"]);

    await world.disconnect(connectionId);
    await world.sweep();
    expect(told()).toEqual(["online", "offline"]);
    expect(await itemsLeft()).toEqual([]);
  });

  test.each([
    ["is noted as online", isOfPresence],
    ["is announced", isAnnouncing],
  ])("the end of a socket, at once, although it ends before it %s", async (_, fits) => {
    const connectionId = await ann();
    const coming = world.holdNext(fits);
    const asked = ask(world, connectionId, "presence:online", p1);
    await coming.reached;
    await world.disconnect(connectionId);
    coming.release();
    await asked;

    expect(told().at(-1)).toBe("offline");
    expect(await itemsLeft()).toEqual([]);
  });

  test("presence:offline is announced once where the socket ends meanwhile", async () => {
    const connectionId = await ann();
    await ask(world, connectionId, "presence:online", p1);

    const posting = world.holdNext(isAnnouncing);
    const going = ask(world, connectionId, "presence:offline");
    await posting.reached;
    await world.disconnect(connectionId);
    posting.release();
    await going;

    expect(await itemsLeft()).toEqual([]);
    await world.sweep();
    expect(told()).toEqual(["online", "offline"]);
    expect(await itemsLeft()).toEqual([]);
  });

  test("the end of a socket, by the sweep, wherever its function dies", async () => {
    const end = async (call: number, fault?: Fault) => {
      const connectionId = await ann();
      await ask(world, connectionId, "presence:online", p1);
      const before = told().length;
      const { calls } = await world.withFault(call, fault, () => world.disconnect(connectionId));
      await world.sweep();
      return { calls, heard: told().slice(before) };
    };
    const { calls, heard } = await end(0);
    expect(heard).toEqual(["offline"]);
    for (let call = 1; call <= calls; call += 1) {
      const { heard } = await end(call, "dies before");
      // Whoever dies after the posts leaves them to be repeated.
      expect([call, [...new Set(heard)]]).toEqual([call, ["offline"]]);
      expect(await itemsLeft()).toEqual([]);
    }
    expect(calls).toBeGreaterThan(4);
  });

  test("what a socket's end has said last, although the user is back, and its function has died", async () => {
    const old = await ann();
    await ask(world, old, "presence:online", p1);

    const posting = world.holdNext(isAnnouncing);
    const isBack = async () => {
      await posting.reached;
      await ask(world, await ann(), "presence:online", p1);
      posting.release();
    };
    // What follows the posts fails, as if it had died.
    const isOld = (input: CallInput) =>
      isOfPresence(input) && String(input.UpdateExpression).startsWith("DELETE sids :self, known");
    await Promise.all([world.failing(isOld, () => world.disconnect(old)), isBack()]);
    expect(told().at(-1)).toBe("offline");
    await world.sweep();

    expect(told().at(-1)).toBe("online");
    expect(await isOnline()).toBe(true);
  });
});
