import { io } from "socket.io-client";
import { afterAll, describe, expect, test } from "vitest";
import { gardening, news } from "../support/gardeners.ts";
import { newOrg, tokenFor } from "../support/people.ts";
import { publishTo } from "../support/publish-to.ts";
import { returners, returning } from "../support/returning.ts";
import { startWithLimits } from "../support/running.ts";
import { until } from "../support/until.ts";

const p1 = { projectId: "p1" };
const garden = { room: "garden" };

const logged: string[] = [];
const stack = await startWithLimits({}, (line) => void logged.push(line));
afterAll(async () => {
  await stack.stop();
  expect(logged.filter((line) => line.includes('"ERROR"'))).toEqual([]);
});

const publish = (entry: object) => publishTo(stack, entry);
const { connect, say, rest, gardeners } = gardening(stack);

describe("the pid", () => {
  test.each([
    ["another user", { sub: "eve" }],
    ["a user of the same name in another organisation", { org: newOrg() }],
  ])("of a session brings %s nothing of it, and takes nothing from it", async (_, claims) => {
    const { org, ben, ann, auth } = await gardeners();
    await say(ben, 2);

    const other = await connect({ ...auth, token: await tokenFor({ org, ...claims }) });
    await say(ben, 3);

    expect(other.answer.sid).not.toBe(ann.answer.sid);
    expect(other.answer.pid).not.toBe(ann.answer.pid);
    expect(await rest(other)).toEqual([]);
    expect(await rest(ann)).toEqual([news(2), news(3)]);
  });

  test("does not replace the token", async () => {
    const { ann, auth } = await gardeners();
    ann.client.kill();

    expect((await connect({ ...auth, token: "wrong" })).answer).toEqual({
      message: "Authentication error",
    });
    expect((await connect(auth)).answer).toEqual(ann.answer);
  });

  test("of a token that grants less brings no room back that it does not grant", async () => {
    const { org, ben, ann, auth } = await gardeners();
    await ann.ask("subscribe:project", p1);
    ann.client.kill();

    const lesser = await connect({ ...auth, token: await tokenFor({ org, projects: ["p2"] }) });
    await ben.emit("custom:event", { ...p1, n: 2 });

    expect(await rest(lesser)).toEqual([]);
  });

  const others: readonly (readonly [string, (pid: string) => unknown])[] = [
    ["empty", () => ""],
    ["cut off", (pid) => pid.slice(0, -1)],
    ["longer", (pid) => `${pid}x`],
    ["of another case", (pid) => pid.toUpperCase().concat(pid.toLowerCase()).slice(0, pid.length)],
    ["a number", () => 7],
    ["null", () => null],
    ["true", () => true],
    ["an object", (pid) => ({ pid })],
    ["a list", (pid) => [pid]],
    ["very long", () => "x".repeat(20_000)],
    ["half a character", () => "\ud800"],
    ["a control character", () => "\u0000"],
    ["the name of a property", () => "__proto__"],
    ["with the parts of keys", () => "sess#a#b/room"],
  ];
  test.each(others)("that is %s begins a new session", async (_, change) => {
    const { ben, ann, auth } = await gardeners();
    ann.client.kill();
    await say(ben, 2);

    const next = await connect({ ...auth, pid: change(String(auth.pid)) });
    await say(ben, 3);

    expect(next.answer.sid).toMatch(/^[\w-]{20}$/);
    expect(next.answer.sid).not.toBe(ann.answer.sid);
    expect(await rest(next)).toEqual([]);
    expect((await connect(auth)).answer).toEqual(ann.answer);
  });

  test("is worth nothing after the session has ended by a DISCONNECT", async () => {
    const { ben, ann, auth } = await gardeners();
    ann.client.send("41");
    await stack.idle();
    await say(ben, 2);

    const next = await connect(auth);

    expect(next.answer.sid).not.toBe(ann.answer.sid);
    expect(await rest(next)).toEqual([]);
  });

  test("is not told to others, and differs with each session", async () => {
    const [first, second] = [await gardeners(), await gardeners()];

    expect(String(first.auth.pid).length).toBeGreaterThanOrEqual(20);
    expect(first.auth.pid).not.toBe(second.auth.pid);
    expect(first.auth.pid).not.toBe(first.ann.answer.sid);
    expect(logged.join("")).not.toContain(first.auth.pid);
  });
});

describe("after a revocation", () => {
  test.each([
    ["the user", {}, { userId: "ann" }],
    ["the user's session", { sid: "s1" }, { sid: "s1" }],
    ["the token", { jti: "t1" }, { jti: "t1" }],
  ])("of %s while it was away, a session is no more", async (_, claims, target) => {
    const org = newOrg();
    const ann = await returning(stack, { org, ...claims });
    const ben = await returning(stack, { org, sub: "ben" });
    await ann.emit("custom:join", garden);
    const { id } = ann.socket;
    await ann.lose();
    await publish({ event: "revoke", org, target });
    await stack.idle();
    await say(ben, 1);

    await expect(ann.comeBack()).rejects.toThrow("Authentication error");
    await publish({ event: "restore", org, target });
    await stack.idle();
    expect(await ann.comeBack()).toBe(false);

    expect(ann.socket.id).not.toBe(id);
    expect(await ann.heard("custom:news")).toEqual([]);
  });

  test("of a connected session, it does not come back", async () => {
    const { ann } = await returners(stack, io, "ann");
    const { id, org } = { id: ann.socket.id, org: ann.org };
    await publish({ event: "revoke", org, target: { userId: "ann" } });
    await stack.idle();
    await publish({ event: "restore", org, target: { userId: "ann" } });
    await stack.idle();

    await until(() => ann.socket.disconnected);
    expect(await ann.comeBack()).toBe(false);
    expect(ann.socket.id).not.toBe(id);
  });
});

describe("an offset", () => {
  const forged: readonly (readonly [string, (offset: string) => unknown])[] = [
    ["empty", () => ""],
    ["cut off", (offset) => offset.slice(0, -3)],
    ["its id alone", (offset) => offset.split(".")[0]],
    ["without its id", (offset) => `.${offset.split(".")[1]}`],
    ["of no time", (offset) => `${offset.split(".")[0]}.`],
    ["of time 0", (offset) => `${offset.split(".")[0]}.0`],
    ["of a negative time", (offset) => `${offset.split(".")[0]}.-1`],
    ["of a time in words", (offset) => `${offset.split(".")[0]}.NaN`],
    ["of an infinite time", (offset) => `${offset.split(".")[0]}.1e999`],
    ["of a far future", (offset) => `${offset.split(".")[0]}.99999999999999`],
    ["of a future id", () => `7ZZZZZZZZZZZZZZZZZZZZZZZZZ9999.${Date.now()}`],
    ["of the first id", () => `${"0".repeat(30)}.1`],
    [
      "with the parts of a replayed one",
      (offset) => `${offset}.1${`.${offset.split(".")[0]}`.repeat(2)}`,
    ],
    [
      "that claims a replay of all",
      (offset) => `${offset}.${Date.now()}.7ZZZZZZZZZZZZZZZZZZZZZZZZZ9999.`,
    ],
    ["with parts that are nothing", (offset) => `${offset}...`],
    ["of many parts", (offset) => `${offset}${".1".repeat(5000)}`],
    ["a number", () => 7],
    ["null", () => null],
    ["an object", (offset) => ({ offset })],
    ["a list", (offset) => [offset, offset]],
    ["half a character", () => "\ud800"],
    ["with the parts of keys", (offset) => `${offset}!#/room`],
  ];
  test.each(forged)(
    "that is %s brings no more than the rooms since they were joined",
    async (_, forge) => {
      const { ben, ann, auth, offset } = await gardeners();
      await ann.ask("custom:join", { room: "attic" });
      await ann.ask("custom:leave", { room: "attic" });
      ann.client.kill();
      await say(ben, 2);
      const told = { ...p1, room: "attic", event: "secret" };
      await ben.emit("custom:broadcast", told);

      const next = await connect({ ...auth, offset: forge(offset) });
      const heard = await rest(next);
      await say(ben, 3);

      const isSame = next.answer.sid === ann.answer.sid;
      expect(next.answer).toEqual({ sid: expect.any(String), pid: expect.any(String) });
      for (const event of heard) expect([news(1), news(2)]).toContainEqual(event);
      expect(heard.length).toBeLessThanOrEqual(isSame ? 2 : 0);
      expect(await rest(next)).toEqual(isSame ? [news(3)] : []);
    },
  );

  test("of an earlier session does not keep a session from coming back", async () => {
    const { ben, ann, auth } = await gardeners();
    ann.client.kill();
    await say(ben, 2);

    const next = await connect({ ...auth, offset: "01ARZ3NDEKTSV4RRFFQ69G5FAV0000.1469918176385" });

    expect(next.answer).toEqual(ann.answer);
    expect(await rest(next)).toEqual([news(1), news(2)]);
  });

  test("that is missing brings all since the session began", async () => {
    const { ben, ann, auth } = await gardeners();
    ann.client.kill();
    await say(ben, 2);

    const next = await connect({ token: auth.token, pid: auth.pid });

    expect(next.answer).toEqual(ann.answer);
    expect(await rest(next)).toEqual([news(1), news(2)]);
  });
});
