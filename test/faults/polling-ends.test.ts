import { afterAll, beforeEach, describe, expect, inject, test } from "vitest";
import { connectPolling, QUERY } from "./polling-client.ts";
import { answerIn, frame, numbersIn, type Scene, scenes } from "./polling-scene.ts";
import { createWorld, type Fault } from "./world.ts";

const world = await createWorld(inject("assembly"), { pollWait: 1 });
afterAll(() => world.stop());
beforeEach(() => world.clearTable());

const { begin, upgraded, comeBack, tell, newOrg } = scenes(world);

/** The next look of a GET that waits, held. */
const holdLook = () =>
  world.holdNext(
    ({ Key, UpdateExpression }) => Key?.sk === "queue" && UpdateExpression === undefined,
  );

describe("an end", () => {
  test.each([
    ["polls", true],
    ["uses WebSocket", false],
  ])(
    "of a client that polls, by itself on a connection that %s, comes with all it missed",
    async (_, polls) => {
      const scene = await begin();
      await tell(scene.ben, 1);
      const back = await comeBack(scene, scene.ann.frames(), polls);
      await tell(scene.ben, 2);
      const frames = await back.frames();

      expect([answerIn(frames).sid, ...numbersIn(frames)]).toEqual([scene.sid, 1, 2]);
    },
  );

  test("of a WebSocket connection that looks alive lets its client poll", async () => {
    const scene = await begin();
    const first = await comeBack(scene, scene.ann.frames(), false);
    await tell(scene.ben, 1);
    const second = await comeBack(scene, await first.frames(), true);
    await tell(scene.ben, 2);

    expect(numbersIn([...(await first.frames()), ...(await second.frames())])).toEqual([1, 2]);
  });

  test.each([
    ["polls", false],
    ["has upgraded", true],
  ])("by revocation reaches a client that %s", async (_, isUpgraded) => {
    const scene = await begin();
    const link = isUpgraded ? await upgraded(scene) : undefined;
    await world.publish({ event: "revoke", org: scene.org, target: { userId: "ann" } });
    await scene.ann.drain();

    expect(scene.ann.frames()).toContain("41");
    if (link === undefined) expect(scene.ann.frames().at(-1)).toBe("1");
    else expect(world.isConnected(link)).toBe(false);
  });

  test.each([false, true])(
    "of a client that leaves as it upgrades is handled before the upgrade, and nobody waits for it (by another function: %s)",
    async (isOther) => {
      const { ann, ben } = await begin();
      const link = String(await ann.link());
      await world.send(link, "2probe");
      const sentAt = world.now();
      await world.disconnect(link);
      if (isOther) world.renew();
      await world.send(link, "5", sentAt);

      expect((await ann.get()).status).toBe(200);
      expect((await ann.get()).status).toBe(400);
      await tell(ben, 1);
      await world.disconnect(ben);
      for (let again = 0; again < 2; again += 1) await world.sweep();
      const left = (await world.items()).filter(({ pk }) => /^(conn|sess|room)#/.test(String(pk)));
      expect(left).toEqual([]);
    },
  );

  test.each<readonly [string, (scene: Scene) => Promise<unknown>]>([
    ["the server", ({ org }) => world.publish({ event: "revoke", org, target: { userId: "ann" } })],
    ["its client", ({ ann }) => ann.post("1")],
  ])("by %s leaves nothing that waits where a function dies in the middle", async (_, end) => {
    const endWith = async (call: number, fault?: Fault) => {
      const scene = await begin();
      return world.withFault(call, fault, () => end(scene).catch(() => undefined));
    };
    const { calls } = await endWith(0);
    for (let call = 1; call <= calls; call += 1) {
      await endWith(call, "dies before");
      for (let again = 0; again < 2; again += 1) await world.sweep();
      const queues = (await world.items()).filter(({ sk }) => sk === "queue");
      expect(queues.filter(({ endedAt }) => endedAt === undefined)).toEqual([]);
      await world.clearTable();
    }
    expect(calls).toBeGreaterThan(4);
  });

  test("by the server leaves no WebSocket that has taken over where a function dies in the middle", async () => {
    const endWith = async (call: number, fault?: Fault) => {
      const scene = await begin();
      const link = await upgraded(scene);
      const entry = { event: "revoke", org: scene.org, target: { userId: "ann" } };
      const end = () => world.publish(entry).catch(() => undefined);
      return { link, ...(await world.withFault(call, fault, end)) };
    };
    const { calls } = await endWith(0);
    for (let call = 1; call <= calls; call += 1) {
      const { link } = await endWith(call, "dies before");
      for (let again = 0; again < 2; again += 1) await world.sweep();
      const isListed = (await world.items()).some(
        ({ pk, endedAt }) => pk === `conn#${link}` && endedAt === undefined,
      );
      expect([call, world.isConnected(link)]).toEqual([call, isListed]);
      await world.clearTable();
    }
  });

  test("by the server is told whatever was received before it, and comes later", async () => {
    const { ann, org } = await begin();
    const receivedAt = world.now();
    world.pass(5);
    await world.publish({ event: "revoke", org, target: { userId: "ann" } });
    await world.send(ann.connectionId, "3", receivedAt);
    await ann.drain();

    expect(ann.frames().slice(-2)).toEqual(["41", "1"]);
  });

  test("by the server is told by a GET that is repeated on its way", async () => {
    const { ann, org } = await begin();
    const look = holdLook();
    const waiting = ann.get("same");
    await look.reached;
    await world.publish({ event: "revoke", org, target: { userId: "ann" } });
    const repeated = await ann.get("same");
    look.release();
    await waiting;
    await ann.drain();

    expect(repeated.packets.at(-1)).toBe("41");
    expect(ann.frames().filter((text) => text === "41")).not.toEqual([]);
    expect(ann.frames().at(-1)).toBe("1");
  });

  test("by the server is not taken for an unknown session by a GET whose host's clock is behind", async () => {
    const { ann, org } = await begin();
    const query = { ...QUERY, sid: ann.sid, t: "behind" };
    const receivedAt = world.now();
    world.pass(50);
    await ann.get();
    await world.publish({ event: "revoke", org, target: { userId: "ann" } });
    const answer = await world.request({ method: "GET", query, receivedAt });

    expect([answer.statusCode, answer.body]).toEqual([200, "6"]);
  });

  test("by the expiry of its token comes once, however many events one POST brings", async () => {
    const exp = Math.floor(world.now() / 1000) + 30;
    const ann = await connectPolling(world, "ann", newOrg(), {}, { exp });
    world.pass(31_000);
    await ann.post(...Array.from({ length: 300 }, () => '42["presence:update"]'));
    await ann.drain();

    const isTold = (text: string) => text.startsWith('42["session:expired"') || text === "41";
    expect(ann.frames().filter(isTold)).toHaveLength(2);
    expect(ann.frames().at(-1)).toBe("1");
  });

  test("by its client ignores what follows the close packet in its POST", async () => {
    const { ann, ben } = await begin();
    const before = world.framesOf(ben).length;
    const say = (n: number) => frame("custom:message", { targetUserId: "ben", message: `${n}` });
    await ann.post(say(1), "1", say(2));

    const heard = world.framesOf(ben).slice(before).join();
    expect([heard.includes('"1"'), heard.includes('"2"')]).toEqual([true, false]);
  });

  test("by the server is told by a GET, and not by a POST that comes before it", async () => {
    const { ann, org } = await begin();
    await world.publish({ event: "revoke", org, target: { userId: "ann" } });

    expect(await ann.post("3")).toEqual({ status: 200, packets: ["ok"] });
    expect((await ann.get()).packets.at(-1)).toBe("41");
    expect((await ann.get()).packets).toEqual(["1"]);
    expect((await ann.post("3")).status).toBe(400);
  });

  test.each(["a GET", "its WebSocket"])(
    "while a WebSocket probes is told by %s, and the WebSocket is cut only when it takes over",
    async (by) => {
      const { ann, org } = await begin();
      const link = String(await ann.link());
      await world.send(link, "2probe");
      await world.publish({ event: "revoke", org, target: { userId: "ann" } });
      expect(world.isConnected(link)).toBe(true);

      const given = by === "a GET" ? (await ann.get()).packets : [];
      await world.send(link, "5");

      const told = by === "a GET" ? given : world.framesOf(link);
      expect(told.at(-1)).toBe("41");
      expect(world.isConnected(link)).toBe(false);
    },
  );

  test.each([
    ["waits in a GET", false],
    ["has upgraded", true],
  ])("by the expiry of its token reaches a client that %s", async (_, isUpgraded) => {
    const exp = Math.floor(world.now() / 1000) + 30;
    const ann = await connectPolling(world, "ann", newOrg(), {}, { exp });
    const look = holdLook();
    if (isUpgraded) look.release();
    const waiting = isUpgraded ? undefined : ann.get();
    if (waiting !== undefined) await look.reached;
    const link = isUpgraded ? String(await ann.link()) : "";
    if (isUpgraded) for (const text of ["2probe", "5"]) await world.send(link, text);
    const sweep = Math.floor(world.now() / 240_000) * 240_000;
    await world.heartbeat(sweep, world.now() + 31_000);
    look.release();
    await waiting;
    await ann.drain();

    expect(ann.frames()).toContain("41");
    expect(isUpgraded ? world.isConnected(link) : ann.frames().at(-1)).toBe(
      isUpgraded ? false : "1",
    );
  });

  test.each([
    ["polls", false],
    ["has upgraded", true],
  ])(
    "by rotation reaches a client that %s before two hours, and is no DISCONNECT",
    async (_, isUpgraded) => {
      const { ann } = await connectedAlone();
      const link = isUpgraded ? String(await ann.link()) : "";
      if (isUpgraded) for (const text of ["2probe", "5"]) await world.send(link, text);
      const minute = 60_000;
      const first = Math.ceil(world.now() / minute) * minute;
      // Its first GET after that must not be a minute after its last one, whenever this test runs.
      world.pass(first - world.now());
      if (!isUpgraded) await ann.drain();
      let minutes = 0;
      const isOpen = async () =>
        isUpgraded ? world.isConnected(link) : (await ann.post("3")).status === 200;
      while (minutes < 120 && (await isOpen())) {
        await world.heartbeat(first + minutes * minute, first + minutes * minute + 1000);
        if (isUpgraded) await world.send(link, "3");
        else await ann.drain();
        minutes += 1;
      }

      expect(minutes).toBeGreaterThan(90);
      expect(minutes).toBeLessThan(117);
      expect(ann.frames()).not.toContain("41");
    },
  );
});

const connectedAlone = async () => ({ ann: await connectPolling(world, "ann", newOrg()) });
