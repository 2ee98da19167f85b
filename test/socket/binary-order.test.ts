import { afterAll, beforeEach, expect, inject, test } from "vitest";
import { createWorld } from "../faults/world.ts";

const world = await createWorld(inject("assembly"));
afterAll(() => world.stop());

let organisations = 0;
let ann = "";
let ben = "";

beforeEach(async () => {
  const org = `org-${++organisations}`;
  ann = await world.connect("ann", org);
  ben = await world.connect("ben", org);
  await world.send(ben, '42["subscribe:project","p1"]');
});

/** The frames of an event with so many attachments. */
const binary = (ackId: number | "", ...attachments: readonly string[]) => [
  `45${attachments.length}-${ackId}${JSON.stringify([
    "custom:event",
    {
      projectId: "p1",
      bytes: attachments.map((_, num) => ({ _placeholder: true, num })),
    },
  ])}`,
  ...attachments.map((base64) => `b${base64}`),
];

/** Sends frames that API Gateway receives in one millisecond. */
const sendAtOnce = (frames: readonly string[]) =>
  Promise.all(frames.map((frame) => world.send(ann, frame)));

/** What was posted since the sockets were there: to ann, and to ben. */
const posted = () => [ann, ben].map((who) => world.framesOf(who).slice(1));

const held = async () =>
  (await world.items()).filter(
    ({ sk, parts }) => String(sk).startsWith("part#") || (parts as unknown[] | undefined)?.length,
  );

const conflict = expect.stringMatching(
  /^431\[\{"error":\{"code":"conflict","message":"[^"]*send one attachment an event, or base64/,
);

test("[SIO15] one attachment, in the millisecond of its header, arrives", async () => {
  await sendAtOnce(binary(1, "AAAA"));

  const [toAnn, toBen] = posted();
  expect(toAnn).toEqual(['431[{"ok":true}]']);
  expect(toBen?.slice(1)).toEqual(["bAAAA"]);
  expect(await held()).toEqual([]);
});

test("[SIO15] two attachments of one millisecond are refused once, and nothing is kept or sent", async () => {
  await sendAtOnce(binary(1, "AAAA", "BBBB"));

  expect(posted()).toEqual([[conflict], []]);
  expect(await held()).toEqual([]);
});

test("[SIO15] two events of one millisecond are refused, each once", async () => {
  await sendAtOnce([...binary(1, "AAAA"), ...binary("", "BBBB")]);

  const [toAnn, toBen] = posted();
  expect(toAnn?.toSorted()).toEqual([
    expect.stringMatching(/^42\["exception",\{"code":"conflict",.*"event":"custom:event"/),
    conflict,
  ]);
  expect(toBen).toEqual([]);
  expect(await held()).toEqual([]);
});

test("[SIO15] two attachments of different milliseconds arrive in their order", async () => {
  for (const frame of binary(1, "AAAA", "BBBB")) {
    await world.send(ann, frame);
    world.pass(1);
  }

  const [toAnn, toBen] = posted();
  expect(toAnn).toEqual(['431[{"ok":true}]']);
  expect(toBen?.slice(1)).toEqual(["bAAAA", "bBBBB"]);
});
