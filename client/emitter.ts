import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { type EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { InvokeCommand, type LambdaClient } from "@aws-sdk/client-lambda";
import type { RoomOf } from "../lambdas/mudbase/emit.ts";
import type { Entry } from "../lambdas/mudbase/publishing.ts";

/**
 * How entries travel. `lambda` invokes the publish function (output `PublishFunctionName`): the lowest
 * delay, and a refusal is thrown. `eventBridge` puts them on the bus (output `PublishBusName`): AWS
 * retries, and what is refused lies among the dead letters.
 */
export type Via =
  | { readonly lambda: LambdaClient; readonly functionName: string }
  | { readonly eventBridge: EventBridgeClient; readonly busName: string };

export interface EmitterOptions {
  /** The organisation that everything is published in. */
  readonly org: string;
  readonly via: Via;
}

/** Entries without what the emitter adds. */
type Publication = Entry extends infer One ? (One extends Entry ? Omit<One, "org"> : never) : never;
type Of<Event extends Entry["event"]> = Entry extends infer One
  ? One extends { readonly event: infer Names }
    ? Event extends Names
      ? One
      : never
    : never
  : never;
type Change = Omit<Of<"db:create">, "event" | "org">;

/**
 * An id makes a publication happen once within ten minutes, however often it is tried. Without one of
 * your own each call has a new one, because the SDK tries again where an answer is lost; `null` is no
 * id, which saves two writes and may publish twice.
 */
export interface OnceUnder {
  readonly id?: string | null;
}

/** Thrown where the publish function refuses an entry; the message names what is wrong with it. */
export class PublishError extends Error {
  override readonly name = "PublishError";
}

/** Some rooms to send to; every refinement is a new one. */
export interface EmitterRooms {
  to(...rooms: readonly RoomOf[]): EmitterRooms;
  except(...rooms: readonly RoomOf[]): EmitterRooms;
  emit(name: string, payload?: unknown, once?: OnceUnder): Promise<void>;
}

/** Publishes to the sockets of one organisation from a Node back end (contract, section 4). */
export interface Emitter {
  /** Any entry; gives what its kind has to tell, nothing by way of the bus. */
  publish(entry: Publication & OnceUnder): Promise<unknown>;
  /** `emitter.to({ kind: "user", userId: "ann" }).emit("news", { n: 1 })`. */
  to(...rooms: readonly RoomOf[]): EmitterRooms;
  readonly db: {
    create(change: Change & OnceUnder): Promise<void>;
    /** `previous` lets live queries hear of documents that no longer match. */
    update(change: Change & OnceUnder): Promise<void>;
    delete(change: Change & OnceUnder): Promise<void>;
  };
  /** Cuts a user, a session (`sid`) or a token (`jti`) off, and keeps it out. */
  revoke(target: Of<"revoke">["target"], reason?: string): Promise<void>;
  restore(target: Of<"restore">["target"]): Promise<void>;
}

/** An emitter for one organisation. */
export function createEmitter({ org, via }: EmitterOptions): Emitter {
  const send = "lambda" in via ? invoking(via) : putting(via);
  const publish = ({ id = randomUUID(), ...entry }: Publication & OnceUnder) =>
    send({ ...entry, id, org });
  const change =
    (event: "db:create" | "db:update" | "db:delete") =>
    async (given: Change & OnceUnder): Promise<void> =>
      void (await publish({ ...given, event }));

  const rooms = (to: readonly RoomOf[], except: readonly RoomOf[]): EmitterRooms => ({
    to: (...more) => rooms([...to, ...more], except),
    except: (...more) => rooms(to, [...except, ...more]),
    emit: async (name, payload, once = {}) =>
      void (await publish({
        ...once,
        event: "emit",
        to: [...to],
        except: [...except],
        name,
        payload,
      })),
  });

  return {
    publish,
    to: (...first) => rooms(first, []),
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
    for (let wait = FIRST_WAIT; ; wait *= 2) {
      const { Payload, FunctionError } = await lambda.send(
        new InvokeCommand({ FunctionName: functionName, Payload: JSON.stringify(entry) }),
      );
      const answer: unknown = JSON.parse(Payload?.transformToString() || "null");
      if (FunctionError === undefined) return answer;
      const { errorMessage = FunctionError } = (answer ?? {}) as { readonly errorMessage?: string };
      if (!IN_PROGRESS.test(errorMessage) || wait > LONGEST_WAIT)
        throw new PublishError(errorMessage);
      await pause(wait);
    }
  };

/** Said where an earlier try under the same id has not ended yet: what becomes of it is worth waiting for. */
const IN_PROGRESS = /^conflict: /;

/** Milliseconds; doubled each time, they outlast any function that has died with the id. */
const FIRST_WAIT = 250;
const LONGEST_WAIT = 16_000;

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
