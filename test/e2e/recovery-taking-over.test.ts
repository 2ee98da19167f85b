import { afterAll, describe, expect, test } from "vitest";
import { gardening, news } from "../support/gardeners.ts";
import { newOrg, tokenFor } from "../support/people.ts";
import { later, type RawSession } from "../support/returning.ts";
import { startWithLimits } from "../support/running.ts";
import { until } from "../support/until.ts";

const garden = { room: "garden" };
const lobby = { projectId: "p1", chatId: "lobby" };

const logged: string[] = [];
// With this, the end of a connection is often handled before what its client has sent last.
const stack = await startWithLimits({}, (line) => void logged.push(line), { shuffle: true });
const { connect, say, rest, gardeners } = gardening(stack);
afterAll(async () => {
  await stack.stop();
  expect(logged.filter((line) => line.includes('"ERROR"'))).toEqual([]);
});

describe("a client that comes back while its old connection looks alive", () => {
  test("takes the session over, and gets what the old connection may not have brought", async () => {
    const { ben, ann, auth } = await gardeners();
    await say(ben, 2);

    const next = await connect(auth);
    expect(next.answer).toEqual(ann.answer);
    await say(ben, 3);

    expect(await rest(next)).toEqual([news(2), news(3)]);
    expect(await ann.client.closed).toBeGreaterThan(0);
  });

  test("takes it over again and again, and the last one keeps it", async () => {
    const { ben, ann, auth } = await gardeners();
    let last = ann;
    for (let n = 2; n < 6; n += 1) {
      await say(ben, n);
      last = await connect(auth);
      expect(last.answer).toEqual(ann.answer);
    }

    await say(ben, 6);

    expect(await rest(last)).toEqual([2, 3, 4, 5, 6].map(news));
  });

  test("with several at once, only one has the session", async () => {
    const { ben, ann, auth } = await gardeners();
    await say(ben, 2);

    const all = await Promise.all([connect(auth), connect(auth), connect(auth)].map(settled));
    await stack.idle();
    await say(ben, 3);

    const same = all.filter((one) => one?.answer.sid === ann.answer.sid) as RawSession[];
    const heard = await Promise.all(same.map((one) => Promise.race([rest(one), closed(one)])));
    expect(heard.filter((events) => events.length > 0)).toEqual([[news(2), news(3)]]);
  });
});

/** A session, or `undefined` if its connection is refused. */
const settled = (session: Promise<RawSession>) => session.catch(() => undefined);
const closed = async ({ client }: RawSession) => {
  await client.closed;
  return [];
};

test("a DISCONNECT ends the session, also where the end of the connection is handled before it", async () => {
  const token = await tokenFor({ org: newOrg() });
  for (let round = 0; round < 5; round += 1) {
    const ann = await connect({ token });
    ann.client.send("41");
    ann.client.close(1000, "");
    await ann.client.closed;
    await until(() => stack.gateway.connectionIds().length === 0, { interval: 1 });
    await stack.idle();

    const next = await connect({ token, pid: ann.answer.pid });
    expect(next.answer.sid).not.toBe(ann.answer.sid);
    next.client.kill();
    await until(() => stack.gateway.connectionIds().length === 0, { interval: 1 });
  }
});

test("replies and acknowledgements are not replayed, what a room has heard is", async () => {
  const { token, ann, auth } = await gardeners();
  await ann.ask("chat:join", lobby);
  const text = { ...lobby, type: "text", content: "hello" };
  const events = await ann.ask("message:send", text);
  expect(events.map(([event]) => event)).toContain("message:new");
  ann.client.kill();

  const next = await connect({ ...auth, token });

  expect((await rest(next)).map(([event]) => event)).toEqual(["message:new"]);
});

test("a room that was left is not replayed, whatever was posted of it", async () => {
  const { ben, ann, auth } = await gardeners();
  await say(ben, 2);
  await ann.ask("custom:leave", garden);
  await say(ben, 3);
  ann.client.kill();

  const next = await connect(auth);
  await say(ben, 4);

  expect(next.answer).toEqual(ann.answer);
  expect(await rest(next)).toEqual([]);
});

test("a room that was left and joined again is replayed since the last time, and joining twice changes nothing", async () => {
  const { ben, ann, auth } = await gardeners();
  await say(ben, 2);
  await ann.ask("custom:leave", garden);
  await say(ben, 3);
  await later();
  await ann.ask("custom:join", garden);
  await say(ben, 4);
  await ann.ask("custom:join", garden);
  ann.client.kill();
  await say(ben, 5);

  const next = await connect(auth);

  expect(await rest(next)).toEqual([news(4), news(5)]);
});
