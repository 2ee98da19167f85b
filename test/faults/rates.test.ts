import { readFileSync } from "node:fs";
import { afterAll, describe, expect, inject, test } from "vitest";
import { ContractLimits as Limits } from "../../lambdas/mudbase/limits.ts";
import { SAMPLES } from "../support/samples.ts";
import { createWorld } from "./world.ts";

// Five a second, fifty at once, written down two at a time; nine times as many refusals cut.
const world = await createWorld(inject("assembly"), { callEventsPerSecond: 5, framesPerSecond: 0 });
const narrow = await createWorld(inject("assembly"), { framesPerSecond: 2 });
// One a second, ten at once, of whatever there is.
const strict = await createWorld(inject("assembly"), {
  ...{ messageSendsPerSecond: 1, messageEventsPerSecond: 1, customEventsPerSecond: 1 },
  ...{ callEventsPerSecond: 1, integrationEventsPerSecond: 1, eventsPerSecond: 1 },
});
afterAll(() => Promise.all([world.stop(), narrow.stop(), strict.stop()]));

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
  return answers.filter((answer) => answer.startsWith("431") && !answer.startsWith(REFUSED)).length;
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

  test("leave no bucket that TTL takes before it is full, or does not take within the hour", async () => {
    const ann = await world.connect("ann", newOrg());
    await sendAll(world, ann, 30);
    world.pass(4 * SECOND);
    await sendAll(world, ann, 60);

    const buckets = (await world.items()).filter(({ pk }) => String(pk).startsWith("rate#"));
    expect(buckets.length).toBeGreaterThan(0);
    for (const { expiresAt, fullAt } of buckets) {
      expect(Number(expiresAt) * SECOND).toBeGreaterThanOrEqual(Number(fullAt));
      expect(Number(expiresAt) * SECOND - Number(fullAt)).toBeLessThanOrEqual(3601 * SECOND);
    }
  });
});

describe("a user who floods from ten sockets", async () => {
  const TEN = Array.from({ length: 10 }, (_, n) => n);
  const org = newOrg();
  const others = await Promise.all(TEN.map((n) => strict.connect(`other-${n}`, org)));

  test.each([...SAMPLES, { event: "no:such" }, { event: "constructor" }])(
    "with $event is limited on each of them, and ten others beside who behave are not",
    async ({ event, payload = {} }: { event: string; payload?: object }) => {
      const frame = `421${JSON.stringify([event, payload])}`;
      const sockets = await Promise.all(TEN.map(() => strict.connect(`eve of ${event}`, org)));
      strict.pass(10 * SECOND);

      const each = (of: readonly string[]) =>
        Promise.all(of.map((socket) => sendAll(strict, socket, 1, frame)));
      const first = await each(sockets);
      await each(sockets);
      const last = await each(sockets);
      const beside = await each(others);

      expect(first).toEqual(TEN.map(() => 1));
      expect(last).toEqual(TEN.map(() => 0));
      expect(beside).toEqual(TEN.map(() => 1));
    },
  );

  test("of connecting again and again is cut until there is time, and nobody else is", async () => {
    const sockets: string[] = [];
    for (let tries = 0; tries < 20; tries += 1) sockets.push(await strict.connect("storm", org));
    const beside = await strict.connect("calm", org);
    strict.pass(SECOND);
    const later = await strict.connect("storm", org);

    expect(sockets.slice(0, 10).every(strict.isConnected)).toBe(true);
    expect(sockets.slice(12).some(strict.isConnected)).toBe(false);
    expect([beside, later].map(strict.isConnected)).toEqual([true, true]);
    // Cut, so that it comes again; a DISCONNECT packet would keep it away for good.
    expect(strict.framesOf(sockets[19] ?? "")).toEqual([]);
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

describe("frames of a user", () => {
  test.each([
    { what: "pongs", frame: "3" },
    { what: "acknowledgements", frame: "431[]" },
    { what: "events", frame: '421["presence:update"]' },
  ])("are limited on all sockets together, $what too", async ({ frame }) => {
    const org = newOrg();
    const sockets = await Promise.all(Array.from({ length: 10 }, () => narrow.connect("eve", org)));
    for (const socket of [...sockets, ...sockets, ...sockets]) await narrow.send(socket, frame);
    const ben = await narrow.connect("ben", org);

    for (const socket of sockets) {
      await sendAll(narrow, socket, 1);
      expect(narrow.framesOf(socket).at(-1)).toContain('"what this user sends comes too often"');
    }
    expect(await sendAll(narrow, ben, 1)).toBe(1);
  });

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

test("docs/performance.md has every limit of rate, with what it lets through and costs", () => {
  const page = readFileSync("docs/performance.md", "utf8").split("## Rate limits")[1] ?? "";
  const rows = [...page.matchAll(/^\| `(\w+PerSecond)` \| [^|]+ \| (.+) \|$/gm)];

  const expected = Object.entries(Limits.parse({})).flatMap(([name, perSecond]) => {
    const portion = Math.floor(perSecond / 2);
    const row = `${perSecond} | ${perSecond * 10} | 1/${portion} to 2/${portion}`;
    return name.endsWith("PerSecond") ? [[name, row]] : [];
  });
  expect(rows.map(([, name, row]) => [name, row])).toEqual(expected);
});
