import { describe, expect, test } from "vitest";
import { expectNoEvents, isoTime, newOrg, people, person, refusal } from "../support/people.ts";
import { putChat } from "../support/publishing.ts";

const lobby = { chatId: "lobby" };
const call = { ...lobby, type: "video", participants: ["ben", "eve"] };

describe("call:initiate", () => {
  test("rings at every socket of each participant, and nowhere else", async () => {
    const { ann, ben, eve, dan } = await people("ann", "ben", "eve", "dan");
    const tab = await person({ org: ann.org, sub: "ben" });

    expect(
      await ann.emit("call:initiate", { ...call, participants: ["ben", "eve", "ann"] }),
    ).toEqual({ ok: true });

    const news = { ...lobby, callerId: "ann", type: "video", timestamp: isoTime };
    for (const someone of [ben, tab, eve])
      expect(await someone.nextEvent("call:incoming")).toEqual(news);
    await expectNoEvents(ann, ben, tab, eve, dan);
  });

  test("again in the same chat ends the call for those it no longer invites", async () => {
    const { ann, ben, eve } = await people("ann", "ben", "eve");
    await ann.emit("call:initiate", { ...call, participants: ["ben"] });
    await ben.nextEvent("call:incoming");

    await ann.emit("call:initiate", { ...call, participants: ["eve"] });

    expect(await ben.nextEvent("call:ended")).toEqual({
      ...lobby,
      endedBy: "ann",
      timestamp: isoTime,
    });
    await eve.nextEvent("call:incoming");
    await expectNoEvents(ann, ben, eve);
  });

  test("does not ring without a token for the chat's project, or in another organisation", async () => {
    const { ann } = await people("ann");
    const ben = await person({ org: ann.org, sub: "ben", projects: ["p2"] });
    const { ben: stranger } = await people("ben");

    await ann.emit("call:initiate", { ...call, projectId: "p1" });

    await expectNoEvents(ann, ben, stranger);
  });

  test("of a user who is not a member of the chat is forbidden", async () => {
    const org = newOrg();
    await putChat(org, {
      chatId: "club",
      projectId: "p1",
      access: "members",
      members: ["ann", "ben"],
    });
    const ann = await person({ org });
    const ben = await person({ org, sub: "ben" });
    const club = { ...call, chatId: "club" };

    expect(await ann.emit("call:initiate", club)).toEqual(refusal("forbidden", /eve/));
    expect(await ben.receivesNothing()).toBe(true);
    expect(await ann.emit("call:initiate", { ...club, participants: ["ben"] })).toEqual({
      ok: true,
    });
    await ben.nextEvent("call:incoming");
  });

  test.each([
    ["type", { ...call, type: "smoke" }],
    ["participants", { ...call, participants: [] }],
    ["participants", { ...call, participants: Array.from({ length: 51 }, (_, n) => `u${n}`) }],
    ["participants.0", { ...call, participants: [1] }],
    ["chatId", { ...call, chatId: undefined }],
  ])("with wrong %s is refused by its path", async (path, payload) => {
    const { ann } = await people("ann");

    expect(await ann.emit("call:initiate", payload)).toEqual(
      refusal("invalid_payload", new RegExp(`^${path}: `)),
    );
  });
});

describe.each([
  ["call:accept", "call:accepted", "acceptedBy"],
  ["call:reject", "call:rejected", "rejectedBy"],
])("%s", (event, notification, by) => {
  test("notifies every socket of the caller, and nobody else", async () => {
    const { ann, ben, eve } = await people("ann", "ben", "eve");
    const tab = await person({ org: ann.org });
    await ann.emit("call:initiate", call);
    for (const someone of [ben, eve]) await someone.nextEvent("call:incoming");

    expect(await ben.emit(event, { ...lobby, callerId: "ann" })).toEqual({ ok: true });

    const news = { ...lobby, [by]: "ben", timestamp: isoTime };
    for (const someone of [ann, tab]) expect(await someone.nextEvent(notification)).toEqual(news);
    await expectNoEvents(ann, tab, ben, eve);
  });

  test("is refused to users who are not invited, and for calls that do not exist", async () => {
    const { ann, ben, dan } = await people("ann", "ben", "dan");
    await ann.emit("call:initiate", call);
    await ben.nextEvent("call:incoming");

    expect(await dan.emit(event, { ...lobby, callerId: "ann" })).toEqual(refusal("forbidden"));
    expect(await ben.emit(event, { ...lobby, callerId: "dan" })).toEqual(refusal("not_found"));
    expect(await ben.emit(event, { chatId: "other", callerId: "ann" })).toEqual(
      refusal("not_found"),
    );
    await expectNoEvents(ann, ben, dan);
  });
});

describe("call:end", () => {
  test.each(["ann", "eve"] as const)(
    "by %s notifies caller and participants, and the call is over",
    async (ender) => {
      const all = await people("ann", "ben", "eve", "dan");
      await all.ann.emit("call:initiate", call);
      for (const someone of [all.ben, all.eve]) await someone.nextEvent("call:incoming");

      expect(await all[ender].emit("call:end", { ...lobby, participants: [] })).toEqual({
        ok: true,
      });

      const news = { ...lobby, endedBy: ender, timestamp: isoTime };
      for (const someone of [all.ann, all.ben, all.eve])
        expect(await someone.nextEvent("call:ended")).toEqual(news);
      await expectNoEvents(...Object.values(all));
      expect(await all.ben.emit("call:accept", { ...lobby, callerId: "ann" })).toEqual(
        refusal("not_found"),
      );
    },
  );

  test("is for caller and participants only", async () => {
    const { ann, ben, dan } = await people("ann", "ben", "dan");
    await ann.emit("call:initiate", call);
    await ben.nextEvent("call:incoming");

    expect(await dan.emit("call:end", { ...lobby, participants: ["ben"] })).toEqual(
      refusal("forbidden"),
    );
    expect(await dan.emit("call:end", { chatId: "other", participants: ["ben"] })).toEqual(
      refusal("not_found"),
    );
    await expectNoEvents(ann, ben, dan);
  });
});
