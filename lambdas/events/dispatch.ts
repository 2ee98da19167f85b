import type * as z from "zod/mini";
import type { Member } from "#model/connection.ts";
import { DEEPEST } from "#model/depth.ts";
import type { Limits } from "#model/limits.ts";
import type { Room } from "#model/room.ts";
import { domainOf, type Telemetry } from "#model/telemetry.ts";
import type { Emission, Outbox } from "#socket/outbox.ts";
import type { EventCall, EventPacket } from "#socket/protocol.ts";
import { createServer, createSocket } from "#socket/socket.ts";
import type { Rates } from "#store/rates.ts";
import type { Rooms } from "#store/rooms.ts";
import { type AnyEvent, Instead, type Stores } from "./define-event.ts";
import { describeFault } from "./describe-fault.ts";
import { type Emits, shape } from "./emits.ts";
import { EventError, type RefusalCode, requireJoined } from "./errors.ts";
import type { CallUpstream } from "./integrations/upstream.ts";
import { refuseOversized } from "./oversized.ts";
import { bucketOf, requireToken } from "./rate-limits.ts";

/** Characters of a refusal's message, which may quote what the client sent. */
const LONGEST_MESSAGE = 500;

const TOO_DEEP = `payload: it nests more than ${DEEPEST} levels deep`;

/** What a call sends out, and what went wrong besides a refusal. */
export interface Dispatched {
  readonly emissions: readonly Emission[];
  readonly fault?: unknown;
}

export interface DispatchParts {
  readonly events: ReadonlyMap<string, AnyEvent>;
  readonly stores: Stores;
  readonly rooms: Pick<Rooms, "join" | "leave">;
  readonly rates: Rates;
  readonly limits: Limits;
  readonly newOutbox: () => Outbox;
  readonly newId: () => string;
  readonly callUpstream: CallUpstream;
  readonly send: (emissions: readonly Emission[]) => Promise<void>;
  readonly now: () => number;
  readonly count: Telemetry["count"];
}

/** Runs a call: find, limit, parse, authorise, handle, reply. Every call gets exactly one answer (contract 2.3, 2.4). */
export function createDispatch(parts: DispatchParts): (call: EventCall) => Promise<Dispatched> {
  const { events, newOutbox, count } = parts;

  return async (call) => {
    try {
      const outbox = newOutbox();
      requireToken(call.limited, "what this socket sends");
      const event = events.get(call.event);
      if (event === undefined)
        throw new EventError("unknown_event", `there is no event ${call.event}`);
      await limitRate(call, parts);

      const reply = await run(event, call, outbox, parts);
      answer(event, call, outbox, reply);

      refuseOversized(outbox);
      count("Events", 1, { event: domainOf(call.event), outcome: "ok" });
      return { emissions: outbox.emissions };
    } catch (fault) {
      const outbox = newOutbox();
      countRefusal(call, fault instanceof EventError ? fault.code : "internal");
      if (fault instanceof EventError) {
        refuse(call, outbox, fault);
        if (fault.cuts) outbox.disconnect({ connectionId: call.connectionId }, true);
        return { emissions: outbox.emissions };
      }
      refuseInternally(call, outbox);
      return { emissions: outbox.emissions, fault };
    }
  };

  function countRefusal({ event }: EventCall, code: RefusalCode): void {
    // A client may make up any number of names; CloudWatch would keep a metric of each.
    const known = events.has(event) ? domainOf(event) : "unknown";
    count("Events", 1, { event: known, outcome: code });
  }
}

/** The answer to a call that failed for a reason of ours. */
export const refuseInternally = (call: EventPacket, outbox: Outbox): void =>
  refuse(call, outbox, new EventError("internal", `${call.event} failed`));

async function run(event: AnyEvent, call: EventCall, outbox: Outbox, parts: DispatchParts) {
  const { session, connectionId } = call;
  const { identity } = session;
  if (call.isTooDeep) throw new EventError("invalid_payload", TOO_DEEP);
  refuseLargePayload(call, parts.limits);
  const payload = parsePayload(event, call.args[0]);
  const granted = await event.access({ ...parts.stores, payload, identity, connectionId });

  return event.handle({
    ...parts.stores,
    ...granted,
    payload,
    limits: parts.limits,
    newId: parts.newId,
    callUpstream: parts.callUpstream,
    flush: () => flush(outbox, parts),
    socket: createSocket<Emits>({ connectionId, session, outbox, rooms: membership(parts) }),
    server: createServer<Emits>(identity.org, outbox),
    timestamp: new Date(parts.now()).toISOString(),
  });
}

async function limitRate({ event, session }: EventCall, { rates, limits }: DispatchParts) {
  const bucket = bucketOf(event, session.identity, limits);
  if (bucket !== undefined) requireToken(await rates.take(bucket), event);
}

async function flush(outbox: Outbox, { send }: DispatchParts): Promise<void> {
  refuseOversized(outbox);
  await send(outbox.take());
}

function parsePayload(event: AnyEvent, input: unknown): unknown {
  const result: z.core.util.SafeParseResult<unknown> = event.payload.safeParse(input);
  if (result.success) return result.data;

  throw new EventError("invalid_payload", describeFault(result.error), { cause: result.error });
}

const membership = ({ rooms }: DispatchParts) => ({
  join: async (member: Member, joined: readonly Room[]) =>
    requireJoined(await rooms.join(member, joined), "rooms"),
  leave: rooms.leave,
});

function answer(event: AnyEvent, call: EventCall, outbox: Outbox, reply: unknown): void {
  const caller = { connectionId: call.connectionId };
  const [name, payload] =
    reply instanceof Instead ? [reply.event, reply.payload] : [event.reply, reply];
  if (name !== undefined && payload !== undefined) outbox.emit(caller, name, payload);
  if (call.ackId !== undefined) outbox.ack(caller, call.ackId, acknowledgement(name, payload));
}

function acknowledgement(name: string | undefined, payload: unknown): unknown {
  if (payload === undefined) return { ok: true };
  return name === undefined ? payload : shape(name, payload);
}

function refuse(call: EventPacket, outbox: Outbox, error: EventError): void {
  const { code, retryAfterMs } = error;
  const message = error.message.slice(0, LONGEST_MESSAGE);
  const caller = { connectionId: call.connectionId };
  if (call.ackId !== undefined)
    outbox.ack(caller, call.ackId, { error: { code, message, retryAfterMs } });
  else if (call.event.startsWith("integration:"))
    outbox.emit(caller, "integration:error", {
      integrationId: namedIntegration(call),
      code,
      error: message,
      retryAfterMs,
    });
  else outbox.emit(caller, "exception", { code, message, event: call.event, retryAfterMs });
}

function namedIntegration({ args: [payload] }: EventPacket): string | undefined {
  const named = payload as { readonly integrationId?: unknown } | null | undefined;
  return typeof named?.integrationId === "string" ? named.integrationId : undefined;
}

function refuseLargePayload({ event, bytes }: EventCall, { customPayloadBytes }: Limits): void {
  if (event.startsWith("custom:") && bytes > customPayloadBytes)
    throw new EventError(
      "too_large",
      `the payload of ${event} is ${bytes} bytes, more than ${customPayloadBytes}`,
    );
}
