import { afterAll, describe, expect, inject, test } from "vitest";
import { createWorld } from "./world.ts";

// Five a second, fifty at once, written down two at a time; nine times as many refusals cut.
const world = await createWorld(inject("assembly"), { callEventsPerSecond: 5, framesPerSecond: 0 });
const narrow = await createWorld(inject("assembly"), { framesPerSecond: 2 });
afterAll(() => Promise.all([world.stop(), narrow.stop()]));

const PING = '421["call:end",{}]';
const REFUSED = '431[{"error":{"code":"rate_limited"';
const SECOND = 1000;
let organisations = 0;
const newOrg = () => `org-${++organisations}`;

/** Sends a frame so many times, one after another; gives how many were let through. */
async function sendAll(
  { send, framesOf }: typeof world,
  connectionId: string,
  count: number,
  frame = PING,
) {
  const before = framesOf(connectionId).length;
  for (let sent = 0; sent < count; sent += 1) await send(connectionId, frame);
  const answers = framesOf(connectionId).slice(before);
  return answers.filter((answer) => !answer.startsWith(REFUSED)).length;
}

describe("events of a kind", () => {
  test("are let through ten seconds' worth at once, and then as fast as the limit says", async () => {
    const ann = await world.connect("ann", newOrg());

    const atOnce = await sendAll(world, ann, 100);
    world.pass(2 * SECOND);
    const later = await sendAll(world, ann, 100);

    // A portion is counted after it was let through.
    expect(atOnce).toBeGreaterThanOrEqual(50);
    expect(atOnce).toBeLessThanOrEqual(52);
    expect(later).toBeGreaterThanOrEqual(9);
    expect(later).toBeLessThanOrEqual(12);
  });

  test("that come too often are refused with the time to wait, and it is enough", async () => {
    const ann = await world.connect("ann", newOrg());
    await sendAll(world, ann, 60);

    const [refusal = ""] = world.framesOf(ann).slice(-1);
    const [{ error }] = JSON.parse(refusal.slice("431".length));
    expect(error).toEqual({
      code: "rate_limited",
      message: "call:end comes too often",
      retryAfterMs: expect.any(Number),
    });
    world.pass(error.retryAfterMs);
    expect(await sendAll(world, ann, 1)).toBe(1);
  });

  test("are counted for the user, whatever socket sends them, and for nobody else", async () => {
    const org = newOrg();
    const [ann, tab, ben] = [
      await world.connect("ann", org),
      await world.connect("ann", org),
      await world.connect("ben", org),
    ];
    const stranger = await world.connect("ann", newOrg());
    await sendAll(world, ann, 60);

    expect(await sendAll(world, tab, 5)).toBe(0);
    expect(await sendAll(world, ben, 5)).toBe(5);
    expect(await sendAll(world, stranger, 5)).toBe(5);
    expect(await sendAll(world, ann, 5, '421["presence:update"]')).toBe(5);
  });

  test("a bucket that is full again leaves nothing in the table that TTL does not take", async () => {
    const ann = await world.connect("ann", newOrg());
    await sendAll(world, ann, 60);

    const buckets = (await world.items()).filter(({ pk }) => String(pk).startsWith("rate#"));
    expect(buckets.length).toBeGreaterThan(0);
    for (const { expiresAt, fullAt } of buckets)
      expect(Number(expiresAt) * SECOND - Number(fullAt)).toBeLessThanOrEqual(SECOND);
  });
});

describe("a client that keeps on", () => {
  test("at ten times the limit is disconnected and told not to come back", async () => {
    const ann = await world.connect("ann", newOrg());

    await sendAll(world, ann, 600);

    expect(world.isConnected(ann)).toBe(false);
  });

  test("at twice the limit is only refused", async () => {
    const ann = await world.connect("ann", newOrg());
    let passed = 0;
    for (let second = 0; second < 60; second += 1) {
      passed += await sendAll(world, ann, 10);
      world.pass(SECOND);
    }

    expect(world.isConnected(ann)).toBe(true);
    expect(passed).toBeGreaterThanOrEqual(50 + 59 * 5 - 2);
    expect(passed).toBeLessThanOrEqual(50 + 60 * 5 + 2);
  });
});

describe("frames of a socket", () => {
  test("are limited whatever they carry, and a pong too many costs nothing", async () => {
    const ann = await narrow.connect("ann", newOrg());

    expect(await sendAll(narrow, ann, 40, '421["presence:update"]')).toBeLessThanOrEqual(21);
    const { calls } = await narrow.withFault(0, undefined, async () => {
      await narrow.send(ann, "3");
    });
    expect(calls).toBe(0);
    expect(narrow.isConnected(ann)).toBe(true);
  });

  test("end the connection where they keep coming", async () => {
    const ann = await narrow.connect("ann", newOrg());

    await sendAll(narrow, ann, 300, "3");

    expect(narrow.isConnected(ann)).toBe(false);
  });
});
