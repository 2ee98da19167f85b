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
import { proxies } from "../support/proxy.ts";
import { publish } from "../support/publishing.ts";
import { connectionItems, settled, stack } from "../support/running.ts";

const CLIENTS = [
  ["4.8", io],
  ["4.0", io40],
  ["3.1", io31],
] as const;

/** What a client has if nothing is set. */
const BY_DEFAULT = { transports: ["polling", "websocket"] };

const startProxy = proxies();

/** The address of a proxy that lets no WebSocket through. */
const blocked = async (): Promise<string> => (await startProxy(stack.url, "refused")).url;

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

/** Where a client has upgraded or not, and how it is cut there. */
const PLACES = [
  ["has upgraded", async () => stack.url, "websocket", cutWebSocket],
  ["polls because WebSockets are blocked", blocked, "polling", cutRequest],
] as const;

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

  test("stays on polling where WebSockets are blocked, is acknowledged, and receives what others broadcast", async () => {
    const org = newOrg();
    const auth = { token: await tokenFor({ org }) };
    const proxy = await startProxy(stack.url, "refused");
    const ann = receiving(
      org,
      await connected(client({ ...BY_DEFAULT, auth }, proxy.url, connect)),
    );
    const ben = await person({ org, sub: "ben" });

    await expect.poll(() => proxy.blocked()).toBe(1);
    expect(await ann.emit("subscribe:project", "p1")).toEqual({ type: "project", id: "p1" });
    await ben.emit("custom:event", { projectId: "p1", n: 1 });

    expect(await ann.nextEvent("custom:event")).toMatchObject({ n: 1, sender: "ben" });
    expect(transportOf(ann.socket)).toBe("polling");
  });

  test.each([
    ["may upgrade", async () => stack.url] as const,
    ["polls because WebSockets are blocked", blocked] as const,
  ])("hears that the server disconnects it, and why, where it %s", async (__, url) => {
    const org = newOrg();
    const auth = { token: await tokenFor({ org }) };
    const socket = client({ ...BY_DEFAULT, auth }, await url(), connect);
    const ann = receiving(org, await connected(socket));
    const gone = new Promise((resolve) => ann.socket.once("disconnect", resolve));

    await publish({ event: "revoke", org, target: { userId: "ann" }, reason: "signed out" });

    expect(await ann.nextEvent("session:expired")).toMatchObject({ reason: "signed out" });
    expect(await gone).toBe("io server disconnect");
  });

  test.each(PLACES)(
    "comes back by itself from a cut where it %s, joins again, and receives once what follows",
    async (__, url, transport, cut) => {
      const org = newOrg();
      const auth = { token: await tokenFor({ org }) };
      const options = { ...BY_DEFAULT, auth, reconnection: true };
      const socket = client(options, await url(), connect);
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
      await expect.poll(() => transportOf(socket)).toBe(transport);
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

/** Clients of all versions with their default options, and what each receives of `news`: the transport and the number. */
const everyVersion = (org: string, url: string) =>
  Promise.all(
    CLIENTS.map(async ([userId, connect]) => {
      const auth = { token: await tokenFor({ org, sub: userId }) };
      const socket = client({ ...BY_DEFAULT, auth }, url, connect);
      const received: (readonly [transport: string, n: number])[] = [];
      socket.on("news", ({ n }: { readonly n: number }) => received.push([transportOf(socket), n]));
      await connected(socket);
      return received;
    }),
  );

/** Broadcasts numbers to all versions, each when the one before it is delivered. */
async function broadcastNumbers(org: string, count: number): Promise<void> {
  const to = CLIENTS.map(([userId]) => ({ kind: "user", userId }));
  for (const n of upTo(count))
    await publish({ event: "emit", org, to, name: "news", payload: { n } });
}

describe("a client of each version", () => {
  test("receives each of a thousand packets that are broadcast as it upgrades once, in their order", async () => {
    const org = newOrg();
    const proxy = await startProxy(stack.url, "held");
    const all = await everyVersion(org, proxy.url);
    const broadcasting = broadcastNumbers(org, 1000);
    // The upgrade begins when some have come by polling.
    await expect.poll(() => all.every(({ length }) => length >= 20)).toBe(true);
    proxy.letThrough();
    await broadcasting;

    for (const received of all) {
      await expect.poll(() => received.length).toBe(1000);
      expect(received.map(([, n]) => n)).toEqual(upTo(1000));
      expect(new Set(received.map(([transport]) => transport))).toEqual(
        new Set(["polling", "websocket"]),
      );
    }
  });

  test("receives each of a hundred packets once, in their order, where WebSockets are blocked", async () => {
    const org = newOrg();
    const all = await everyVersion(org, await blocked());
    await broadcastNumbers(org, 100);

    for (const received of all) {
      await expect.poll(() => received.length).toBe(100);
      expect(received).toEqual(upTo(100).map((n) => ["polling", n]));
    }
  });
});

test("a client on polling is answered each of a thousand events that it sends at once", async () => {
  const auth = { token: await tokenFor({ org: newOrg() }) };
  const socket = await connected(client({ ...BY_DEFAULT, auth }, await blocked()));
  // A busy machine refuses some as too many: that is an answer, too.
  const answers = await Promise.all(upTo(1000).map(() => socket.emitWithAck("presence:update")));

  expect(answers).toHaveLength(1000);
  expect(transportOf(socket)).toBe("polling");
  expect(await socket.emitWithAck("subscribe:project", "p1")).toBeTruthy();
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

test.each(PLACES)(
  "a client comes back from a cut where it %s as the same socket, and has missed nothing",
  async (_, url, transport, cut) => {
    const org = newOrg();
    const auth = { token: await tokenFor({ org }) };
    const socket = client({ ...BY_DEFAULT, auth, reconnection: true }, await url());
    const numbers = numbersOf({ socket }, "news");
    const to = [{ kind: "project", projectId: "p1" }];
    const send = (n: number) => publish({ event: "emit", org, to, name: "news", payload: { n } });
    await connected(socket);
    await socket.emitWithAck("subscribe:project", "p1");
    await expect.poll(() => transportOf(socket)).toBe(transport);
    const { id } = socket;
    await send(0);
    await expect.poll(() => numbers).toEqual([0]);
    await settled();

    const lost = await connectionsNow();
    const gone = new Promise((resolve) => socket.once("disconnect", resolve));
    const back = connected(socket);
    await cut(socket, org);
    await gone;
    for (const n of [1, 2, 3]) await send(n);
    await back;
    await send(4);

    await expect.poll(() => numbers).toEqual([0, 1, 2, 3, 4]);
    expect([socket.id, socket.recovered]).toEqual([id, true]);
    await endSilent(lost);
  },
);

describe("a client that upgrades", () => {
  afterEach(() => vi.restoreAllMocks());

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
      await expect.poll(() => transportOf(socket)).toBe("websocket");
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
