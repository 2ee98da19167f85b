import { afterAll, afterEach, describe, expect, inject, test } from "vitest";
import { connectPolling, startPolling } from "./polling-client.ts";
import { createWorld } from "./world.ts";

const world = await createWorld(inject("assembly"), { pollWait: 1 });
afterAll(() => world.stop());
afterEach(() => world.clearTable());

const frame = (event: string, payload: object = {}) => `42${JSON.stringify([event, payload])}`;
const typing = frame("custom:typing", { projectId: "p1", isTyping: true });

describe("a client that polls", () => {
  test("shakes hands, connects, and is answered by its GETs", async () => {
    const ann = await connectPolling(world, "ann", "acme");

    expect(ann.answer).toMatch(/^40\{"sid":".+","pid":".+"\}$/);
    expect(await ann.post('421["custom:join",{"room":"lobby"}]')).toEqual({
      status: 200,
      packets: ["ok"],
    });
    expect((await ann.get()).packets).toEqual([
      '42["custom:joined",{"room":"lobby"}]',
      '431[{"room":"lobby"}]',
    ]);
  });

  test("hears what others broadcast, and upgrades without losing any of it", async () => {
    const ann = await connectPolling(world, "ann", "acme");
    const ben = await world.connect("ben", "acme");
    await ann.post(frame("subscribe:project", { projectId: "p1" }));
    await world.send(ben, frame("subscribe:project", { projectId: "p1" }));
    const link = String(await ann.link());

    await world.send(ben, typing);
    await world.send(link, "2probe");
    await world.send(ben, typing);
    expect((await ann.get()).packets).toHaveLength(2);
    await world.send(ben, typing);
    await world.send(link, "5");
    await world.send(ben, typing);

    expect(world.framesOf(link)).toEqual([
      "3probe",
      ...Array(2).fill(expect.stringMatching(/typing/)),
    ]);
    expect(await ann.get()).toEqual({
      status: 400,
      packets: ['{"code":3,"message":"Bad request"}'],
    });
    await world.send(link, '423["custom:join",{"room":"lobby"}]');
    expect(world.framesOf(link).at(-1)).toBe('433[{"room":"lobby"}]');
  });

  test("is asked for its session", async () => {
    const ann = await startPolling(world);

    expect((await ann.get()).packets).toEqual(["6"]);
  });
});
