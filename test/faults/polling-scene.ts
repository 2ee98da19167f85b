import { expect } from "vitest";
import { CONNECTION_ITEM } from "../support/connection-items.ts";
import { connectPolling, type PollingClient, QUERY } from "./polling-client.ts";
import { recovering } from "./recovering.ts";
import type { World } from "./world.ts";

/** Ann, who polls, and ben, who tells her numbers. */
export interface Scene {
  readonly org: string;
  readonly ann: PollingClient;
  readonly ben: string;
  readonly sid: string;
  readonly pid: string;
}

export const frame = (event: string, payload: object = {}): string =>
  `42${JSON.stringify([event, payload])}`;
export const asked = (id: number, event: string, payload: object = {}): string =>
  `42${id}${JSON.stringify([event, payload])}`;

const eventsIn = (frames: readonly string[]) =>
  frames
    .filter((text) => text.startsWith("42"))
    .map((text) => JSON.parse(text.slice(text.indexOf("["))) as readonly unknown[]);

/** The numbers that ben has told, as they came. */
export const numbersIn = (frames: readonly string[]): readonly number[] =>
  eventsIn(frames)
    .filter(([name]) => name === "custom:news")
    .map(([, payload]) => (payload as { readonly n: number }).n);

/** What a stock client takes for its last offset. */
const offsetIn = (frames: readonly string[]): unknown =>
  eventsIn(frames)
    .map((event) => event.at(-1))
    .findLast((last) => typeof last === "string");

/** The last answer to a CONNECT. */
export function answerIn(frames: readonly string[]): { sid?: string; pid?: string } {
  const text = frames.findLast((each) => each.startsWith("40"));
  return text === undefined ? {} : JSON.parse(text.slice(2));
}

/** Scenes of a world, and what all of them must leave behind. */
export function scenes(world: World) {
  const { newOrg, join, tell } = recovering(world);

  async function begin(): Promise<Scene> {
    const org = newOrg();
    const ben = await world.connect("ben", org);
    await join(ben);
    const ann = await connectPolling(world, "ann", org);
    await ann.post(asked(1, "custom:join", { room: "corner" }));
    await ann.drain();
    const { sid = "", pid = "" } = answerIn(ann.frames());
    return { org, ann, ben, sid, pid };
  }

  async function linked({ ann }: Scene): Promise<string> {
    const link = String(await ann.link());
    await world.send(link, "2probe");
    return link;
  }

  async function upgraded(scene: Scene): Promise<string> {
    const link = await linked(scene);
    await world.send(link, "5");
    return link;
  }

  /** Comes back over polling, or over WebSocket; gives what the new connection was sent. */
  async function comeBack({ org, pid }: Scene, frames: readonly string[], polls: boolean) {
    const auth = { pid, offset: offsetIn(frames) };
    if (!polls) {
      const connectionId = await world.connect("ann", org, {}, auth);
      return { frames: async () => world.framesOf(connectionId), connectionId };
    }
    const again = await connectPolling(world, "ann", org, auth);
    const drained = async () => {
      await again.drain();
      return again.frames();
    };
    return { frames: drained, connectionId: again.connectionId };
  }

  /** Each packet once and in order over one Engine.IO session. */
  function expectOrdered(frames: readonly string[], at: unknown): void {
    const numbers = numbersIn(frames);
    expect([at, ...numbers]).toEqual([at, ...[...new Set(numbers)].toSorted((a, b) => a - b)]);
  }

  /** What a client that polls says last, if it still can. */
  const leave = (sid: string) =>
    world.request({ method: "POST", query: { ...QUERY, sid }, body: "1" });

  /** After both ends and two sweeps no item is left. */
  async function expectNothingLeft(connectionIds: readonly string[]): Promise<void> {
    for (const connectionId of connectionIds)
      if (connectionId.startsWith("poll:")) await leave(connectionId.slice("poll:".length));
      else await world.disconnect(connectionId);
    for (let again = 0; again < 2; again += 1) await world.sweep();
    const left = (await world.items()).filter(({ pk }) => CONNECTION_ITEM.test(String(pk)));
    expect(left.map(({ pk, sk, state, owner }) => [pk, sk, state, owner])).toEqual([]);
  }

  return {
    begin,
    linked,
    upgraded,
    comeBack,
    tell,
    join,
    newOrg,
    expectOrdered,
    expectNothingLeft,
  };
}
