import { io, type ManagerOptions, type Socket, type SocketOptions } from "socket.io-client";
import { expect } from "vitest";
import { signToken, type TokenClaims } from "../../client/token.ts";
import { SECRET, settled, stack } from "./running.ts";

type Options = Partial<ManagerOptions & SocketOptions>;

/** A user with a connected Socket.IO client. */
export interface Person {
  readonly socket: Socket;
  readonly org: string;
  /** Emits an event and resolves with its acknowledgement. */
  emit(event: string, ...args: unknown[]): Promise<unknown>;
  /** Emits an event without an acknowledgement. */
  emitWithoutAck(event: string, ...args: unknown[]): void;
  /** The payload of the next event of this name, received already or yet to come. */
  nextEvent(event: string): Promise<unknown>;
  /** Whether an event of this name was received that `nextEvent` has not returned. */
  hasReceived(event: string): boolean;
  /** Drops all events received so far, once nothing is pending. */
  clearReceived(): Promise<void>;
  /** Whether, once nothing is pending, no event was received that `nextEvent` has not returned. */
  receivesNothing(): Promise<boolean>;
}

/** What clients use that name no transports: `TRANSPORTS=polling` has the same tests poll. */
const TRANSPORTS = (process.env.TRANSPORTS ?? "websocket").split(",");

/** Whether they stay with polling. */
export const ARE_POLLING = !TRANSPORTS.includes("websocket");

/** Options of a client in a test that is about WebSockets, whatever others use. */
export const BY_WEBSOCKET = { transports: ["websocket"] };

const sockets = new Set<Socket>();
let organisations = 0;

/** An organisation that no other test uses. */
export const newOrg = (): string => `org-${++organisations}`;

/** A token of a user, by default ann with project p1. */
export const tokenFor = (
  claims: Partial<TokenClaims> & { readonly org: string },
): Promise<string> => signToken({ sub: "ann", projects: ["p1"], ...claims }, SECRET);

/** A client that is not connected yet; it is disconnected after the test. */
export function client(options: Options, url = stack.url, connect: typeof io = io): Socket {
  const socket = connect(url, {
    transports: TRANSPORTS,
    forceNew: true,
    reconnection: false,
    forceBase64: true,
    ...options,
  });
  sockets.add(socket);
  return socket;
}

/** Resolves once a client is connected; rejects with its `connect_error`. */
export const connected = (socket: Socket): Promise<Socket> =>
  new Promise((resolve, reject) => {
    socket.once("connect", () => resolve(socket));
    socket.once("connect_error", reject);
  });

/** A connected user with a token of these claims. */
export async function person(
  claims: Partial<TokenClaims> & { readonly org: string },
  options: Options = {},
): Promise<Person> {
  const token = await tokenFor(claims);
  return receiving(claims.org, await connected(client({ auth: { token }, ...options })));
}

/** Connected users of a new organisation and its project p1, by their names. */
export const people = <Name extends string>(
  ...names: readonly Name[]
): Promise<Record<Name, Person>> => peopleWith({}, ...names);

/** The same, whose clients have these options. */
export async function peopleWith<Name extends string>(
  options: Options,
  ...names: readonly Name[]
): Promise<Record<Name, Person>> {
  const org = newOrg();
  const all = await Promise.all(names.map((sub) => person({ sub, org }, options)));
  return Object.fromEntries(names.map((name, index) => [name, all[index]])) as Record<Name, Person>;
}

/** The answer to what is sent, which a client that polls may send again where it is not begun within five seconds. */
export async function answerTo<Answer>(send: () => Promise<Answer>): Promise<Answer> {
  const answer = await send();
  const isRefused = ARE_POLLING && JSON.stringify(answer).includes('"rate_limited"');
  return isRefused ? answerTo(send) : answer;
}

/** Records the events that a connected client receives from now on. */
export function receiving(org: string, socket: Socket): Person {
  const received: { readonly event: string; readonly payload: unknown }[] = [];
  const waiting: { readonly event: string; readonly resolve: (payload: unknown) => void }[] = [];
  socket.onAny((event: string, payload: unknown) => {
    const index = waiting.findIndex((wanted) => wanted.event === event);
    if (index < 0) received.push({ event, payload });
    else waiting.splice(index, 1)[0]?.resolve(payload);
  });

  async function allReceived(): Promise<void> {
    await settled();
    // Frames to one connection keep their order: after this acknowledgement all earlier ones have arrived.
    await new Promise((resolve) => socket.emit("presence:update", resolve));
  }

  return {
    socket,
    org,
    emit: (event, ...args) => new Promise((resolve) => socket.emit(event, ...args, resolve)),
    emitWithoutAck: (event, ...args) => void socket.emit(event, ...args),
    nextEvent(event) {
      const index = received.findIndex((packet) => packet.event === event);
      if (index >= 0) return Promise.resolve(received.splice(index, 1)[0]?.payload);
      return new Promise((resolve) => waiting.push({ event, resolve }));
    },
    hasReceived: (event) => received.some((packet) => packet.event === event),
    async clearReceived() {
      await allReceived();
      received.length = 0;
    },
    async receivesNothing() {
      await allReceived();
      return received.length === 0;
    },
  };
}

/** Disconnects all clients. */
export function disconnectAll(): void {
  for (const socket of sockets) socket.disconnect();
  sockets.clear();
}

/** Expects that none of these users has received any other event. */
export async function expectNoEvents(...all: readonly Person[]): Promise<void> {
  for (const someone of all) expect(await someone.receivesNothing()).toBe(true);
}

/** A time as the server formats it: ISO 8601, UTC, milliseconds. */
export const isoTime = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

/** An id of the server: a ULID. */
export const newId = expect.stringMatching(/^[0-9A-HJKMNP-TV-Z]{26}$/);

/** The acknowledgement of a refused event. */
export const refusal = (code: string, message: RegExp = /./) => ({
  error: { code, message: expect.stringMatching(message) },
});
