import { io, type ManagerOptions, type Socket, type SocketOptions } from "socket.io-client";
import { expect } from "vitest";
import { signToken, type TokenClaims } from "../../client/token.ts";
import { SECRET, settled, stack } from "./running.ts";

type Options = Partial<ManagerOptions & SocketOptions>;

/** Someone with a real Socket.IO client. */
export interface Person {
  readonly socket: Socket;
  readonly org: string;
  /** Emits and gives what the acknowledgement carries. */
  emit(event: string, ...args: unknown[]): Promise<unknown>;
  /** Emits without asking for an acknowledgement. */
  tell(event: string, ...args: unknown[]): void;
  /** The payload of the next event of this name, heard already or yet to come. */
  next(event: string): Promise<unknown>;
  /** Whether an event of this name was heard that `next` has not given. */
  hasHeard(event: string): boolean;
  /** Forgets what was heard so far, once all that goes on is done. */
  forgets(): Promise<void>;
  /** Whether nothing was heard that `next` has not given, once all that goes on is done. */
  hearsNothing(): Promise<boolean>;
}

const sockets = new Set<Socket>();
let organisations = 0;

/** An organisation that no other test knows. */
export const newOrg = (): string => `org-${++organisations}`;

/** A token of a user, by default of project p1. */
export const tokenFor = (
  claims: Partial<TokenClaims> & { readonly org: string },
): Promise<string> => signToken({ sub: "ann", projects: ["p1"], ...claims }, SECRET);

/** A client that is not connected yet; everyone's are cut after the test. */
export function client(options: Options, url = stack.url, connect: typeof io = io): Socket {
  const socket = connect(url, {
    transports: ["websocket"],
    forceNew: true,
    reconnection: false,
    forceBase64: true,
    ...options,
  });
  sockets.add(socket);
  return socket;
}

/** Resolves once a client is connected, rejects with its `connect_error`. */
export const connected = (socket: Socket): Promise<Socket> =>
  new Promise((resolve, reject) => {
    socket.once("connect", () => resolve(socket));
    socket.once("connect_error", reject);
  });

/** Someone with a token of these claims, connected. */
export async function person(
  claims: Partial<TokenClaims> & { readonly org: string },
  options: Options = {},
): Promise<Person> {
  const token = await tokenFor(claims);
  return listening(claims.org, await connected(client({ auth: { token }, ...options })));
}

/** Connected people of one new organisation and its project p1, by their names. */
export async function people<Name extends string>(
  ...names: readonly Name[]
): Promise<Record<Name, Person>> {
  const org = newOrg();
  const all = await Promise.all(names.map((sub) => person({ sub, org })));
  return Object.fromEntries(names.map((name, index) => [name, all[index]])) as Record<Name, Person>;
}

/** What a person hears, from now on, through a connected client. */
export function listening(org: string, socket: Socket): Person {
  const heard: { readonly event: string; readonly payload: unknown }[] = [];
  const waiting: { readonly event: string; readonly resolve: (payload: unknown) => void }[] = [];
  socket.onAny((event: string, payload: unknown) => {
    const index = waiting.findIndex((wanted) => wanted.event === event);
    if (index < 0) heard.push({ event, payload });
    else waiting.splice(index, 1)[0]?.resolve(payload);
  });

  async function everythingArrives(): Promise<void> {
    await settled();
    // Frames to one connection keep their order: after this answer nothing sent before is on its way.
    await new Promise((resolve) => socket.emit("presence:update", resolve));
  }

  return {
    socket,
    org,
    emit: (event, ...args) => new Promise((resolve) => socket.emit(event, ...args, resolve)),
    tell: (event, ...args) => void socket.emit(event, ...args),
    next(event) {
      const index = heard.findIndex((packet) => packet.event === event);
      if (index >= 0) return Promise.resolve(heard.splice(index, 1)[0]?.payload);
      return new Promise((resolve) => waiting.push({ event, resolve }));
    },
    hasHeard: (event) => heard.some((packet) => packet.event === event),
    async forgets() {
      await everythingArrives();
      heard.length = 0;
    },
    async hearsNothing() {
      await everythingArrives();
      return heard.length === 0;
    },
  };
}

/** Cuts every client there is. */
export function everyoneLeaves(): void {
  for (const socket of sockets) socket.disconnect();
  sockets.clear();
}

/** Nobody of these has heard anything that was not asked for. */
export async function expectSilence(...all: readonly Person[]): Promise<void> {
  for (const someone of all) expect(await someone.hearsNothing()).toBe(true);
}

/** A time as the server tells it: ISO 8601, UTC, milliseconds. */
export const isoTime = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

/** An id that the server made: a ULID. */
export const newId = expect.stringMatching(/^[0-9A-HJKMNP-TV-Z]{26}$/);

/** What an acknowledgement carries where an event was refused. */
export const refusal = (code: string, message: RegExp = /./) => ({
  error: { code, message: expect.stringMatching(message) },
});
