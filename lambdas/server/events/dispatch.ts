import { type Emits, shape } from "#mudbase/emits.ts";
import type { ContractLimits as Limits } from "#mudbase/limits.ts";
import type { CallUpstream } from "#mudbase/upstream.ts";
import type { Member } from "#server/model/connection.ts";
import { DEEPEST } from "#server/model/depth.ts";
import { Id } from "#server/model/id.ts";
import type { Room } from "#server/model/room.ts";
import { domainOf, type Telemetry } from "#server/model/telemetry.ts";
import type { Emission, Outbox } from "#server/socket/emit-buffer.ts";
import type { EventCall, EventPacket } from "#server/socket/protocol.ts";
import { createServer, createSocket } from "#server/socket/socket.ts";
import type { Rates } from "#server/store/rate-limits.ts";
import type { Rooms } from "#server/store/rooms.ts";
import { type AnyEvent, Instead, type Otherwise, type Stores } from "./define-event.ts";
import { EventError, type RefusalCode, requireJoined } from "./errors.ts";
import { refuseOversized } from "./oversized.ts";
import { parse } from "./parse.ts";
import { bucketOf, requireToken } from "./rate-limits.ts";

/** Characters of a refusal's message, which may quote what the client sent. */
const LONGEST_MESSAGE = 500;

const UNORDERED =
  "payload: the order of its attachments cannot be told; send one attachment an event, or base64 in the payload";

const TOO_DEEP = `payload: it nests more than ${DEEPEST} levels deep`;

/** What a call sends out, and what went wrong besides a refusal. */
export interface Dispatched {
  readonly emissions: readonly Emission[];
  readonly fault?: unknown;
  /** What is sent instead where nothing of it could be sent. */
  readonly giveUp: (error: unknown) => readonly Emission[];
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

/** Runs a call: limit, find, parse, authorise, handle, reply. Every call gets exactly one answer (contract 2.3, 2.4). */
export function createDispatch(parts: DispatchParts): (call: EventCall) => Promise<Dispatched> {
  const { events, newOutbox, count } = parts;

  return async (call) => {
    const progress: Progress = { outbox: newOutbox() };
    const { outbox } = progress;
    const giveUp = (fault: unknown) => emissionsInstead(call, progress, fault);
    try {
      requireToken(call.limited, "what this user sends");
      await limitRate(call, parts);
      const event = events.get(call.event);
      if (event === undefined)
        throw new EventError("unknown_event", `there is no event ${call.event}`);

      const reply = await run(event, call, progress, parts);
      answer(call, outbox, replyOf(event, reply));

      refuseOversized(outbox);
      count("Events", 1, { event: domainOf(call.event), outcome: "ok" });
      return { emissions: outbox.take(), giveUp };
    } catch (fault) {
      countRefusal(call, fault instanceof EventError ? fault.code : "internal");
      const emissions = giveUp(fault);
      return fault instanceof EventError ? { emissions, giveUp } : { emissions, giveUp, fault };
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
  refuse(call, outbox, internal(call));

const internal = ({ event }: EventPacket) => new EventError("internal", `${event} failed`);

/** What a call has come to: what waits to be sent, and who must hear of its failure besides the caller. */
interface Progress {
  readonly outbox: Outbox;
  otherwise?: Otherwise | undefined;
}

/** What is sent in place of all that a failed call has emitted and nobody has been sent yet. */
function emissionsInstead(
  call: EventCall,
  { outbox, otherwise }: Progress,
  fault: unknown,
): readonly Emission[] {
  outbox.take();
  const refusal = fault instanceof EventError ? fault : internal(call);
  if (otherwise === undefined) refuse(call, outbox, refusal);
  else answer(call, outbox, otherwise(refusal.message));
  if (refusal.cuts) outbox.disconnect({ connectionId: call.connectionId }, true);
  return outbox.take();
}

async function run(event: AnyEvent, call: EventCall, progress: Progress, parts: DispatchParts) {
  const { outbox } = progress;
  const { session, connectionId } = call;
  const { identity } = session;
  if (call.isTooDeep) throw new EventError("invalid_payload", TOO_DEEP);
  if (!call.isOrdered) throw new EventError("conflict", UNORDERED);
  refuseLargePayload(call, parts.limits);
  const payload = parse(event.payload(), call.args[0]);
  const granted = await event.access({ ...parts.stores, payload, identity, connectionId });

  return event.handle({
    ...parts.stores,
    ...granted,
    payload,
    limits: parts.limits,
    newId: parts.newId,
    callUpstream: parts.callUpstream,
    flush: (otherwise?: Otherwise) => flush(progress, otherwise, parts),
    socket: createSocket<Emits>({ connectionId, session, outbox, rooms: membership(parts) }),
    server: createServer<Emits>(identity.org, outbox),
    timestamp: new Date(parts.now()).toISOString(),
  });
}

async function limitRate({ event, session }: EventCall, { rates, limits }: DispatchParts) {
  requireToken(await rates.take(bucketOf(event, session.identity, limits)), event);
}

async function flush(
  progress: Progress,
  otherwise: Otherwise | undefined,
  { send }: DispatchParts,
) {
  const { outbox } = progress;
  refuseOversized(outbox);
  progress.otherwise = otherwise;
  await send(outbox.take());
}

const membership = ({ rooms }: DispatchParts) => ({
  join: async (member: Member, joined: readonly Room[]) =>
    requireJoined(await rooms.join(member, joined), "rooms"),
  leave: rooms.leave,
});

interface Reply {
  readonly event: string | undefined;
  readonly payload: unknown;
}

const replyOf = ({ reply: event }: AnyEvent, payload: unknown): Reply =>
  payload instanceof Instead ? payload : { event, payload };

function answer(call: EventCall, outbox: Outbox, { event, payload }: Reply): void {
  const caller = { connectionId: call.connectionId };
  if (event !== undefined && payload !== undefined) outbox.emit(caller, event, payload);
  if (call.ackId !== undefined) outbox.ack(caller, call.ackId, acknowledgement(event, payload));
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
  // What is no id may be as long as a packet: repeated, the refusal would be longer than one.
  return Id.safeParse(named?.integrationId).data;
}

function refuseLargePayload({ event, bytes }: EventCall, { customPayloadBytes }: Limits): void {
  if (event.startsWith("custom:") && bytes > customPayloadBytes)
    throw new EventError(
      "too_large",
      `the payload of ${event} is ${bytes} bytes, more than ${customPayloadBytes}`,
    );
}
