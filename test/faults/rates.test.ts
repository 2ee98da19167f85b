import { readFileSync } from "node:fs";
import { afterAll, describe, expect, inject, test } from "vitest";
import { ContractLimits as Limits } from "../../lambdas/mudbase/limits.ts";
import { SAMPLES } from "../support/samples.ts";
import { connectPolling } from "./polling-client.ts";
import { createWorld } from "./world.ts";

// Five a second, a burst of fifty, flushed two at a time; nine times as many refusals disconnect.
const world = await createWorld(inject("assembly"), {
  ...{ callEventsPerSecond: 5, framesPerSecond: 0, pollWait: 1 },
});
const narrow = await createWorld(inject("assembly"), { framesPerSecond: 2 });
// One a second, a burst of ten, for every kind of event.
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

/** Sends a frame this many times in sequence; returns how many were accepted. */
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
  test("are accepted in a burst of ten seconds, and then at the rate of the limit", async () => {
    const ann = await world.connect("ann", newOrg());

    const atOnce = await sendAll(world, ann, 100);
    world.pass(2 * SECOND);
    const later = await sendAll(world, ann, 100);

    // Accepted events are flushed in batches, so the burst may exceed the limit.
    expect(atOnce).toBeGreaterThanOrEqual(50);
    expect(atOnce).toBeLessThanOrEqual(52);
    expect(later).toBeGreaterThanOrEqual(9);
    expect(later).toBeLessThanOrEqual(12);
  });

  test("are limited also where one POST brings them all at once", async () => {
    const ann = await connectPolling(world, "ann", newOrg());
    const events = Array.from({ length: 200 }, (_, n) => `42${n}["call:end",{}]`);

    await ann.post(...events);
    await ann.drain();

    const answers = ann.frames().filter((frame) => frame.startsWith("43"));
    expect(answers).toHaveLength(200);
    const accepted = answers.filter((answer) => !answer.includes("rate_limited"));
    expect(accepted.length).toBeGreaterThanOrEqual(50);
    expect(accepted.length).toBeLessThanOrEqual(52);
  });

  test("above the limit are refused with a time to wait that is sufficient", async () => {
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

  test("are counted per user, whatever socket sends them", async () => {
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

  test("leave no bucket that TTL deletes before it is full, or more than an hour after", async () => {
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
    "with $event is limited on each of them, and ten others are not",
    async ({ event, payload = {} }: { event: string; payload?: object }) => {
      const frame = `421${JSON.stringify([event, payload])}`;
      const sockets = await Promise.all(TEN.map(() => strict.connect(`eve of ${event}`, org)));
      strict.pass(10 * SECOND);

      const each = (of: readonly string[]) =>
        Promise.all(of.map((socket) => sendAll(strict, socket, 1, frame)));
      const first = await each(sockets);
      await each(sockets);
      const last = await each(sockets);
      const unaffected = await each(others);

      expect(first).toEqual(TEN.map(() => 1));
      expect(last).toEqual(TEN.map(() => 0));
      expect(unaffected).toEqual(TEN.map(() => 1));
    },
  );

  test("by connecting repeatedly is disconnected until the rate allows it, and nobody else is", async () => {
    const sockets: string[] = [];
    for (let tries = 0; tries < 20; tries += 1) sockets.push(await strict.connect("storm", org));
    const unaffected = await strict.connect("calm", org);
    strict.pass(SECOND);
    const later = await strict.connect("storm", org);

    expect(sockets.slice(0, 10).every(strict.isConnected)).toBe(true);
    expect(sockets.slice(12).some(strict.isConnected)).toBe(false);
    expect([unaffected, later].map(strict.isConnected)).toEqual([true, true]);
    // Without a packet, so that the client reconnects; after DISCONNECT it would not.
    expect(strict.framesOf(sockets[19] ?? "")).toEqual([]);
  });
});

describe("a client that exceeds the limit", () => {
  test("tenfold is disconnected for good", async () => {
    const ann = await world.connect("ann", newOrg());

    await sendAll(world, ann, 600);

    expect(world.isConnected(ann)).toBe(false);
  });

  test("twofold is only refused", async () => {
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
  ])("are limited over all sockets together, also $what", async ({ frame }) => {
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

  test("are limited whatever they contain, and a pong above the limit costs nothing", async () => {
    const ann = await narrow.connect("ann", newOrg());

    expect(await sendAll(narrow, ann, 40, '421["presence:update"]')).toBeLessThanOrEqual(21);
    const { calls } = await narrow.withFault(0, undefined, async () => {
      await narrow.send(ann, "3");
    });
    expect(calls).toBe(0);
    expect(narrow.isConnected(ann)).toBe(true);
  });

  test("far above the limit close the connection", async () => {
    const ann = await narrow.connect("ann", newOrg());

    await sendAll(narrow, ann, 300, "3");

    expect(narrow.isConnected(ann)).toBe(false);
  });
});

test("docs/performance.md documents every rate limit, with its burst and cost", () => {
  const page = readFileSync("docs/performance.md", "utf8").split("## Rate limits")[1] ?? "";
  const rows = [...page.matchAll(/^\| `(\w+PerSecond)` \| [^|]+ \| (.+) \|$/gm)];

  const expected = Object.entries(Limits.parse({})).flatMap(([name, perSecond]) => {
    const batch = Math.floor(perSecond / 2);
    const row = `${perSecond} | ${perSecond * 10} | 1/${batch} to 2/${batch}`;
    return name.endsWith("PerSecond") ? [[name, row]] : [];
  });
  expect(rows.map(([, name, row]) => [name, row])).toEqual(expected);
});
