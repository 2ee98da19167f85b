import type {
  AnyEvent,
  BeforeSend,
  Handshake,
  Listener,
  Namespace,
  Otherwise,
} from "#server/app.ts";
import { EventError, type RefusalCode, refuseClaim } from "#server/errors.ts";
import { MAX_DEPTH } from "#server/model/depth.ts";
import { once } from "#server/model/once.ts";
import type { RateLimit } from "#server/model/rate.ts";
import type { Identity, Session, SocketKey } from "#server/model/session.ts";
import { domainOf } from "#server/model/telemetry.ts";
import { requireRooms, storable } from "#server/names.ts";
import { parse } from "#server/parse.ts";
import type { Outlet } from "#server/socket/broadcast.ts";
import { type Emission, type EmitBuffer, takesAll } from "#server/socket/emit-buffer.ts";
import { createSocket, type Membership, memberOf, type Socket } from "#server/socket/socket.ts";
import { stampOf } from "#server/store/session-item.ts";
import {
  answer,
  type EventCall,
  emissionsInstead,
  type Handler,
  handlerOf,
  type Progress,
  requireToken,
} from "./answers.ts";
import { createContext } from "./context.ts";
import { everyoneIn, everyoneOf } from "./namespaces.ts";
import { createOutlet } from "./outlet.ts";
import { refuseLarge, refuseOversized } from "./oversized.ts";
import type { Parts } from "./parts.ts";
import { type Sender, UnmovedError } from "./sender.ts";

const UNORDERED =
  "payload: the order of its attachments cannot be told; send one attachment an event, or base64";

const TOO_DEEP = `payload: it nests more than ${MAX_DEPTH} levels deep`;

/** What a call sends out, and what went wrong besides a refusal. */
export interface Dispatched {
  readonly emissions: readonly Emission[];
  readonly beforeSend?: BeforeSend | undefined;
  readonly fault?: unknown;
  /** What is sent instead where nothing of it could be sent. */
  readonly giveUp: (error: unknown) => readonly Emission[];
}

/** Runs a call: limit, find, parse, authorise, handle, reply. Every call gets exactly one answer. */
export function createDispatch(parts: Parts, sender: Sender) {
  const kit: Kit = { ...parts, sender };
  return {
    dispatch: (namespace: Namespace, call: EventCall) => dispatch(kit, namespace, call),
    greet: (...greeted: Greeted) => greet(kit, ...greeted),
  };
}

/** What events are handled with. */
interface Kit extends Parts {
  readonly sender: Sender;
}

/** Whose event it is, and when it was received. */
type Caller = Pick<EventCall, "key" | "session" | "receivedAt">;

type Greeted = [
  /** What comes before all that it emits; what is sent at once is taken out. */
  opening: Emission[],
  namespace: Namespace,
  key: SocketKey,
  session: Session,
  handshake: Pick<Handshake, "auth">,
  receivedAt: number,
  recovered: boolean,
  onWait: EventCall["onWait"],
];

async function dispatch(kit: Kit, namespace: Namespace, call: EventCall): Promise<Dispatched> {
  const { sender } = kit;
  const { telemetry } = kit.runtime;
  const progress: Progress = { buffer: sender.newBuffer() };
  const handler = handlerOf(namespace, call.event);
  const giveUp = (fault: unknown) => emissionsInstead(call, handler, progress, fault);
  const count = (outcome: RefusalCode | "ok") => {
    // A client may make up any number of names; CloudWatch would keep a metric of each.
    const event = handler.isDeclared ? domainOf(call.event) : "unknown";
    telemetry.count("Events", 1, { event, outcome });
  };
  kit.watch?.received(call);
  try {
    requireToken(call.limited, "what this user sends");
    await limitRate(kit, handler, call);
    await run(kit, namespace, handler, call, progress);
    refuseOversized(progress.buffer, kit.runtime.limits);
    count("ok");
    const { beforeSend } = progress;
    return { emissions: progress.buffer.take(), beforeSend, giveUp };
  } catch (fault) {
    count(fault instanceof EventError ? fault.code : "internal");
    const emissions = giveUp(fault);
    return fault instanceof EventError ? { emissions, giveUp } : { emissions, giveUp, fault };
  }
}

/** Has the application greet a new socket; gives what that emits and has not sent. */
async function greet(
  given: Kit,
  ...[opening, namespace, key, session, handshake, receivedAt, recovered, onWait]: Greeted
): Promise<readonly Emission[]> {
  if (namespace.onConnect === undefined) return [];
  const sendOrLog: Sender["sendOrLog"] = async (emissions, options) => {
    const first = opening.splice(0);
    try {
      await given.sender.sendOrLog([...first, ...emissions], options);
    } catch (error) {
      // Where nothing has left, CONNECT is still to be answered.
      if (!(error instanceof UnmovedError)) opening.unshift(...first);
      throw error;
    }
  };
  const sender = { ...given.sender, sendOrLog };
  const kit = { ...given, sender };
  const { telemetry } = kit.runtime;
  const progress: Progress = { buffer: sender.newBuffer() };
  const caller = { key, session, receivedAt };
  const outlet = createOutlet(kit, progress.buffer, sendOrLog, onWait);
  const socket = socketOf(kit, namespace, caller, outlet);
  try {
    await keepingData(kit, key, session, () =>
      namespace.onConnect?.(
        { ...socket, handshake, recovered },
        contextOf(kit, caller, progress, outlet),
      ),
    );
    refuseOversized(progress.buffer, kit.runtime.limits);
    return progress.buffer.take();
  } catch (error) {
    telemetry.fail("a socket could not be greeted", error, { connectionId: key.connectionId });
    return [];
  }
}

async function limitRate(
  kit: Kit,
  { event, domain }: Handler,
  { session, event: name }: EventCall,
) {
  const { adapter } = kit;
  const { limits } = kit.runtime;
  const kind = event?.rate ?? domain?.rate ?? "eventsPerSecond";
  requireToken(await adapter.rateLimits.take(rateLimitOf(kind, session, limits)), name);
}

async function run(
  kit: Kit,
  namespace: Namespace,
  handler: Handler,
  call: EventCall,
  progress: Progress,
): Promise<void> {
  const { event, listener, domain } = handler;
  if (event === undefined && listener === undefined)
    throw new EventError("unknown_event", `there is no event ${call.event}`);
  if (call.isTooDeep) throw new EventError("invalid_payload", TOO_DEEP);
  if (!call.isOrdered) throw new EventError("conflict", UNORDERED);
  refuseLarge(kit.runtime.limits, domain, call);
  const outlet = createOutlet(kit, progress.buffer, kit.sender.sendOrLog, call.onWait);
  const socket = socketOf(kit, namespace, call, outlet);
  if (event !== undefined) await runDeclared(kit, namespace, event, call, socket, progress, outlet);
  else if (listener !== undefined) await runListener(kit, listener, call, socket, progress.buffer);
}

async function runDeclared(
  kit: Kit,
  namespace: Namespace,
  event: AnyEvent,
  call: EventCall,
  socket: Socket,
  progress: Progress,
  outlet: Outlet,
): Promise<void> {
  const schema = event.payload();
  const payload = parse(schema, takesAll(schema) ? call.args : call.args[0]);
  const granted = await event.access({ ...kit.stores, payload, socket });
  const context = contextOf(kit, call, progress, outlet);
  const beforeSend = (work: BeforeSend) => {
    const before = progress.beforeSend;
    progress.beforeSend = once(() => Promise.all([before?.(), work()]));
  };
  const handle = async () => {
    const reply = await event.handle({ ...context, ...granted, payload, socket, beforeSend });
    answer(call, progress.buffer, event.reply, reply);
  };
  if (namespace.immutableData) await handle();
  else await keepingData(kit, call.key, call.session, handle);
}

/** As Socket.IO calls it: with the client's arguments, and the acknowledgement last where one is asked for. */
async function runListener(
  kit: Kit,
  listener: Listener,
  call: EventCall,
  socket: Socket,
  buffer: EmitBuffer,
): Promise<void> {
  const { ackId, key, session } = call;
  let isAcknowledged = false;
  const acknowledge = (...values: readonly unknown[]) => {
    if (ackId !== undefined && !isAcknowledged) buffer.ack(key, ackId, values);
    isAcknowledged = true;
  };
  const last = ackId === undefined ? [] : [acknowledge];
  await keepingData(kit, key, session, () => listener(socket, ...call.args, ...last));
}

/** Keeps what a handler has changed of `socket.data`. */
async function keepingData(
  kit: Kit,
  key: SocketKey,
  { data }: Session,
  work: () => unknown,
): Promise<void> {
  const { adapter } = kit;
  const before = JSON.stringify(data);
  await work();
  if (JSON.stringify(data) === before) return;
  await adapter.sessions.setData(key.sid, storable(data));
}

const contextOf = (
  kit: Kit,
  { key, session, receivedAt }: Caller,
  progress: Progress,
  outlet: Outlet,
) =>
  createContext(
    kit,
    outlet,
    { tenant: session.tenant, nsp: key.nsp },
    (otherwise?: Otherwise) => flush(kit, progress, otherwise),
    receivedAt,
  );

function socketOf(
  kit: Kit,
  namespace: Namespace,
  { key, session, receivedAt }: Caller,
  outlet: Outlet,
): Socket {
  const { adapter } = kit;
  const { rooms, sessions, ledger } = adapter;
  const member = memberOf(key, session);
  const everyone = everyoneOf(namespace);
  const isChosen = (name: string) => name !== everyone && name !== session.id;
  const membership: Membership = {
    async join(given) {
      const names = [given].flat();
      requireRooms(names);
      const joined = await rooms.join(member, names, receivedAt);
      return typeof joined === "string" ? refuseClaim(joined, "rooms") : joined;
    },
    async leave(given) {
      const names = [given].flat();
      requireRooms(names);
      // These two are not a room to leave, as in Socket.IO.
      const left = await rooms.leave(member, names.filter(isChosen), receivedAt);
      return left === "churning" ? refuseClaim(left, "rooms") : left;
    },
    supersede: (kind) => ledger.supersede(key.sid, kind, stampOf(receivedAt, true)),
    rooms: async () =>
      ((await sessions.get(key.sid))?.rooms ?? []).filter((name) => name !== everyone),
    async claim(name, place, max, what) {
      const claimed = await ledger.claim(key.sid, name, place, stampOf(receivedAt), max);
      return typeof claimed === "string" ? refuseClaim(claimed, what) : claimed;
    },
  };
  return createSocket(key, session, outlet, membership, everyoneIn(kit.app));
}

async function flush(
  kit: Kit,
  progress: Progress,
  otherwise: Otherwise | undefined,
): Promise<void> {
  const { sender } = kit;
  refuseOversized(progress.buffer, kit.runtime.limits);
  progress.otherwise = otherwise;
  // One listener's failed post is not the caller's failure.
  await sender.sendOrLog(progress.buffer.take());
}

/** The tokens of which an event of a user takes one; what has no limit of its own shares one, CONNECT included. */
export const rateLimitOf = (
  kind: string,
  { tenant, userId }: Pick<Identity, "tenant" | "userId">,
  limits: Readonly<Record<string, number>>,
): RateLimit => ({ kind, owner: [tenant, userId], perSecond: limits[kind] ?? 0 });
