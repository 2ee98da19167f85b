import { expect, test } from "vitest";
import { leaveRooms } from "../../lambdas/server/pipeline/move-sockets.ts";
import { UnmovedError } from "../../lambdas/server/pipeline/sender.ts";
import { answerUnsent } from "../../lambdas/server/pipeline/unsent.ts";

test("who could not leave a room is sent its own answer, and nothing of rooms", async () => {
  const caller = { connectionId: "c", nsp: "/", sid: "s" };
  const corner = { tenant: "acme", nsp: "/", rooms: ["corner"] };
  const answer = { audience: caller, frames: ["431[]"] };
  const leave = { audience: corner, frames: [], leaves: "corner", sid: "s" };
  const news = { audience: corner, frames: ['42["news"]'], sid: "s" };
  const queues = new Map([["c", [answer, leave, news]]]) as unknown as Parameters<
    typeof leaveRooms
  >[0];

  const failures = await leaveRooms(queues, {
    rooms: { leave: () => Promise.reject(new Error("throttled")) },
    now: () => 1,
  } as unknown as Parameters<typeof leaveRooms>[1]);

  expect(failures).toHaveLength(1);
  expect(queues.get("c")).toEqual([answer]);
});

test("a caller is not answered again because another socket could not be moved", async () => {
  const sent: unknown[] = [];
  const send = async (emissions: unknown) => void sent.push(emissions);
  const error = new UnmovedError([new Error("throttled")]);

  await expect(answerUnsent({ send }, error, () => [])).rejects.toBe(error);

  expect(sent).toEqual([]);
});
