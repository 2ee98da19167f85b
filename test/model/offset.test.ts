import { describe, expect, test } from "vitest";
import {
  broadcastOf,
  copyId,
  type Offset,
  packetId,
  readOffset,
  timeOf,
  withOffset,
  withoutOffset,
} from "../../lambdas/server/model/offset.ts";

const BROADCAST = "01KAZZZZZZZZZZZZZZZZZZZZZZ";
const id = packetId(BROADCAST, 7);
const postedAt = 1_764_000_000_000;
const text = `${id}.${postedAt}`;

/** The arguments of an event's frame, with its name: what a stock client calls listeners with. */
const argsOf = (frame: string) => JSON.parse(frame.slice(frame.indexOf('["'))) as unknown[];

/** What a stock client keeps as its last offset once it has such an event: the text that comes last. */
function keptBy(frame: string): string | undefined {
  const last = argsOf(frame).at(-1);
  return typeof last === "string" ? last : undefined;
}

const replayed = { readAt: postedAt + 5, upTo: packetId(BROADCAST, 9), anchor: "" };

describe("an offset", () => {
  test.each<[string, Offset]>([
    ["a packet that was posted at once", { id, postedAt }],
    ["a packet that was replayed to a client that had none", { id, postedAt, replayed }],
    ["a packet that was replayed", { id, postedAt, replayed: { ...replayed, anchor: id } }],
    ["a match's copy", { id: copyId(id, ["queryId", "q 1"]), postedAt }],
    [
      "a match's copy that was replayed after others",
      {
        ...{ id: copyId(id, ["queryId", "."]), postedAt },
        replayed: {
          ...replayed,
          upTo: copyId(id, ["queryId", "~"]),
          anchor: copyId(id, ["queryId", ""]),
        },
      },
    ],
  ])("of %s is read as it was written", (_, offset) => {
    expect(readOffset(keptBy(withOffset('42["news",1]', offset)))).toEqual(offset);
  });

  test.each([
    ["nothing", undefined],
    ["another text", "hello"],
    ["an id alone", id],
    ["an id in which there is no time", `8${text.slice(1)}`],
    ["a time of too many digits", `${text}0`],
    ["a time of too few digits", text.slice(0, -1)],
    ["a copy with a field longer than any", `${id}~${"a".repeat(701)}.${postedAt}`],
    ["more than there is", `${text}.${postedAt}.${id}..`],
    ["less than a replay has", `${text}.${postedAt}`],
    ["another text before it", ` ${text}`],
    ["an object", { id, postedAt }],
  ])("is not read in %s", (_, given) => {
    expect(readOffset(given)).toBeUndefined();
  });
});

describe("the id of a match's copy", () => {
  test("follows the packet's own, is before the next one's, and is one for each match", () => {
    const copies = ["", "a", "b", "~", "é", "q".repeat(128)].map((one) =>
      copyId(id, ["queryId", one]),
    );

    expect(new Set(copies).size).toBe(copies.length);
    for (const copy of copies) {
      expect(copy > id).toBe(true);
      expect(copy < `${id}~~`).toBe(true);
      expect(copy < packetId(BROADCAST, 8)).toBe(true);
      expect([broadcastOf(copy), timeOf(copy)]).toEqual([BROADCAST, timeOf(id)]);
    }
  });

  test("of the longest field is one that is read", () => {
    const offset = { id: copyId(id, ["queryId", "\u{10ffff}".repeat(128)]), postedAt };

    expect(readOffset(keptBy(withOffset('42["news",1]', offset)))).toEqual(offset);
  });
});

const FRAMES = [
  ["no arguments", '42["news"]', ["news"]],
  ["an argument", '42["news",{"a":["b"]}]', ["news", { a: ["b"] }]],
  ["an array that ends in a text", '42["news",["b"]]', ["news", ["b"]]],
  ["a text", '42["news","b"]', ["news", "b"]],
  ["a text that looks like the end of a frame", '42["news","\\"]"]', ["news", '"]']],
  ["a namespace, and an acknowledgement", '42/admin,12["news","b"]', ["news", "b"]],
  [
    "an attachment",
    '451-["news",{"_placeholder":true,"num":0},"b"]',
    ["news", { _placeholder: true, num: 0 }, "b"],
  ],
  ["a name in quotes", '42["a \\"name\\"","b"]', ['a "name"', "b"]],
] as const;

test.each(FRAMES)("an event with %s has its offset after these", (_, frame, args) => {
  const sent = withOffset(frame, { id, postedAt });

  expect(argsOf(sent)).toEqual([...args, text]);
  expect(sent.slice(0, sent.indexOf("["))).toBe(frame.slice(0, frame.indexOf("[")));
});

test.each(FRAMES)(
  "a reply with %s has these first, and nothing that a client takes for an offset",
  (_, frame, args) => {
    const sent = withoutOffset(frame);

    expect(argsOf(sent).slice(0, args.length)).toEqual(args);
    expect(argsOf(sent).slice(args.length)).toEqual(typeof args.at(-1) === "string" ? [null] : []);
    expect(keptBy(sent)).toBeUndefined();
  },
);
