import { describe, expect, test } from "vitest";
import { newOrg, people, person, refusal } from "../support/people.ts";

describe("wallet subscriptions", () => {
  test.each([
    ["address", { addressId: "a1" }, { addressId: "a1" }, "a1"],
    ["project", { projectId: "p1" }, { projectId: "p1" }, "p1"],
    ["chain", { chain: "Ethereum" }, { chain: "ethereum" }, "ethereum"],
    ["currency", { currency: "eth" }, { currency: "ETH" }, "ETH"],
  ])(
    "%s is answered with its room, as reply and as acknowledgement",
    async (type, payload, fields, name) => {
      const { ann } = await people("ann");
      const answer = { type, ...fields, room: `wallet:${type}:${name}` };

      expect(await ann.emit(`wallet:subscribe:${type}`, payload)).toEqual(answer);
      expect(await ann.nextEvent("wallet:subscribed")).toEqual(answer);
      expect(await ann.receivesNothing()).toBe(true);
    },
  );

  test.each([
    ["address", { addressId: "a1" }],
    ["project", { projectId: "p1" }],
  ])("%s can be ended", async (type, payload) => {
    const { ann } = await people("ann");
    await ann.emit(`wallet:subscribe:${type}`, payload);

    expect(await ann.emit(`wallet:unsubscribe:${type}`, payload)).toEqual({ type, ...payload });
    expect(await ann.nextEvent("wallet:unsubscribed")).toEqual({ type, ...payload });
  });

  test("a socket may be in at most fifty wallet rooms, and joining one twice counts once", async () => {
    const { ann } = await people("ann");
    const subscribe = (n: number) => ann.emit("wallet:subscribe:address", { addressId: `a${n}` });
    for (let n = 0; n < 50; n += 1) expect(await subscribe(n)).toMatchObject({ type: "address" });

    expect(await subscribe(50)).toEqual(refusal("limit_exceeded"));
    expect(await subscribe(7)).toMatchObject({ addressId: "a7" });
    expect(await ann.emit("custom:join", { room: "lobby" })).toEqual({ room: "lobby" });
    await ann.emit("wallet:unsubscribe:address", { addressId: "a7" });
    expect(await subscribe(50)).toMatchObject({ addressId: "a50" });
  });

  test("of many concurrent joins at most fifty are accepted", async () => {
    const { ann } = await people("ann");

    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, n) => ann.emit("wallet:subscribe:chain", { chain: `c${n}` })),
    );

    expect(answers.filter((answer) => "type" in (answer as object)).length).toBeLessThanOrEqual(50);
    expect(answers).toContainEqual(refusal("limit_exceeded"));
  });

  test("a project that is not granted is forbidden", async () => {
    const ann = await person({ org: newOrg() });

    for (const event of ["wallet:subscribe:project", "wallet:unsubscribe:project"])
      expect(await ann.emit(event, { projectId: "p2" })).toEqual(refusal("forbidden"));
  });

  test.each([
    ["wallet:subscribe:address", "addressId"],
    ["wallet:subscribe:project", "projectId"],
    ["wallet:subscribe:chain", "chain"],
    ["wallet:subscribe:currency", "currency"],
    ["wallet:unsubscribe:address", "addressId"],
    ["wallet:unsubscribe:project", "projectId"],
  ])("%s without %s is refused by its path", async (event, path) => {
    const ann = await person({ org: newOrg(), projects: ["p1", "p2"] });

    expect(await ann.emit(event, {})).toEqual(refusal("invalid_payload", new RegExp(`^${path}: `)));
  });
});
