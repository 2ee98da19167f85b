import {
  Acknowledgement,
  type AnyEvent,
  type BeforeSend,
  type Domain,
  Instead,
  type Listener,
  type Namespace,
  type Otherwise,
} from "#server/app.ts";
import { EventError } from "#server/errors.ts";
import type { Limited } from "#server/model/rate.ts";
import type { Address, Session, SocketKey } from "#server/model/session.ts";
import { domainOf } from "#server/model/telemetry.ts";
import type { Emission, EmitBuffer } from "#server/socket/emit-buffer.ts";
import type { EventPacket } from "#server/socket/packets.ts";

/** Characters of a refusal's message, which may quote what the client sent. */
const MAX_MESSAGE = 500;

/** An event packet of a socket, whoever that is. */
export interface SocketEvent extends EventPacket {
  readonly key: Address;
}

/** An event packet of a session. */
export interface EventCall extends SocketEvent {
  readonly key: SocketKey;
  readonly session: Session;
  /** Epoch milliseconds at which API Gateway received it. */
  readonly receivedAt: number;
  /** Set where this user sends more than it may, whatever it sends. */
  readonly limited?: Limited | undefined;
  /** Called where its handler begins to wait for acknowledgements. */
  readonly onWait?: (() => void) | undefined;
  /** Not set where nobody can tell in which order its attachments were sent. */
  readonly isOrdered: boolean;
}

/** What handles an event: its declaration, or a handler without a schema. */
export interface Handler {
  readonly event?: AnyEvent | undefined;
  readonly listener?: Listener | undefined;
  readonly domain?: Domain | undefined;
  /** Whether its name is the application's, and not what a client made up. */
  readonly isDeclared: boolean;
}

/** What a call has come to: what waits to be sent, and who is to be notified of its failure besides the caller. */
export interface Progress {
  readonly buffer: EmitBuffer;
  /** All that the handler has named, done once however often this is called. */
  beforeSend?: BeforeSend | undefined;
  otherwise?: Otherwise | undefined;
}

/** The answer to a call that failed for a reason of the server's. */
export const refuseInternally = (
  namespace: Namespace,
  call: SocketEvent,
  buffer: EmitBuffer,
): void => refuse(handlerOf(namespace, call.event), call, buffer, internal(call));

const internal = ({ event }: EventPacket) => new EventError("internal", `${event} failed`);

/** What handles an event of a namespace: found once for each name that is declared. */
export function handlerOf(namespace: Namespace, name: string): Handler {
  const known = declared.get(namespace) ?? handlersOf(namespace);
  declared.set(namespace, known);
  const handler = known.get(name);
  if (handler !== undefined) return handler;
  const { domains = {}, fallback } = namespace;
  const prefix = domainOf(name);
  const domain = Object.hasOwn(domains, prefix) ? domains[prefix] : undefined;
  const listener: Listener | undefined =
    fallback && ((socket, ...args) => fallback(socket, name, ...args));
  return { domain, listener, isDeclared: false };
}

const declared = new WeakMap<Namespace, ReadonlyMap<string, Handler>>();

function handlersOf({ domains = {}, events = [], on = {} }: Namespace) {
  const isDeclared = true;
  return new Map<string, Handler>([
    ...Object.entries(on).map(([name, listener]) => [name, { listener, isDeclared }] as const),
    ...events.map((event) => [event.name, { event, isDeclared }] as const),
    ...Object.values(domains).flatMap((domain) =>
      domain.events.map((event) => [event.name, { event, domain, isDeclared }] as const),
    ),
  ]);
}

/** What is sent in place of all that a failed call has emitted and nobody has been sent yet. */
export function emissionsInstead(
  call: EventCall,
  handler: Handler,
  { buffer, otherwise }: Progress,
  fault: unknown,
): readonly Emission[] {
  buffer.take();
  const refusal = fault instanceof EventError ? fault : internal(call);
  if (otherwise === undefined) refuse(handler, call, buffer, refusal);
  else answer(call, buffer, undefined, otherwise(refusal.message));
  if (refusal.cuts) buffer.disconnect(call.key, true);
  return buffer.take();
}

/** Stops a call for which there is no token, and cuts a client that keeps on. */
export function requireToken(limited: Limited | undefined, event: string): void {
  if (limited === undefined) return;
  throw new EventError("rate_limited", `${event} comes too often`, {
    retryAfterMs: limited.retryAfterMs,
    cuts: limited.isFlood,
  });
}

export function answer(
  { key, ackId }: EventCall,
  buffer: EmitBuffer,
  name: string | undefined,
  returned: unknown,
): void {
  const { event, payload } =
    returned instanceof Instead ? returned : { event: name, payload: returned };
  const isReply = event !== undefined && payload !== undefined;
  if (isReply) buffer.emit(key, event, [payload]);
  if (ackId !== undefined)
    buffer.ack(
      key,
      ackId,
      isReply ? buffer.serialize(key.nsp, event, [payload]) : valuesOf(payload),
    );
}

const valuesOf = (payload: unknown): readonly unknown[] =>
  payload instanceof Acknowledgement ? payload.values : [payload ?? { ok: true }];

function refuse(handler: Handler, call: SocketEvent, buffer: EmitBuffer, error: EventError): void {
  const { code, retryAfterMs } = error;
  const message = error.message.slice(0, MAX_MESSAGE);
  if (call.ackId !== undefined) {
    buffer.ack(call.key, call.ackId, [{ error: { code, message, retryAfterMs } }]);
    return;
  }
  const [event, payload] = handler.domain?.refusal?.(
    { code, message, retryAfterMs },
    call.args,
  ) ?? ["exception", { code, message, event: call.event, retryAfterMs }];
  buffer.emit(call.key, event, [payload]);
}
