import { UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeEach, describe, expect, inject, test } from "vitest";
import { queueKey } from "../../lambdas/server/store/keys.ts";
import { connectPacket, QUERY, startPolling } from "./polling-client.ts";
import { answerIn, asked, frame, numbersIn, scenes } from "./polling-scene.ts";
import { createWorld } from "./world.ts";

const world = await createWorld(inject("assembly"), { pollWait: 1 });
afterAll(() => world.stop());
beforeEach(() => world.clearTable());

const { begin, linked, upgraded, comeBack, tell, newOrg } = scenes(world);

/** The next look of a GET that waits, held. */
const holdLook = () =>
  world.holdNext(
    ({ Key, UpdateExpression }) => Key?.sk === "queue" && UpdateExpression === undefined,
  );

const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

const UNKNOWN = { status: 400, packets: ['{"code":1,"message":"Session ID unknown"}'] };
const BAD = { status: 400, packets: ['{"code":3,"message":"Bad request"}'] };

describe("GETs and POSTs", () => {
  test("of two GETs at once the newer one is answered, and the older one that there is nothing", async () => {
    const { ann, ben } = await begin();
    const look = holdLook();
    const older = ann.get();
    await look.reached;
    await tell(ben, 1);
    const newer = await ann.get();
    look.release();

    expect(numbersIn(newer.packets)).toEqual([1]);
    expect((await older).packets).toEqual(["6"]);
  });

  test("a GET that comes while the end is under way is released by it, as one that came before", async () => {
    const { ann } = await begin();
    const end = world.holdNext(({ UpdateExpression }) => !!UpdateExpression?.includes("closedIn"));
    const closing = ann.post("1");
    await end.reached;
    const look = holdLook();
    const waiting = ann.get();
    await look.reached;
    end.release();
    await closing;
    look.release();

    expect((await waiting).packets).toEqual(["6"]);
    expect(await ann.get()).toEqual(UNKNOWN);
  });

  test("a GET that is repeated on its way is answered the same", async () => {
    const { ann, ben } = await begin();
    await tell(ben, 1);
    const first = await ann.get("t");
    await tell(ben, 2);

    expect(await ann.get("t")).toEqual(first);
    expect(numbersIn((await ann.get()).packets)).toEqual([2]);
  });

  test("GETs that are called by the second they are sent in are one after the other", async () => {
    const { ann, ben } = await begin();
    await tell(ben, 1);
    const second = "1764226000";
    const first = await ann.get(second);
    await tell(ben, 2);

    expect(numbersIn(first.packets)).toEqual([1]);
    expect(numbersIn((await ann.get(second)).packets)).toEqual([2]);
  });

  test("a GET is answered with sixteen packets at most, and the next one with the rest", async () => {
    const { ann, ben } = await begin();
    for (const n of upTo(20)) await tell(ben, n);
    const [first, again, rest] = [await ann.get("t"), await ann.get("t"), await ann.get()];

    expect(numbersIn(first.packets)).toEqual(upTo(16));
    expect(again).toEqual(first);
    expect(numbersIn(rest.packets)).toEqual([16, 17, 18, 19]);
  });

  test("what a cancelled GET took is missed by nobody who comes back", async () => {
    const scene = await begin();
    const frames = [...scene.ann.frames()];
    await tell(scene.ben, 1);
    await scene.ann.get();
    const back = await comeBack(scene, frames, true);

    expect(numbersIn(await back.frames())).toEqual([1]);
  });

  test("a session that is unknown, or has ended, is refused with code 1", async () => {
    const { ann } = await begin();
    for (const sid of ["x", "a".repeat(20)])
      for (const method of ["GET", "POST"]) {
        const { statusCode, body } = await world.request({ method, query: { ...QUERY, sid } });
        expect([statusCode, body]).toEqual([400, UNKNOWN.packets[0]]);
      }
    expect((await ann.post("1")).status).toBe(200);

    expect([await ann.get(), await ann.post("3")]).toEqual([UNKNOWN, UNKNOWN]);
    expect(await ann.link()).toBe(400);
  });

  test("what cannot be begun within 5 s of its POST is refused, and not handled", async () => {
    const { ann } = await begin();
    const look = world.holdNext(({ Key }) => Key?.pk === `conn#${ann.connectionId}`);
    const posted = ann.post(asked(2, "custom:join", { room: "attic" }));
    await look.reached;
    world.pass(6000);
    look.release();
    await posted;
    await ann.drain();

    expect(ann.frames().find((text) => text.startsWith("432"))).toContain('"code":"rate_limited"');
    expect((await world.items()).filter(({ pk }) => String(pk).includes("attic"))).toEqual([]);
  });

  test("the answers to the events of one POST are appended many at once", async () => {
    const { ann } = await begin();
    const events = upTo(48).map((id) => asked(100 + id, "presence:update"));
    const alone = await world.costOf(() => ann.post(String(events[0])));
    await ann.drain();
    const together = await world.costOf(() => ann.post(...events));
    await ann.drain();
    await ann.drain();

    const acknowledged = ann.frames().filter((text) => /^431\d\d\[/.test(text));
    expect(acknowledged).toHaveLength(1 + 48);
    expect(together.writes).toBeLessThan(48 * (alone.writes - 1) + 48 / 4);
  });

  test("of a POST that joins and leaves one room the later packet decides", async () => {
    const { ann, ben } = await begin();
    const [joins, leaves] = ["custom:join", "custom:leave"].map((event) =>
      frame(event, { room: "corner" }),
    );
    await ann.post(String(leaves), String(joins));
    await tell(ben, 1);
    await ann.post(String(joins), String(leaves));
    await tell(ben, 2);
    await ann.drain();

    expect(numbersIn(ann.frames())).toEqual([1]);
  });

  test.each([
    ["packets", { packets: Array(256).fill("6"), size: 256 }],
    ["bytes", { packets: ["6"], size: 163_840 }],
  ])(
    "a queue full of %s is closed, and its client comes back to what it has missed",
    async (_, full) => {
      const scene = await begin();
      const { ann, ben, sid } = scene;
      await world.database.send(
        new UpdateCommand({
          ...{ TableName: world.tableName, Key: queueKey(ann.connectionId) },
          UpdateExpression: "SET packets = :packets, #size = :size",
          ExpressionAttributeNames: { "#size": "size" },
          ExpressionAttributeValues: { ":packets": full.packets, ":size": full.size },
        }),
      );
      await tell(ben, 1);
      let last = await ann.get();
      while (last.packets[0] === "6") last = await ann.get();
      const back = await comeBack(scene, ann.frames(), true);
      const frames = await back.frames();

      expect(last.packets).toEqual(["1"]);
      expect([answerIn(frames).sid, ...numbersIn(frames)]).toEqual([sid, 1]);
    },
  );

  test("a client that has not asked for a minute is gone for a broadcast, and comes back for it", async () => {
    const scene = await begin();
    world.pass(61_000);
    await tell(scene.ben, 1);

    expect((await scene.ann.get()).packets).toEqual(["1"]);
    expect(await scene.ann.get()).toEqual(UNKNOWN);
    const back = await comeBack(scene, scene.ann.frames(), false);
    expect(numbersIn(await back.frames())).toEqual([1]);
  });
});

describe("an upgrade", () => {
  test("is closed to a second link while the first one probes, for ten seconds", async () => {
    const scene = await begin();
    const second = String(await scene.ann.link());
    const first = await linked(scene);
    await world.send(second, "2probe");
    expect([world.isConnected(first), world.isConnected(second)]).toEqual([true, false]);
    expect(await scene.ann.link()).toBe(400);
    world.pass(11_000);
    const third = await linked(scene);

    expect(world.framesOf(third)).toEqual(["3probe"]);
  });

  test("without a probe closes the link, and polling goes on", async () => {
    const { ann, ben } = await begin();
    const link = String(await ann.link());
    await world.send(link, "5");
    await tell(ben, 1);

    expect(world.isConnected(link)).toBe(false);
    expect(numbersIn((await ann.get()).packets)).toEqual([1]);
  });

  test.each(["abc", "1", "4hello", '42/nope,["message"]'])(
    "is given up by a link that has probed and sends %s, and polling goes on",
    async (breach) => {
      const scene = await begin();
      const link = await linked(scene);
      await world.send(link, breach);
      await tell(scene.ben, 1);

      expect(world.isConnected(link)).toBe(false);
      expect(numbersIn((await scene.ann.get()).packets)).toEqual([1]);
      expect(await scene.ann.link()).not.toBe(400);
    },
  );

  test.each(["abc", "1", "4hello"])(
    "ends with its session by a link that has taken over and sends %s",
    async (breach) => {
      const scene = await begin();
      const link = await upgraded(scene);
      await world.send(link, breach);
      await tell(scene.ben, 1);

      expect(world.isConnected(link)).toBe(false);
      expect(numbersIn(world.framesOf(link))).toEqual([]);
      expect(await scene.ann.get()).toEqual(UNKNOWN);
    },
  );

  test("is followed by no GET and no POST", async () => {
    const scene = await begin();
    await upgraded(scene);

    expect([await scene.ann.get(), await scene.ann.post("3")]).toEqual([BAD, BAD]);
  });

  test("refuses a GET that came while the link probed and waits until it has taken over", async () => {
    const scene = await begin();
    const link = await linked(scene);
    const look = holdLook();
    const waiting = scene.ann.get();
    await look.reached;
    await world.send(link, "5");
    look.release();

    expect(await waiting).toEqual(BAD);
  });

  test("releases a GET that waited before the link probed", async () => {
    const scene = await begin();
    const look = holdLook();
    const waiting = scene.ann.get();
    await look.reached;
    await upgraded(scene);
    look.release();

    expect((await waiting).packets).toEqual(["6"]);
  });

  test("closes a link whose session has ended", async () => {
    const { ann } = await begin();
    const link = String(await ann.link());
    await ann.post("1");
    await world.send(link, "2probe");

    expect(world.isConnected(link)).toBe(false);
  });

  test("serves a frame that overtakes it, and posts its replies with what waits", async () => {
    const scene = await begin();
    const link = await linked(scene);
    await tell(scene.ben, 1);
    await world.send(link, asked(7, "custom:join", { room: "lobby" }));
    await world.send(link, "5");

    const frames = world.framesOf(link);
    expect(numbersIn(frames)).toEqual([1]);
    expect(frames.at(-1)).toBe('437[{"room":"lobby"}]');
  });

  test("has a function that knows nothing of it serve events, pongs and attachments of the link", async () => {
    const scene = await begin();
    const { ann } = scene;
    await ann.post('451-8["custom:join",{"room":"lobby","file":{"_placeholder":true,"num":0}}]');
    const link = await upgraded(scene);
    world.renew();
    await world.send(link, "bAAAA");
    world.renew();
    await world.send(link, "3");
    world.renew();
    await world.send(link, asked(9, "custom:join", { room: "attic" }));

    expect(world.isConnected(link)).toBe(true);
    expect(world.framesOf(link).filter((text) => text.startsWith("43"))).toEqual([
      '438[{"room":"lobby"}]',
      '439[{"room":"attic"}]',
    ]);
  });

  test("lets CONNECT come by the link to a function that does not know it, and bring a session back", async () => {
    const scene = await begin();
    await tell(scene.ben, 1);
    const again = await startPolling(world);
    const link = String(await again.link());
    for (const text of ["2probe", "5"]) await world.send(link, text);
    world.renew();
    await world.send(link, connectPacket("ann", scene.org, { pid: scene.pid }));
    await tell(scene.ben, 2);

    expect(answerIn(world.framesOf(link)).sid).toBe(scene.sid);
    expect(numbersIn(world.framesOf(link))).toEqual([1, 2]);
  });

  test("keeps the token of the handshake for a CONNECT that comes by the link", async () => {
    const claims = {
      sub: "ann",
      org: newOrg(),
      projects: ["p1"],
      scope: "api",
      exp: 9_999_999_999,
    };
    const headers = { authorization: `Bearer ${JSON.stringify(claims)}` };
    const { body } = await world.request({ query: QUERY, headers });
    const { sid } = JSON.parse(body.slice(1)) as { sid: string };
    const link = String(await world.link(sid));
    for (const text of ["2probe", "5"]) await world.send(link, text);
    world.renew();
    await world.send(link, "40");

    expect(world.framesOf(link).at(-1)).toMatch(/^40\{"sid"/);
  });

  test("makes a broadcast cost, once rooms list the link, what it costs to a client of WebSocket", async () => {
    const scene = await begin();
    // Of three, as its sender's session is read again every few seconds.
    const cost = async () => {
      const all = [];
      for (const n of [1, 2, 3]) all.push(await world.costOf(() => tell(scene.ben, n)));
      return { ...all[0], reads: Math.min(...all.map(({ reads }) => reads)) };
    };
    const link = await upgraded(scene);
    const first = await world.costOf(() => tell(scene.ben, 0));
    const later = await cost();
    await world.disconnect(link);
    const other = await world.connect("cal", scene.org);
    await world.send(other, asked(1, "custom:join", { room: "corner" }));

    expect(first.writes).toBeGreaterThan(Number(later.writes));
    expect(later).toEqual(await cost());
  });
});
