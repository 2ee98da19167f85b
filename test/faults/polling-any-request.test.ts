import fc from "fast-check";
import { afterAll, beforeEach, expect, inject, test, vi } from "vitest";
import { payload, SEPARATOR } from "../support/payloads.ts";
import { SILENT } from "../support/silent.ts";
import { UNLIMITED } from "../support/unlimited.ts";
import { connectPolling, type PollingClient, QUERY } from "./polling-client.ts";
import { createWorld } from "./world.ts";

/** More where they are asked for. */
const PAYLOADS = Number(process.env.PAYLOADS ?? 500);
const REQUESTS = 1000;

/** Calls of the database that one packet may make: one that joins a room and is told so makes some ten. */
const MOST_CALLS = 40;

const world = await createWorld(inject("assembly"), { ...UNLIMITED, pollWait: 1 });
afterAll(() => world.stop());
beforeEach(() => world.clearTable());

/** A stranger of another organisation, who polls. */
async function stranger(): Promise<PollingClient> {
  const ben = await connectPolling(world, "ben", "other");
  await ben.drain();
  return ben;
}

async function expectUntouched(ben: PollingClient): Promise<void> {
  expect(await ben.post('421["custom:join",{"room":"lobby"}]')).toMatchObject({ status: 200 });
  expect((await ben.get()).packets).toContain('431[{"room":"lobby"}]');
}

test(`any body of a POST is answered, with bounded work, and touches nobody else (${PAYLOADS} bodies)`, async () => {
  const failures = vi.spyOn(SILENT, "fail");
  const ben = await stranger();
  let ann = await connectPolling(world, "ann", "acme");
  let closed = 0;
  await fc.assert(
    fc.asyncProperty(payload, async (body) => {
      let status = 0;
      const { calls } = await world.withFault(0, undefined, async () => {
        // What the client would throw away is a 500.
        ({ status } = await ann.post(body));
      });

      expect([200, 400, 403, 413]).toContain(status);
      expect(calls).toBeLessThanOrEqual(MOST_CALLS * (body.split(SEPARATOR).length + 1));
      // Once it has ended, the next one is refused.
      if (status === 200) return;
      closed += 1;
      ann = await connectPolling(world, "ann", "acme");
    }),
    { numRuns: PAYLOADS },
  );
  console.info(`${closed} of ${PAYLOADS} bodies ended their session`);
  expect(failures.mock.calls.slice(0, 1)).toEqual([]);
  expect(closed).toBeLessThan(PAYLOADS * 0.95);
  await expectUntouched(ben);
}, 900_000);

test(`any request is answered, and never throws (${REQUESTS} requests)`, async () => {
  const ben = await stranger();
  const ann = await connectPolling(world, "ann", "acme");
  const text = fc.option(fc.string({ unit: "binary", maxLength: 30 }), { nil: undefined });
  const like = (...values: readonly (string | undefined)[]) =>
    fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...values) }, { weight: 1, arbitrary: text });
  const request = fc.record({
    method: fc.oneof(fc.constantFrom("GET", "POST", "OPTIONS", "HEAD", "PUT"), fc.string()),
    query: fc.record({
      EIO: like("4", "3", undefined),
      transport: like("polling", "websocket"),
      sid: like(ann.sid, undefined, "__proto__", "a".repeat(20)),
      t: text,
    }),
    headers: fc.dictionary(
      fc.constantFrom("origin", "content-type", "__proto__", "Host"),
      fc.oneof(fc.constantFrom("application/octet-stream", "null"), fc.string({ unit: "binary" })),
      { noNullPrototype: true },
    ),
    body: payload,
  });

  await fc.assert(
    fc.asyncProperty(request, async (given) => {
      const { statusCode } = await world.request(given);

      expect([200, 204, 400, 403, 413]).toContain(statusCode);
    }),
    { numRuns: REQUESTS },
  );
  await expectUntouched(ben);
}, 900_000);

test("a POST of two thousand packets makes a bounded number of calls, and one of more is refused at once", async () => {
  const bodies = async (count: number) => {
    const ann = await connectPolling(world, "ann", "acme");
    let answer = { status: 0 };
    const all = Array<string>(count).fill('42["custom:typing",{"projectId":"p1","isTyping":true}]');
    const { calls } = await world.withFault(0, undefined, async () => {
      answer = await ann.post(...all);
    });
    return { calls, status: answer.status };
  };
  const most = await bodies(2000);

  expect(most.status).toBe(200);
  expect(most.calls).toBeLessThanOrEqual(2 * 2000);
  expect(await bodies(2001)).toEqual({ calls: 1, status: 400 });
  console.info(`${most.calls} calls for 2,000 packets`);
});

test("a body above maxPayload is refused before anything is read", async () => {
  const { sid } = await connectPolling(world, "ann", "acme");
  let statusCode = 0;
  const { calls } = await world.withFault(0, undefined, async () => {
    const query = { ...QUERY, sid };
    ({ statusCode } = await world.request({ method: "POST", query, body: "4".repeat(131_073) }));
  });

  expect([statusCode, calls]).toEqual([413, 0]);
});
