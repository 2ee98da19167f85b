import { afterAll, beforeEach, describe, expect, inject, test } from "vitest";
import type { CallInput } from "../faults/commands.ts";
import { createWorld } from "../faults/world.ts";
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
