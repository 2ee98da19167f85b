import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { documentedRoundTrips } from "../support/performance.ts";
import { lobby, SAMPLES, shop, shopAt } from "../support/samples.ts";
import { UNLIMITED } from "../support/unlimited.ts";
import type { Rounds } from "./round-trips.ts";
import { createWorld, type World } from "./world.ts";

const inP1 = { projectId: "p1" };
const call = { ...lobby, type: "audio", participants: ["ann"] };
const hello = { ...lobby, type: "text", content: "hello" };
const backEnd = "https://shop.example";

const newWorld = (connectionStateRecovery: number) =>
  createWorld(inject("assembly"), { ...UNLIMITED, connectionStateRecovery });

const emit = (world: World, socket: string, event: string, payload?: object) => {
  world.pass(1);
  return world.send(socket, `421${JSON.stringify([event, payload])}`);
};

/** Two sockets in every room of the samples; gives the first, and the id of a message. */
async function enter(world: World) {
  const org = "acme";
  await world.publish({ event: "integration:put", org, integration: shopAt(backEnd) });
  const [ann, ben] = [await world.connect("ann", org), await world.connect("ben", org)];
  for (const socket of [ann, ben]) {
    await emit(world, socket, "subscribe:project", inP1);
    await emit(world, socket, "custom:join", { room: "lobby" });
    await emit(world, socket, "chat:join", lobby);
    await emit(world, socket, "integration:join", shop);
  }
  const messageIdOf = async () => {
    await emit(world, ann, "message:send", hello);
    return /"messageId":"(\w+)"/.exec(world.framesOf(ann).at(-1) ?? "")?.[1];
  };
  return { ann, ben, messageIdOf };
}

async function measure(world: World): Promise<Readonly<Record<string, Rounds>>> {
  const { ann, ben, messageIdOf } = await enter(world);
  const measured: Record<string, Rounds> = {};
  for (const { event, payload } of SAMPLES) {
    if (/^call:(accept|reject|end)$/.test(event)) await emit(world, ben, "call:initiate", call);
    if (event === "presence:offline") await emit(world, ann, "presence:online", inP1);
    const messageId = await messageIdOf();
    const named = Object.entries({ messageId, messageIds: [messageId] }).filter(
      ([name]) => name in (payload ?? {}),
    );
    const sent = payload && { ...payload, ...Object.fromEntries(named) };
    measured[event] = await world.roundTripsOf(() => emit(world, ann, event, sent));
    if (event.endsWith(":leave")) await emit(world, ann, event.replace("leave", "join"), payload);
    if (event === "auth:logout") await emit(world, ann, "auth:login", payload);
  }
  return measured;
}

describe("before its first post", () => {
  const worlds: World[] = [];
  let [off, on]: Readonly<Record<string, Rounds>>[] = [];
  beforeAll(async () => {
    worlds.push(await newWorld(0), await newWorld(120));
    [off, on] = await Promise.all(worlds.map(measure));
  });
  afterAll(() => Promise.all(worlds.map((world) => world.stop())));

  test("an event makes as many calls one after another as docs/performance.md says", () => {
    const counted = Object.keys(off ?? {}).map((event) => [
      event,
      [off?.[event]?.calls, on?.[event]?.calls],
    ]);

    expect(Object.fromEntries(counted)).toEqual(Object.fromEntries(documentedRoundTrips()));
  });

  test("no event reads more than twice in a row", () => {
    for (const counted of [off, on])
      expect(Object.entries(counted ?? {}).filter(([, { reads }]) => reads > 2)).toEqual([]);
  });
});
