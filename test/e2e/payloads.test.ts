import { expect, test } from "vitest";
import { ARE_POLLING, answerTo, people, tokenFor } from "../support/people.ts";
import { rawSocket } from "../support/raw.ts";
import { logged, settled, stack } from "../support/running.ts";

const KIB = 1024;

test("a thousand rapid emits of one socket are each acknowledged and delivered once", async () => {
  const { ann, ben } = await people("ann", "ben");
  await ben.emit("subscribe:project", "p1");
  const numbers = Array.from({ length: 1000 }, (_, n) => n);

  const acks = await Promise.all(
    numbers.map((n) => answerTo(() => ann.emit("custom:event", { projectId: "p1", n }))),
  );

  expect(acks).toEqual(numbers.map(() => ({ ok: true })));
  const received = await Promise.all(numbers.map(() => ben.nextEvent("custom:event")));
  const order = received.map((payload) => (payload as { readonly n: number }).n);
  expect(order.toSorted((a, b) => a - b)).toEqual(numbers);
  expect(await ben.receivesNothing()).toBe(true);
});

test("a payload of 30 KB arrives whole, whatever its characters", async () => {
  const { ann, ben } = await people("ann", "ben");
  await ben.emit("subscribe:project", "p1");
  const text = "é✓😀\u2028".repeat((30 * KIB) / 12);

  await ann.emit("custom:event", { projectId: "p1", text });

  expect(await ben.nextEvent("custom:event")).toMatchObject({ text });
});

// A client that polls sends no frames: test/protocol/polling.test.ts has what is too large for it.
test.skipIf(ARE_POLLING)(
  "a payload of 100 KB in one frame closes the connection as API Gateway would, and others receive nothing",
  async () => {
    const { ann, ben } = await people("ann", "ben");
    await ben.emit("subscribe:project", "p1");
    const closed = new Promise((resolve) => ann.socket.once("disconnect", resolve));

    ann.emitWithoutAck("custom:event", { projectId: "p1", text: "x".repeat(100 * KIB) });

    expect(await closed).toBe("transport close");
    expect(await ben.receivesNothing()).toBe(true);
  },
);

test("a custom payload of 32 KiB is the maximum", async () => {
  const { ann, ben } = await people("ann", "ben");
  await ben.emit("subscribe:project", "p1");
  const raw = await rawSocket(await tokenFor({ org: ann.org }));
  const payload = (bytes: number) => {
    const empty = JSON.stringify({ projectId: "p1", text: "" });
    return JSON.stringify({ projectId: "p1", text: "x".repeat(bytes - empty.length) });
  };

  raw.sendInFrames(`421["custom:event",${payload(32 * KIB)}]`, 16 * KIB);
  expect(await raw.nextFrame()).toBe('431[{"ok":true}]');
  await ben.nextEvent("custom:event");
  raw.sendInFrames(`422["custom:event",${payload(32 * KIB + 1)}]`, 16 * KIB);

  expect(await raw.nextFrame()).toContain('"code":"too_large"');
  expect(await ben.receivesNothing()).toBe(true);
});

test("binary data is sent in base64 in both directions, unchanged", async () => {
  const { ann, ben } = await people("ann", "ben");
  await ben.emit("subscribe:project", "p1");
  const bytes = Buffer.from(Array.from({ length: 5000 }, (_, index) => index % 256));

  expect(await ann.emit("custom:event", { projectId: "p1", file: { bytes } })).toEqual({
    ok: true,
  });

  const { file } = (await ben.nextEvent("custom:event")) as {
    readonly file: { readonly bytes: Buffer };
  };
  expect(Buffer.compare(file.bytes, bytes)).toBe(0);
  expect(await ben.receivesNothing()).toBe(true);
});

test("binary packets sent one after the other arrive each with its own attachment", async () => {
  const { ann, ben } = await people("ann", "ben");
  await ben.emit("subscribe:project", "p1");

  for (let n = 0; n < 10; n += 1)
    await ann.emit("custom:event", { projectId: "p1", n, bytes: Buffer.from([n]) });

  for (let n = 0; n < 10; n += 1) {
    const received = (await ben.nextEvent("custom:event")) as {
      readonly n: number;
      readonly bytes: Buffer;
    };
    expect(received.bytes[0]).toBe(received.n);
  }
});

test("held attachments above 1 MiB together close the connection and leave nothing", async () => {
  const { ann } = await people("ann");
  const raw = await rawSocket(await tokenFor({ org: ann.org }));

  for (let sent = 0; sent < 12; sent += 1) raw.sendInFrames(`b${"A".repeat(127 * KIB)}`, 32 * KIB);

  expect(await raw.closed).toBe(1000);
});

test("an attachment whose header never comes is deleted with its connection", async () => {
  const { ann } = await people("ann");
  const raw = await rawSocket(await tokenFor({ org: ann.org }));

  raw.send("bAAAA");
  raw.send('421["presence:update"]');
  expect(await raw.nextFrame()).toBe('431[{"ok":true}]');
  await settled();

  const parts = (await stack.database.items()).filter(({ sk }) => String(sk).startsWith("part#"));
  expect(parts).toHaveLength(1);
});

test("[SIO19] a payload that nests too deeply is refused, and one level less is accepted", async () => {
  const { ann, ben } = await people("ann", "ben");
  await ben.emit("subscribe:project", "p1");
  const raw = await rawSocket(await tokenFor({ org: ann.org }));
  const nested = (levels: number) =>
    `421["custom:event",{"projectId":"p1","deep":${"[".repeat(levels)}"]["${"]".repeat(levels)}}]`;

  raw.send(nested(10_000));
  expect(await raw.nextFrame()).toContain(
    '"invalid_payload","message":"payload: it nests more than 100 levels deep"',
  );
  raw.send(nested(98));
  expect(await raw.nextFrame()).toBe('431[{"ok":true}]');
  await ben.nextEvent("custom:event");
  raw.send(`40${"[".repeat(10_000)}`);
  expect(await raw.closed).toBe(1000);
});

test("neither tokens nor contents are logged", async () => {
  const { ann } = await people("ann");
  logged.length = 0;

  await ann.emit("custom:event", { projectId: "p1", text: "a private word" });
  await ann.emit("custom:event", { text: "a private word" });
  await settled();

  expect(logged.join("")).not.toMatch(/private|eyJ/);
});
