import { io, type Socket } from "socket.io-client";
import { isPolling, pollingId } from "#server/model/transport.ts";
import { connect } from "../../client/index.ts";
import type { TokenClaims } from "../../client/token.ts";
import type { LocalStack } from "../../local/stack.ts";
import { fallSilent } from "./lost.ts";
import { ARE_POLLING, client, connected, newOrg, tokenFor } from "./people.ts";
import { until } from "./until.ts";
import { openWebSocket, type RawClient } from "./websocket.ts";

interface Options {
  readonly auth: { readonly token: string };
  readonly reconnection: boolean;
}

/** The typed client, with those options that it leaves open. */
const typed = ((url: string, { auth, reconnection }: Options) => {
  const socket = connect(url, { ...auth, ...(ARE_POLLING && { transports: ["polling"] }) });
  if (!reconnection) socket.io.reconnection(false);
  return socket;
}) as unknown as typeof io;

type Client = readonly [name: string, using: typeof io];

/** The clients that support recovery. */
export const CLIENTS: readonly Client[] = [
  ["the stock client", io],
  ["the typed client", typed],
];

/** An event as it was received: its name, its arguments and, as the last one, its offset. */
export type Received = readonly [event: string, ...args: unknown[]];

/**
 * How a connection is lost: `noticed` by the server, `unnoticed` because its `$disconnect` is lost, or
 * `just now`, so that the client comes back while the server learns of it.
 */
export type Loss = "noticed" | "unnoticed" | "just now";
export const LOSSES: readonly Loss[] = ["noticed", "unnoticed", "just now"];

/** A client whose connection may be lost, and that comes back when told to. */
export interface Returning {
  readonly socket: Socket;
  readonly org: string;
  readonly received: Received[];
  /** Emits an event and resolves with its acknowledgement. */
  emit(event: string, payload: unknown): Promise<unknown>;
  lose(how?: Loss): Promise<void>;
  /** Ends its session, and resolves once the server has done so. */
  disconnect(): Promise<void>;
  /** Comes back, and resolves with whether it is the same socket. */
  comeBack(): Promise<boolean>;
  /** The payloads of all events of this name, once everything that was posted has arrived. */
  heard(event: string): Promise<readonly unknown[]>;
}

/** A connected client that records what it receives, and reconnects only when told to by default. */
export async function returning(
  stack: LocalStack,
  claims: Partial<TokenClaims> & { readonly org: string },
  using: typeof io = io,
  reconnection = false,
): Promise<Returning> {
  const { gateway } = stack;
  const auth = { token: await tokenFor(claims) };
  const socket = client({ auth, reconnection }, stack.url, using);
  const received: Received[] = [];
  socket.onAny((...event: Received) => void received.push(event));
  // The old clients have no emitWithAck.
  const emit = (event: string, payload?: unknown) =>
    new Promise((resolve) => socket.emit(event, payload, resolve));
  let connectionId = await connectionOf(stack, socket);
  async function isNoticed(): Promise<void> {
    if (isPolling(connectionId)) await until(async () => !(await isReached()), { interval: 20 });
    else await until(() => !gateway.connectionIds().includes(connectionId), { interval: 1 });
    await stack.idle();
  }

  /** Whether a session is taken to be reached by the connection. */
  const isReached = async (): Promise<boolean> =>
    (await stack.database.items()).some(
      (item) =>
        String(item.pk).startsWith("sess#") &&
        item.connectionId === connectionId &&
        item.state === "connected" &&
        item.endedAt === undefined,
    );

  return {
    socket,
    org: claims.org,
    received,
    emit,
    async lose(how = "noticed") {
      if (how === "unnoticed")
        isPolling(connectionId) ? fallSilent(socket) : gateway.drop(connectionId);
      else socket.io.engine.close();
      await until(() => socket.disconnected, { interval: 1 });
      if (how === "noticed") await isNoticed();
    },
    async disconnect() {
      socket.disconnect();
      await isNoticed();
    },
    async comeBack() {
      socket.connect();
      connectionId = await connectionOf(stack, socket);
      return socket.recovered;
    },
    async heard(event) {
      await stack.idle();
      await emit("presence:update");
      return received.filter(([name]) => name === event).map(([, payload]) => payload);
    },
  };
}

/** The id of the connection by which a client connects, while no other one does. */
async function connectionOf({ gateway }: LocalStack, socket: Socket): Promise<string> {
  const { engine } = (await connected(socket)).io;
  const { id = "" } = engine as unknown as { readonly id?: string };
  return engine.transport.name === "polling"
    ? pollingId(id)
    : (gateway.connectionIds().at(-1) ?? "");
}

/** Users of a new organisation and its project p1, by their names. */
export async function returners<Name extends string>(
  stack: LocalStack,
  using: typeof io,
  ...names: readonly Name[]
): Promise<Record<Name, Returning>> {
  const org = newOrg();
  const all: Partial<Record<Name, Returning>> = {};
  for (const sub of names) all[sub] = await returning(stack, { org, sub }, using);
  return all as Record<Name, Returning>;
}

/** Milliseconds by which clocks may differ, and a little more. */
const MARGIN = 60;

/** Resolves when what has been posted was clearly before what comes: a copy of it is allowed no more. */
export async function later(): Promise<void> {
  const end = Date.now() + MARGIN;
  await until(() => Date.now() > end, { interval: 5 });
}

/** The id in an offset, by which packets are in order. */
export const idOf = (event: Received): string => String(event.at(-1)).split(".")[0] ?? "";

/** Whether an event was replayed after a return. */
export const isReplayed = (event: Received): boolean => String(event.at(-1)).split(".").length > 2;

/** A plain WebSocket client whose CONNECT is answered: with its session, or with an error. */
export interface RawSession {
  readonly client: RawClient;
  readonly answer: { readonly sid?: string; readonly pid?: string; readonly message?: string };
  /** The next event of this name; others are passed over. */
  nextEvent(name: string): Promise<Received>;
  /** Sends an event, and resolves with those received when it is acknowledged. */
  ask(event: string, payload?: unknown): Promise<readonly Received[]>;
}

let asked = 0;

/** Connects with this `auth`; rejects where the connection is closed without an answer. */
export async function rawSession(stack: LocalStack, auth: object): Promise<RawSession> {
  const url = `${stack.url.replace("http", "ws")}${stack.stagePath}?EIO=4&transport=websocket`;
  const client = await openWebSocket(url);
  await client.nextFrame();
  client.send(`40${JSON.stringify(auth)}`);
  const unanswered = client.closed.then((code) => Promise.reject(new Error(`closed: ${code}`)));
  const frame = await Promise.race([client.nextFrame(), unanswered]);
  unanswered.catch(() => undefined);
  const answer = JSON.parse(frame.slice("40".length));
  const eventIn = (frame: string): Received => JSON.parse(frame.slice("42".length));
  return {
    client,
    answer,
    async nextEvent(name) {
      for (;;) {
        const event = eventIn(await client.nextFrame());
        if (event[0] === name) return event;
      }
    },
    async ask(event, payload) {
      asked += 1;
      client.send(`42${asked}${JSON.stringify([event, payload])}`);
      const events: Received[] = [];
      for (;;) {
        const frame = await client.nextFrame();
        if (frame.startsWith(`43${asked}[`)) return events;
        events.push(eventIn(frame));
      }
    },
  };
}
