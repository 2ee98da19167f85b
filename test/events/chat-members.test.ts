import { afterAll, beforeEach, describe, expect, inject, test } from "vitest";
import type { CallInput } from "../faults/commands.ts";
import { createWorld } from "../faults/world.ts";
import { ask, eventsReceivedBy, payloadsOf, sidOf } from "../support/asking.ts";

// A room of more than three is a large one.
const world = await createWorld(inject("assembly"), { fanOutPage: 3 });
afterAll(() => world.stop());

let organisations = 0;
let org = "";
let ann = "";
let ben = "";

beforeEach(async () => {
  org = `org-${++organisations}`;
  ann = await world.connect("ann", org);
  ben = await world.connect("ben", org);
});

const refused = (code: string) => ({ error: { code, message: expect.any(String) } });

describe("who a chat lets in", () => {
  const club = { chatId: "club", projectId: "p1" };
  const put = (...members: readonly string[]) =>
    world.publish({ event: "chat:put", org, chat: { ...club, access: "members", members } });
  const says = (content: string) =>
    ask(world, ann, "message:send", { ...club, type: "text", content });
  const isJoin = ({ UpdateExpression }: CallInput) =>
    UpdateExpression?.startsWith("SET rooms.") === true;
  const members = async () =>
    (await world.items())
      .filter(({ pk, released }) => pk === `room#${org}#/#chat#p1#club` && released !== true)
      .map(({ userId }) => String(userId));

  /** A chat:put for ann alone comes while ben's join is under way, which is then refused; who is there stays. */
  async function expectRefusalOfJoinUnderWay(there: readonly string[] = []): Promise<void> {
    const held = world.holdNext(isJoin);
    const joining = ask(world, ben, "chat:join", club);
    await held.reached;
    await put("ann");
    held.release();

    expect(await joining).toEqual(refused("forbidden"));
    expect(await members()).toEqual(there);
  }

  test("a refused chat:join stores nothing", async () => {
    for (let n = 0; n < 198; n += 1) await ask(world, ann, "custom:join", { room: `r${n}` });

    expect(await ask(world, ann, "chat:join", club)).toEqual(refused("limit_exceeded"));

    expect((await world.items()).filter(({ pk }) => String(pk).startsWith(`chat#${org}`))).toEqual(
      [],
    );
  });

  test("members mean what they say where no access is named", async () => {
    await put("ann");
    await world.publish({ event: "chat:put", org, chat: { ...club, members: ["ann"] } });

    expect(await ask(world, ben, "chat:join", club)).toEqual(refused("forbidden"));
    expect(await ask(world, ann, "chat:join", club)).toMatchObject({ chatId: "club" });
  });

  test("somebody taken off the members leaves the room at once and is told", async () => {
    await put("ann", "ben");
    for (const who of [ann, ben]) await ask(world, who, "chat:join", club);

    await put("ann");
    await says("ben is out");

    expect(eventsReceivedBy(world, ben).map(([event]) => event)).toEqual([
      "chat:joined",
      "chat:left",
    ]);
    expect(payloadsOf(world, ben, "chat:left")).toEqual([{ chatId: "club" }]);
    expect(payloadsOf(world, ann, "chat:left")).toEqual([]);
    expect(payloadsOf(world, ann, "message:new")).toHaveLength(1);
    expect(await members()).toEqual(["ann"]);
  });

  test("everyone else leaves, of a room of any size, where a chat gets members", async () => {
    const others = await Promise.all(
      Array.from({ length: 20 }, (_, n) => world.connect(`user-${n}`, org)),
    );
    for (const who of [ann, ...others]) await ask(world, who, "chat:join", club);

    await put("ann", "user-7");

    const left = others.filter((who) => payloadsOf(world, who, "chat:left").length === 1);
    expect(left).toEqual(others.filter((_, n) => n !== 7));
    expect((await members()).toSorted()).toEqual(["ann", "user-7"]);
  });

  test("nobody leaves a chat that is open to its project", async () => {
    await ask(world, ben, "chat:join", club);

    await world.publish({ event: "chat:put", org, chat: { ...club, name: "The club" } });

    expect(payloadsOf(world, ben, "chat:left")).toEqual([]);
  });

  test("a join under way is refused by a chat:put that takes its user off", async () => {
    await put("ann", "ben");

    await expectRefusalOfJoinUnderWay();
    await says("ben is out");
    expect(payloadsOf(world, ben, "message:new")).toEqual([]);
  });

  test("nobody else hears of a join that is refused at last, at once or when it comes back", async () => {
    await put("ann", "ben");
    await ask(world, ann, "chat:join", club);

    await expectRefusalOfJoinUnderWay(["ann"]);

    expect(payloadsOf(world, ann, "user:online")).toEqual([]);
    expect(payloadsOf(world, ben, "chat:joined")).toEqual([]);
    const logs = (await world.items()).filter(({ pk }) => pk === `log#${org}#/#chat#p1#club`);
    const logged = logs.filter(({ entry }) => /user:online.*ben/.test(String(entry)));
    expect(logged).toEqual([]);
  });

  test("a first join under way is refused by a chat:put that describes the chat", async () => {
    await expectRefusalOfJoinUnderWay();
  });

  test("a socket that could not leave is asked again when the chat is put again", async () => {
    await put("ann", "ben", "eve");
    const eve = await world.connect("eve", org);
    for (const who of [ann, ben, eve]) await ask(world, who, "chat:join", club);
    const entry = {
      event: "chat:put",
      org,
      id: "e1",
      chat: { ...club, access: "members", members: ["ann"] },
    };

    await world.failing(
      ({ Key }) => Key?.pk === `sess#${sidOf(world, ben)}`,
      () => expect(world.publish(entry)).rejects.toThrow(/could not be moved/),
    );
    expect(payloadsOf(world, eve, "chat:left")).toHaveLength(1);
    world.pass(31_000);
    await world.publish(entry);

    for (const who of [ben, eve]) expect(payloadsOf(world, who, "chat:left")).toHaveLength(1);
    expect(await members()).toEqual(["ann"]);
  });
});
