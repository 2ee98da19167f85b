import { encodeTime } from "ulid";
import { expect, test } from "vitest";
import { packetId } from "../../lambdas/server/model/offset.ts";
import { inTime } from "../../lambdas/server/pipeline/packet-log.ts";

const began = Date.now();
const id = packetId(`${encodeTime(began)}0000000000000000`, 0);
const toHall = { audience: { tenant: "acme", nsp: "/", rooms: ["hall"], except: [] }, id };
const question = { ...toHall, frames: ['421["question"]'], ackId: 1 };
const event = { ...toHall, frames: ['42["news"]'], isEvent: true };

test("packets of a broadcast are sent as they are for some seconds, and anew after that", () => {
  const packets = [question, event];

  expect(inTime(packets, began + 5000)).toEqual(packets);
  expect(inTime(packets, began + 10_000)).toEqual(
    packets.map(({ id: instead, ...packet }) => ({ ...packet, instead })),
  );
});

test.each([
  ["takes sockets out of a room", { ...toHall, frames: [], leaves: "hall", at: began }],
  ["ends sockets", { ...toHall, frames: ["41"], closes: false }],
])("what %s keeps its id, by which those are known that are meant", (_, command) => {
  expect(inTime([event, command], began + 10_000)).toEqual([event, command]);
});
