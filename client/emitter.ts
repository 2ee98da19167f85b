import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { type EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { InvokeCommand, type LambdaClient } from "@aws-sdk/client-lambda";
import type { Publications } from "./contract.ts";

/**
 * How entries are sent. `lambda` invokes the publish function (output `PublishFunctionName`): the lowest
 * delay, and a refusal is thrown. `eventBridge` puts them on the bus (output `PublishBusName`): AWS
 * retries, and refused entries are in the dead-letter queue.
 */
export type Via =
  | { readonly lambda: LambdaClient; readonly functionName: string }
  | { readonly eventBridge: EventBridgeClient; readonly busName: string };

/** What `createEmitter` takes. */
export interface EmitterOptions {
  /** The organisation to publish in. */
  readonly org: string;
  readonly via: Via;
}

/** A room of the organisation, by its kind and the ids that make its name. */
export type RoomOf = Publications["emit"]["to"][number];

/** An entry without what the emitter adds. */
type Publication = {
  [Name in keyof Publications]: { readonly event: Name } & Omit<Publications[Name], "org">;
}[keyof Publications];
/** A document that has changed. */
type Change = Omit<Publications["db:create"], "org">;

/**
 * The idempotency key of a publication, which takes effect once within ten minutes however often it is
 * sent. By default each call has a new one, because the SDK retries if a response is lost; `null` sends
 * none, which saves two writes and may publish twice.
 */
export interface Idempotent {
  readonly id?: string | null;
}

/** Thrown if the publish function refuses an entry; the message says what is wrong with it. */
export class PublishError extends Error {
  override readonly name = "PublishError";
}

/** A socket, as the table knows it. */
export interface RemoteSocket {
  readonly id: string;
  readonly userId: string;
  readonly rooms: readonly string[];
}

/** What sockets have acknowledged: the first argument of each, and the ids of those that have sent none in time. */
export interface Acknowledgements {
  readonly responses: readonly unknown[];
  readonly missing: readonly string[];
}

/** Rooms to emit to; immutable: each method returns a new object. */
export interface EmitterRooms {
  /** With these rooms besides. */
  to(...rooms: readonly RoomOf[]): EmitterRooms;
  /** Without the sockets of these rooms. */
  except(...rooms: readonly RoomOf[]): EmitterRooms;
  /** The same for events that whoever is not connected has not missed. */
  readonly volatile: EmitterRooms;
  /** Sends any event; one of the contract must carry what it carries there. */
  emit(name: string, payload?: unknown, options?: Idempotent): Promise<void>;
  /** Asks these sockets, a thousand at most, for acknowledgements, for so many milliseconds; 20,000 at most. Only via `lambda`. */
  timeout(milliseconds: number): {
    emitWithAck(name: string, payload?: unknown): Promise<Acknowledgements>;
  };
  /** A page of these sockets; `next` is the `after` of the next one. Only via `lambda`. */
  fetchSockets(page?: {
    readonly after?: string | undefined;
    readonly limit?: number;
  }): Promise<{ readonly sockets: readonly RemoteSocket[]; readonly next?: string }>;
  /** Puts these sockets into a custom room. */
  socketsJoin(room: string): Promise<void>;
  /** Takes these sockets out of a custom room. */
  socketsLeave(room: string): Promise<void>;
  /** Disconnects these sockets; with `close`, their connections as well. */
  disconnectSockets(close?: boolean): Promise<void>;
}

/** Publishes to the sockets of one organisation from a Node back end (contract, section 4). */
export interface Emitter {
  /** Publishes any entry; resolves with the result of its kind, or with `undefined` through the bus. */
  publish(entry: Publication & Idempotent): Promise<unknown>;
  /** `emitter.to({ kind: "user", userId: "ann" }).emit("news", { n: 1 })`. */
  to(...rooms: readonly RoomOf[]): EmitterRooms;
  readonly db: {
    create(change: Change & Idempotent): Promise<void>;
    /** With `previous`, live queries are notified of documents that no longer match. */
    update(change: Change & Idempotent): Promise<void>;
    delete(change: Change & Idempotent): Promise<void>;
  };
  /** Disconnects a user, a session (`sid`) or a token (`jti`), and refuses it from then on. */
  revoke(target: Publications["revoke"]["target"], reason?: string): Promise<void>;
  /** Takes a revocation back. */
  restore(target: Publications["restore"]["target"]): Promise<void>;
}

/** Rooms that an entry addresses. */
type Addressed = { to: readonly RoomOf[]; except: readonly RoomOf[]; volatile?: boolean };

/** An emitter for one organisation. */
export function createEmitter({ org, via }: EmitterOptions): Emitter {
  const send = "lambda" in via ? invoking(via) : putting(via);
  const publish = ({ id = randomUUID(), ...entry }: Publication & Idempotent) =>
    send({ ...entry, id, org });
  const change =
    (event: "db:create" | "db:update" | "db:delete") =>
    async (entry: Change & Idempotent): Promise<void> =>
      void (await publish({ ...entry, event }));

  /** Publishes what is answered, which nothing that comes by the bus is. */
  const request = async (entry: Publication & Idempotent): Promise<unknown> => {
    if ("eventBridge" in via)
      throw new PublishError(`${entry.event} needs an answer, which the bus does not bring`);
    return publish(entry);
  };

  const rooms = (addressed: Addressed): EmitterRooms => {
    const { to, except } = addressed;
    return {
      to: (...more) => rooms({ ...addressed, to: [...to, ...more] }),
      except: (...more) => rooms({ ...addressed, except: [...except, ...more] }),
      get volatile() {
        return rooms({ ...addressed, volatile: true });
      },
      emit: async (name, payload, options = {}) =>
        void (await publish({ ...options, event: "emit", ...addressed, name, payload })),
      timeout: (timeout) => ({
        emitWithAck: async (name, payload) =>
          (await request({
            ...{ event: "sockets:emitWithAck", to, except, name, payload, timeout },
          })) as Acknowledgements,
      }),
      fetchSockets: async (page = {}) =>
        (await request({ event: "sockets:fetch", to, except, ...page })) as Awaited<
          ReturnType<EmitterRooms["fetchSockets"]>
        >,
      socketsJoin: async (room) =>
        void (await publish({ event: "sockets:join", to, except, room })),
      socketsLeave: async (room) =>
        void (await publish({ event: "sockets:leave", to, except, room })),
      disconnectSockets: async (close = false) =>
        void (await publish({ event: "sockets:disconnect", to, except, close })),
    };
  };

  return {
    publish,
    to: (...first) => rooms({ to: first, except: [] }),
    db: { create: change("db:create"), update: change("db:update"), delete: change("db:delete") },
    revoke: async (target, reason) =>
      void (await publish({ event: "revoke", target, ...(reason !== undefined && { reason }) })),
    restore: async (target) => void (await publish({ event: "restore", target })),
  };
}

type Send = (entry: Record<string, unknown>) => Promise<unknown>;

const invoking =
  ({ lambda, functionName }: Extract<Via, { lambda: unknown }>): Send =>
  async (entry) => {
    for (let wait = MIN_WAIT; ; wait *= 2) {
      const { Payload, FunctionError } = await lambda.send(
        new InvokeCommand({ FunctionName: functionName, Payload: JSON.stringify(entry) }),
      );
      const answer: unknown = JSON.parse(Payload?.transformToString() || "null");
      if (FunctionError === undefined) return answer;
      const { errorMessage = FunctionError } = (answer ?? {}) as { readonly errorMessage?: string };
      if (!IN_PROGRESS.test(errorMessage) || wait > MAX_WAIT) throw new PublishError(errorMessage);
      await pause(wait);
    }
  };

/** The refusal while an earlier attempt with the same idempotency key is in progress. */
const IN_PROGRESS = /^conflict: /;

/** Milliseconds, doubled with each retry; long enough to outlast a function that died in progress. */
const MIN_WAIT = 250;
const MAX_WAIT = 16_000;

const putting =
  ({ eventBridge, busName }: Extract<Via, { eventBridge: unknown }>): Send =>
  async ({ event, ...detail }) => {
    const entry = {
      EventBusName: busName,
      Source: "serverless-socket-io.emitter",
      DetailType: String(event),
      Detail: JSON.stringify(detail),
    };
    const { Entries } = await eventBridge.send(new PutEventsCommand({ Entries: [entry] }));
    const fault = Entries?.[0]?.ErrorMessage;
    if (fault !== undefined) throw new PublishError(fault);
    return undefined;
  };
