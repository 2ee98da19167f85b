import { io, type Socket } from "socket.io-client";
import { io as io31 } from "socket.io-client-3.1";
import { io as io40 } from "socket.io-client-4.0";
import { afterEach, describe, expect, test, vi } from "vitest";
import { connect as connectTyped } from "../../client/index.ts";
import { connectionsNow, endSilent } from "../support/lost.ts";
import {
  client,
  connected,
  newOrg,
  type Person,
  people,
  person,
  receiving,
  tokenFor,
} from "../support/people.ts";
import { publish } from "../support/publishing.ts";
import { connectionItems, settled, stack } from "../support/running.ts";

const CLIENTS = [
  ["4.8", io],
  ["4.0", io40],
  ["3.1", io31],
] as const;

/** What a client has if nothing is set. */
const BY_DEFAULT = { transports: ["polling", "websocket"] };
const POLLING = { transports: ["polling"] };

/** An upgrade may take longer than `expect.poll` waits by default. */
const LONG = { timeout: 10_000 };

const transportOf = (socket: Socket): string => socket.io.engine.transport.name;

/** Resolves once a client has upgraded. */
const upgraded = (socket: Socket): Promise<unknown> =>
  transportOf(socket) === "websocket"
    ? Promise.resolve()
    : new Promise((resolve) => socket.io.engine.once("upgrade", resolve));

/** Loses the WebSocket of the only client, of which neither side is told. */
async function cutWebSocket(socket: Socket): Promise<void> {
  await upgraded(socket);
  // Its frames are received in their order: after this one, that of its upgrade is handled, or waited for.
  await new Promise((resolve) => socket.emit("presence:update", resolve));
  await settled();
  for (const id of stack.gateway.connectionIds()) stack.gateway.drop(id);
}

/** Loses the request in which the only client polls. */
async function cutRequest(socket: Socket, org: string): Promise<void> {
  const gone = new Promise((resolve) => socket.once("disconnect", resolve));
  stack.cutEvery(1);
  // A GET that waits already is not cut: this is its answer, and the next one is.
  await publish({ event: "emit", org, to: [{ kind: "org" }], name: "more", payload: {} });
  await gone;
  stack.cutEvery(undefined);
}

/** Resolves with the acknowledgement once a client, when it next connects, has joined the project. */
const joined = (socket: Socket): Promise<unknown> =>
  new Promise((resolve) =>
    socket.once("connect", () => socket.emit("subscribe:project", "p1", resolve)),
  );

/** The numbers that a client receives under an event, in the order of their arrival. */
function numbersOf({ socket }: Pick<Person, "socket">, event: string): readonly number[] {
  const numbers: number[] = [];
  socket.on(event, ({ n }: { readonly n: number }) => numbers.push(n));
  return numbers;
}

const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, n) => n);

/** Sends numbers to a room, a few at the same time but in their order at the gateway. */
async function sendNumbers({ socket }: Person, count: number, first = 0): Promise<void> {
  for (let n = first; n < first + count; n += 1)
    await socket.emitWithAck("custom:event", { projectId: "p1", n });
}

describe.each(CLIENTS)("socket.io-client %s with its default options", (version, connect) => {
  test("connects by polling, upgrades, is acknowledged, and receives what others broadcast", async () => {
    const org = newOrg();
    const auth = { token: await tokenFor({ org }) };
    const ann = receiving(
      org,
      await connected(client({ ...BY_DEFAULT, auth }, stack.url, connect)),
    );
    const ben = await person({ org, sub: "ben" });

    expect(await ann.emit("subscribe:project", "p1")).toEqual({ type: "project", id: "p1" });
    await ben.emit("custom:event", { projectId: "p1", n: 1 });
    expect(await ann.nextEvent("custom:event")).toMatchObject({ n: 1, sender: "ben" });
    await upgraded(ann.socket);
    await ben.emit("custom:event", { projectId: "p1", n: 2 });
    expect(await ann.nextEvent("custom:event")).toMatchObject({ n: 2 });
    expect(await ann.emit("custom:join", { room: "garden" })).toEqual({ room: "garden" });
  });

  test("stays on polling where WebSockets are blocked", async () => {
    const org = newOrg();
    const auth = { token: await tokenFor({ org }) };
    const ann = receiving(org, await connected(client({ ...POLLING, auth }, stack.url, connect)));
    const ben = await person({ org, sub: "ben" });

    await ann.emit("subscribe:project", "p1");
    await ben.emit("custom:event", { projectId: "p1", n: 1 });

    expect(await ann.nextEvent("custom:event")).toMatchObject({ n: 1, sender: "ben" });
    expect(transportOf(ann.socket)).toBe("polling");
  });

  test.each([["polls", POLLING] as const, ["may upgrade", BY_DEFAULT] as const])(
    "hears that the server disconnects it, and why, where it %s",
    async (__, options) => {
      const org = newOrg();
      const auth = { token: await tokenFor({ org }) };
      const ann = receiving(org, await connected(client({ ...options, auth }, stack.url, connect)));
      const gone = new Promise((resolve) => ann.socket.once("disconnect", resolve));

      await publish({ event: "revoke", org, target: { userId: "ann" }, reason: "signed out" });

      expect(await ann.nextEvent("session:expired")).toMatchObject({ reason: "signed out" });
      expect(await gone).toBe("io server disconnect");
    },
  );

  test.each([
    ["has upgraded", BY_DEFAULT, cutWebSocket] as const,
    ["polls", POLLING, cutRequest] as const,
  ])(
    "comes back by itself from a cut where it %s, joins again, and receives once what follows",
    async (__, options, cut) => {
      const org = newOrg();
      const auth = { token: await tokenFor({ org }) };
      const socket = client({ ...options, auth, reconnection: true }, stack.url, connect);
      const ann = receiving(org, socket);
      const to = [{ kind: "project", projectId: "p1" }];
      const send = (n: number) => publish({ event: "emit", org, to, name: "news", payload: { n } });

      await joined(socket);
      await send(1);
      expect(await ann.nextEvent("news")).toEqual({ n: 1 });
      const lost = await connectionsNow();
      const back = joined(socket);
      await cut(socket, org);
      expect(await back).toEqual({ type: "project", id: "p1" });
      await expect.poll(() => transportOf(socket), LONG).toBe(options.transports.at(-1));
      await ann.clearReceived();
      await send(2);

      expect(await ann.nextEvent("news")).toEqual({ n: 2 });
      expect(await ann.receivesNothing()).toBe(true);
      // Recovery came with 4.6.
      expect(Boolean(socket.recovered)).toBe(version === "4.8");
      await endSilent(lost);
      expect(await ann.emit("presence:update")).toEqual({ ok: true });
    },
  );

  test("receives connect_error for a wrong token", async () => {
    const socket = client({ ...BY_DEFAULT, auth: { token: "wrong" } }, stack.url, connect);

    await expect(connected(socket)).rejects.toThrow(/^Authentication error$/);
  });
});

/** The typed client, with these transports. */
const typed = ((
  url: string,
  {
    auth,
    transports,
  }: {
    readonly auth: { readonly token: string };
    readonly transports: readonly ("websocket" | "polling")[];
  },
) => connectTyped(url, { ...auth, transports })) as unknown as typeof io;

/** Closes a WebSocket; gives the connections of which the server does not know that they are lost. */
function close(connectionId: string) {
  stack.gateway.close(connectionId);
  return connectionsNow();
}

/** Cuts the WebSocket that probes next once that is answered: the GET that waits is released later. */
const cutAtProbe = () =>
  new Promise<Awaited<ReturnType<typeof connectionsNow>>>((resolve) => {
    const { post } = stack.gateway;
    vi.spyOn(stack.gateway, "post").mockImplementation(async (connectionId, frame) => {
      const isSent = await post(connectionId, frame);
      if (frame === "3probe") {
        vi.restoreAllMocks();
        resolve(close(connectionId));
      }
      return isSent;
    });
  });

/** Cuts the only WebSocket when its client upgrades: the gateway gets nothing of that. */
const cutAtUpgrade = (socket: Socket) =>
  new Promise<Awaited<ReturnType<typeof connectionsNow>>>((resolve) =>
    socket.io.once("open", () =>
      socket.io.engine.once("upgrade", () =>
        resolve(close(stack.gateway.connectionIds().at(-1) ?? "")),
      ),
    ),
  );

describe("a client that upgrades", () => {
  afterEach(() => vi.restoreAllMocks());

  test("receives each of a thousand packets that are broadcast meanwhile once, in their order, whatever its version", async () => {
    const org = newOrg();
    const versions = await Promise.all(
      CLIENTS.map(async ([userId, connect]) => {
        const auth = { token: await tokenFor({ org, sub: userId }) };
        const socket = client({ ...BY_DEFAULT, auth }, stack.url, connect);
        const numbers = numbersOf({ socket }, "news");
        await connected(socket);
        return { userId, socket, numbers };
      }),
    );

    // Each is delivered before the next one is published.
    for (const n of upTo(1000))
      await publish({
        event: "emit",
        org,
        to: versions.map(({ userId }) => ({ kind: "user", userId })),
        name: "news",
        payload: { n },
      });

    for (const { socket, numbers } of versions) {
      expect(transportOf(socket)).toBe("websocket");
      await expect.poll(() => numbers.length).toBe(1000);
      expect(numbers).toEqual(upTo(1000));
    }
  }, 60_000);

  test("comes back as the same socket, and has missed nothing", async () => {
    const org = newOrg();
    const ben = await person({ org, sub: "ben" });
    const auth = { token: await tokenFor({ org }) };
    const socket = client({ ...BY_DEFAULT, auth, reconnection: true, reconnectionDelay: 10 });
    const numbers = numbersOf({ socket }, "custom:event");
    await connected(socket);
    await socket.emitWithAck("subscribe:project", "p1");
    await upgraded(socket);
    const { id } = socket;
    await sendNumbers(ben, 2);
    await settled();

    const back = connected(socket);
    socket.io.engine.close();
    await sendNumbers(ben, 3, 2);
    await back;
    await settled();

    expect([socket.id, socket.recovered]).toEqual([id, true]);
    // A stock client may get a copy of what was posted at the moment of its cut.
    await expect.poll(() => [...new Set(numbers)]).toEqual([0, 1, 2, 3, 4]);
  });

  test.each([
    ["its probe is answered", cutAtProbe] as const,
    ["it upgrades", cutAtUpgrade] as const,
  ])(
    "and is the typed one, comes back by itself if its WebSocket is cut when %s",
    async (_, cutAt) => {
      const org = newOrg();
      const auth = { token: await tokenFor({ org }) };
      const socket = client({ ...BY_DEFAULT, auth }, stack.url, typed);
      const lost = cutAt(socket);
      await new Promise((resolve) => socket.io.once("reconnect", resolve));

      expect(await socket.emitWithAck("subscribe:project", "p1")).toMatchObject({ id: "p1" });
      await expect.poll(() => transportOf(socket), LONG).toBe("websocket");
      await endSilent(await lost);
      expect(await socket.emitWithAck("presence:update")).toEqual({ ok: true });
    },
  );

  test("leaves nothing when it disconnects", async () => {
    const { ann } = await people("ann");
    const before = (await connectionItems()).length;
    const socket = client({ ...BY_DEFAULT, auth: { token: await tokenFor({ org: newOrg() }) } });
    await connected(socket);
    await upgraded(socket);

    socket.disconnect();
    await expect.poll(async () => (await connectionItems()).length).toBe(before);
    ann.socket.disconnect();
  });
});
