import { describe, expect, test } from "vitest";
import { expectNoEvents, isoTime, newOrg, type Person, people, person } from "../support/people.ts";

/** Ann, ben and eve, of whom ann and ben have subscribed to the project. */
async function inProject(): Promise<Record<"ann" | "ben" | "eve", Person>> {
  const all = await people("ann", "ben", "eve");
  await all.ann.emit("subscribe:project", "p1");
  await all.ben.emit("subscribe:project", "p1");
  return all;
}

describe("custom:broadcast", () => {
  test("sends a custom event to the others in the project", async () => {
    const { ann, ben, eve } = await inProject();
    const payload = { projectId: "p1", event: "moved", payload: { x: 1, y: [2] } };

    expect(await ann.emit("custom:broadcast", payload)).toEqual({ ok: true });

    expect(await ben.nextEvent("custom:moved")).toEqual({
      x: 1,
      y: [2],
      sender: "ann",
      timestamp: isoTime,
    });
    await expectNoEvents(ann, ben, eve);
  });

  test("sends to a custom room if one is named", async () => {
    const { ann, ben, eve } = await inProject();
    await ann.emit("custom:join", { room: "lobby" });
    await eve.emit("custom:join", { room: "lobby" });
    await ann.nextEvent("custom:joined");
    await eve.nextEvent("custom:joined");

    await ann.emit("custom:broadcast", { projectId: "p1", event: "hey", room: "lobby" });

    expect(await eve.nextEvent("custom:hey")).toEqual({ sender: "ann", timestamp: isoTime });
    await expectNoEvents(ann, ben, eve);
  });

  test.each([["text"], [7], [true], [[1, 2]]])(
    "a payload that is not an object (%j) arrives as payload",
    async (payload) => {
      const { ann, ben } = await inProject();

      await ann.emit("custom:broadcast", { projectId: "p1", event: "hey", payload });

      expect(await ben.nextEvent("custom:hey")).toEqual({
        payload,
        sender: "ann",
        timestamp: isoTime,
      });
    },
  );

  test("a payload that is null is absent", async () => {
    const { ann, ben } = await inProject();

    await ann.emit("custom:broadcast", {
      projectId: "p1",
      event: "hey",
      payload: null,
      room: null,
    });

    expect(await ben.nextEvent("custom:hey")).toEqual({ sender: "ann", timestamp: isoTime });
  });

  test.each(["event", "joined", "left", "message", "presence", "typing", "file:shared"])(
    "may not send under the contract's own name custom:%s",
    async (event) => {
      const { ann, ben } = await inProject();

      expect(await ann.emit("custom:broadcast", { projectId: "p1", event })).toEqual({
        error: {
          code: "invalid_payload",
          message: `event: custom:${event} is an event of the contract`,
        },
      });
      await expectNoEvents(ben);
    },
  );

  test("another project is forbidden", async () => {
    const { ann, ben } = await inProject();

    expect(await ann.emit("custom:broadcast", { projectId: "p2", event: "hey" })).toMatchObject({
      error: { code: "forbidden" },
    });
    await expectNoEvents(ben);
  });
});

test("custom:event delivers a field called __proto__ unchanged", async () => {
  const { ann, ben } = await inProject();
  const payload = JSON.parse('{"projectId":"p1","__proto__":{"polluted":true}}') as object;

  await ann.emit("custom:event", payload);

  expect(JSON.stringify(await ben.nextEvent("custom:event"))).toContain(
    '"__proto__":{"polluted":true}',
  );
});

describe("custom:join and custom:leave", () => {
  test("are answered with the room, and after leaving no events are received", async () => {
    const { ann, ben } = await people("ann", "ben");
    const broadcast = { projectId: "p1", event: "hey", room: "lobby" };

    expect(await ben.emit("custom:join", { room: "lobby" })).toEqual({ room: "lobby" });
    expect(await ben.nextEvent("custom:joined")).toEqual({ room: "lobby" });
    await ann.emit("custom:broadcast", broadcast);
    await ben.nextEvent("custom:hey");
    expect(await ben.emit("custom:leave", { room: "lobby" })).toEqual({ room: "lobby" });
    expect(await ben.nextEvent("custom:left")).toEqual({ room: "lobby" });
    await ann.emit("custom:broadcast", broadcast);

    await expectNoEvents(ann, ben);
  });

  test.each(["org", "user#ben", "user:ben", "project#p1", "project:p1", "presence", "%23"])(
    "a custom room called %s is no other room",
    async (room) => {
      const { ann, ben, eve } = await inProject();
      await eve.emit("custom:join", { room });
      await eve.nextEvent("custom:joined");

      await ben.emit("custom:event", { projectId: "p1" });
      await ann.emit("custom:message", { targetUserId: "ben", message: "for ben" });
      await ann.nextEvent("custom:event");
      await ben.nextEvent("custom:message");

      await expectNoEvents(eve);
      await ann.emit("custom:broadcast", { projectId: "p1", event: "hey", room });
      expect(await eve.nextEvent("custom:hey")).toMatchObject({ sender: "ann" });
      await expectNoEvents(ann, ben);
    },
  );

  test("a socket may be in at most 200 rooms, its own two included", async () => {
    const { ann } = await people("ann");
    const join = (index: number) => ann.emit("custom:join", { room: `room-${index}` });
    for (let index = 0; index < 198; index += 1) await join(index);

    expect(await join(198)).toMatchObject({ error: { code: "limit_exceeded" } });
    expect(await join(5)).toEqual({ room: "room-5" });
    await ann.emit("custom:leave", { room: "room-0" });
    expect(await join(198)).toEqual({ room: "room-198" });
  });

  test.each([[undefined], [{}], [{ room: "" }], [{ room: 5 }], ["lobby"]])(
    "%j is refused",
    async (payload) => {
      const { ann } = await people("ann");

      expect(await ann.emit("custom:join", payload)).toMatchObject({
        error: { code: "invalid_payload" },
      });
      expect(await ann.emit("custom:leave", payload)).toMatchObject({
        error: { code: "invalid_payload" },
      });
    },
  );
});

describe("custom:message", () => {
  test("reaches every socket of the user, and nobody else", async () => {
    const org = newOrg();
    const ann = await person({ org });
    const ben = [await person({ org, sub: "ben" }), await person({ org, sub: "ben" })] as const;
    const eve = await person({ org, sub: "eve" });

    const sent = { targetUserId: "ben", message: { text: "hi" }, type: "note" };
    expect(await ann.emit("custom:message", sent)).toEqual({ ok: true });

    const received = { from: "ann", message: { text: "hi" }, type: "note", timestamp: isoTime };
    for (const tab of ben) expect(await tab.nextEvent("custom:message")).toEqual(received);
    await expectNoEvents(ann, ...ben, eve);
  });

  test.each([
    ["targetUserId", { message: "hi" }],
    ["message", { targetUserId: "ben" }],
  ])("without %s it is refused", async (path, payload) => {
    const { ann } = await people("ann");

    expect(await ann.emit("custom:message", payload)).toMatchObject({
      error: { code: "invalid_payload", message: expect.stringMatching(`^${path}: `) },
    });
  });
});

describe.each([
  ["custom:presence", { status: "away", metadata: { until: 5 } }, { userId: "ann" }],
  ["custom:typing", { isTyping: true, context: "title" }, { userId: "ann" }],
])("%s", (event, payload, added) => {
  test("reaches the others in the project", async () => {
    const { ann, ben, eve } = await inProject();

    expect(await ann.emit(event, { projectId: "p1", ...payload })).toEqual({ ok: true });

    expect(await ben.nextEvent(event)).toEqual({ ...payload, ...added, timestamp: isoTime });
    await expectNoEvents(ann, ben, eve);
  });

  test("is refused without its fields, and forbidden elsewhere", async () => {
    const { ann, ben } = await inProject();
    const [required] = Object.keys(payload);

    expect(await ann.emit(event, { projectId: "p1" })).toMatchObject({
      error: { code: "invalid_payload", message: expect.stringMatching(`^${required}: `) },
    });
    expect(await ann.emit(event, { projectId: "p2", ...payload })).toMatchObject({
      error: { code: "forbidden" },
    });
    await expectNoEvents(ben);
  });
});

describe("custom:file:share", () => {
  const file = { projectId: "p1", fileId: "f1", fileName: "plan.pdf" };
  const shared = { ...file, sharedBy: "ann", timestamp: isoTime };

  test("notifies the others in the project without recipients", async () => {
    const { ann, ben, eve } = await inProject();

    expect(await ann.emit("custom:file:share", file)).toEqual({ ok: true });

    expect(await ben.nextEvent("custom:file:shared")).toEqual(shared);
    await expectNoEvents(ann, ben, eve);
  });

  test("notifies only the recipients if there are any, each once", async () => {
    const { ann, ben, eve } = await inProject();

    await ann.emit("custom:file:share", { ...file, recipients: ["eve", "eve"] });

    expect(await eve.nextEvent("custom:file:shared")).toEqual(shared);
    await expectNoEvents(ann, ben, eve);
  });

  test.each([["null", null] as const, ["an empty list", []] as const])(
    "notifies the others in the project if recipients is %s",
    async (_, recipients) => {
      const { ann, ben, eve } = await inProject();

      await ann.emit("custom:file:share", { ...file, recipients });

      expect(await ben.nextEvent("custom:file:shared")).toEqual(shared);
      await expectNoEvents(ann, ben, eve);
    },
  );

  test("leaves out a recipient's socket whose token does not grant the project", async () => {
    const { ann } = await inProject();
    const granted = await person({ org: ann.org, sub: "dan" });
    const other = await person({ org: ann.org, sub: "dan", projects: ["p2"] });

    await ann.emit("custom:file:share", { ...file, recipients: ["dan"] });

    expect(await granted.nextEvent("custom:file:shared")).toEqual(shared);
    await expectNoEvents(other);
  });

  test("101 recipients are refused", async () => {
    const { ann, ben } = await inProject();
    const recipients = Array.from({ length: 101 }, (_, index) => `user-${index}`);

    expect(await ann.emit("custom:file:share", { ...file, recipients })).toMatchObject({
      error: { code: "invalid_payload", message: expect.stringMatching(/^recipients: /) },
    });
    await expectNoEvents(ben);
  });

  test("another project is forbidden", async () => {
    const { ann, ben } = await inProject();

    expect(await ann.emit("custom:file:share", { ...file, projectId: "p2" })).toMatchObject({
      error: { code: "forbidden" },
    });
    await expectNoEvents(ben);
  });
});

test("two organisations with the same names never receive each other's events", async () => {
  const ours = await inProject();
  const theirs = await inProject();
  for (const eve of [ours.eve, theirs.eve]) {
    await eve.emit("custom:join", { room: "lobby" });
    await eve.nextEvent("custom:joined");
    await eve.emit("presence:online");
  }
  for (const someone of [ours.ann, ours.ben, theirs.ann, theirs.ben])
    await someone.nextEvent("presence:user:online");

  await ours.ann.emit("custom:event", { projectId: "p1" });
  await ours.ann.emit("custom:broadcast", { projectId: "p1", event: "hey", room: "lobby" });
  await ours.ann.emit("custom:message", { targetUserId: "ben", message: "hi" });
  await ours.ann.emit("custom:presence", { projectId: "p1", status: "here" });
  await ours.ann.emit("presence:online");

  expect(await ours.ben.nextEvent("custom:event")).toMatchObject({ sender: "ann" });
  expect(await ours.eve.nextEvent("custom:hey")).toMatchObject({ sender: "ann" });
  await expectNoEvents(...Object.values(theirs));
});
