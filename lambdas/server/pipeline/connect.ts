import { createHash, randomBytes } from "node:crypto";
import type { Authenticated, Handshake, Middleware, Namespace, UntypedApp } from "#server/app.ts";
import { ConnectError } from "#server/errors.ts";
import { REREAD } from "#server/model/limits.ts";
import type { Limited } from "#server/model/rate.ts";
import { sidIn } from "#server/model/recovery.ts";
import {
  type Address,
  type Connection,
  MAIN,
  type Session,
  type StoredSession,
} from "#server/model/session.ts";
import { CONNECT_TIMEOUT } from "#server/model/time-outs.ts";
import { requireNames, requireRooms, requireTenant, storable } from "#server/names.ts";
import type { EmitBuffer } from "#server/socket/emit-buffer.ts";
import { PacketType } from "#server/socket/packets.ts";
import { recovers } from "./end.ts";
import { everyoneOf } from "./namespaces.ts";
import { opened, patiently } from "./opened.ts";
import type { Parts } from "./parts.ts";
import type { createRecover, Recovered } from "./recover.ts";

/** What became of a CONNECT: a session, a refusal with its reason, one too many, or a breach of the protocol. */
export type Connected =
  | {
      readonly outcome: "connected";
      readonly session: Session;
      /** The connection with the session. */
      readonly connection: Connection;
      readonly handshake: Handshake;
      /** Set where it has come back: then CONNECT is answered. */
      readonly recovered?: StoredSession;
    }
  | { readonly outcome: "refused"; readonly reason: string }
  | { readonly outcome: "limited" }
  /** A newer connection has its session, or is to have it. */
  | { readonly outcome: "superseded" }
  | { readonly outcome: "illegal" };

type Auth = Authenticated<UntypedApp>;

const REFUSED = "Authentication error";
const REVOKED = "the user, the session or the token is revoked";

/** Answers a CONNECT: who it is, its session, the rooms it starts in; `limit` counts how often its user connects. */
export function createConnect(
  parts: Parts,
  limit: (user: Pick<Session, "tenant" | "userId">) => Promise<Limited | undefined>,
  recover: ReturnType<typeof createRecover>,
) {
  return async (
    namespace: Namespace,
    address: Address & Pick<Connection, "connectedAt">,
    auth: unknown,
    receivedAt: number,
    buffer: EmitBuffer,
  ): Promise<Connected> => {
    const id = randomBytes(15).toString("base64url");
    const key = { ...address, sid: id };
    const handshake = handshakeOf(address, id, auth);
    const found = await identify(parts, namespace, handshake).catch((error: unknown) => {
      if (error instanceof ConnectError) return error;
      throw error;
    });
    if (found instanceof ConnectError) return refuse(parts, key, found, buffer);
    const { tenant = "", userId = id, data = {}, expiresAt } = found;
    const session = { id, tenant, userId, data, ...(expiresAt !== undefined && { expiresAt }) };
    // Who has no name of its own is limited by its connection.
    const user = userId === id ? { tenant, userId: key.connectionId } : session;
    if ((await limit(user)) !== undefined) return { outcome: "limited" };

    const pid = recovers(parts) ? `${id}.${randomBytes(15).toString("base64url")}` : undefined;
    const back =
      pid === undefined
        ? undefined
        : await comeBack(parts, recover, { namespace, address, found, handshake, receivedAt });
    if (back === "revoked") return refuseRevoked();
    if (back === "superseded" || back === "illegal") return { outcome: back };
    if (back !== undefined) {
      const { connection, session: recovered } = back;
      return { outcome: "connected", handshake, connection, session: recovered.session, recovered };
    }

    const result = await begin(parts, namespace, key, session, found, receivedAt, pid);
    if (result === "illegal") return { outcome: "illegal" };
    if (result === "revoked") return refuseRevoked();

    buffer.send(key, { type: PacketType.CONNECT, data: { sid: id, pid } });
    if ("connection" in result)
      return { outcome: "connected", session, handshake, connection: result.connection };
    const emit = (event: string, ...args: readonly unknown[]) => buffer.emit(key, event, args);
    namespace.onFull?.({ emit }, result.limit);
    buffer.disconnect(key, key.nsp === MAIN);
    return { outcome: "refused", reason: `the tenant has ${result.limit} connections` };

    function refuseRevoked(): Promise<Connected> {
      return refuse(parts, key, new ConnectError(REFUSED, { reason: REVOKED }), buffer);
    }
  };

  function handshakeOf(address: Address, id: string, auth: unknown): Handshake {
    return {
      ...{ id, ...address },
      auth: typeof auth === "object" && auth !== null ? { ...auth } : {},
      kept: async () => (await opened(parts, address.connectionId))?.handshake,
    };
  }
}

/** Asks the application, and then its middleware. */
async function identify(
  { stores, runtime: { now } }: Parts,
  namespace: Namespace,
  handshake: Handshake,
): Promise<Auth> {
  const { authenticate, use = [] } = namespace;
  const found = await authenticate(handshake, stores);
  const { tenant = "", userId = handshake.id, data = {}, expiresAt } = found;
  if (expiresAt !== undefined && expiresAt * 1000 <= now())
    throw new ConnectError(REFUSED, { reason: "the token has expired" });
  requireTenant(tenant);
  requireNames([userId, ...(found.credentials ?? [])]);
  requireRooms(found.rooms ?? []);
  const { id, auth } = handshake;
  for (const middleware of use)
    await run(middleware, { id, handshake: { auth }, tenant, userId, data });
  return { ...found, data: namespace.immutableData === true ? data : storable(data) };
}

/** Who comes back, and with what. */
interface Returning {
  readonly namespace: Namespace;
  readonly address: Address & Pick<Connection, "connectedAt">;
  readonly found: Auth;
  readonly handshake: Handshake;
  readonly receivedAt: number;
}

const PID = /^[\w-]{20}\.[\w-]{20}$/;

/** Brings a session back where CONNECT names one; nothing where it must be a new one. */
async function comeBack(
  parts: Parts,
  recover: ReturnType<typeof createRecover>,
  { namespace, address, found, handshake, receivedAt }: Returning,
): Promise<Recovered | "illegal"> {
  const { revocations, rooms, sessions } = parts.adapter;
  const { pid, offset } = handshake.auth;
  if (typeof pid !== "string" || !PID.test(pid)) return undefined;
  const sid = sidIn(pid);
  const { tenant = "", userId = sid, data = {}, expiresAt, credentials = [] } = found;
  const isRevoked = async () =>
    credentials.length > 0 && (await revocations.check(tenant, credentials)).isRevoked;
  const known = await revocations.check(tenant, credentials, address.connectionId);
  // A link is given no session: its owner is.
  if (known.connection?.owner !== undefined) return "illegal";
  if (known.isRevoked) return "revoked";
  return recover({
    ...{ ...address, pid, offset, isRevoked, identity: { tenant, userId, data, expiresAt } },
    identityHash: identityHashOf(namespace, found),
    attach: ({ session }) => attach(parts, namespace, address, session, receivedAt),
    // A fresh token may come with rooms of its own, and without those of the last one.
    async join({ roomStamps, given = [] }) {
      const gives = found.rooms ?? [];
      const fresh = gives.filter((room) => !roomStamps.has(room));
      const stale = given.filter((room) => roomStamps.has(room) && !gives.includes(room));
      if (fresh.length === 0 && stale.length === 0) return true;
      const member = { sid, nsp: address.nsp, tenant, userId };
      await rooms.leave(member, stale, receivedAt);
      if (!Array.isArray(await rooms.join(member, fresh, receivedAt))) return false;
      await sessions.setGiven(sid, gives);
      return true;
    },
  });
}

/** What must be as it was where a session is to come back: else it might hear what it may not. */
const identityHashOf = ({ immutableData }: Namespace, { data, tags }: Auth): string =>
  createHash("sha256")
    .update(JSON.stringify([immutableData ? data : null, tags]))
    .digest("base64url");

/** The reason is for the log; the client is told the message. */
async function refuse(
  parts: Parts,
  key: Address,
  { message, data, reason }: ConnectError,
  buffer: EmitBuffer,
): Promise<Connected> {
  const connection = await opened(parts, key.connectionId);
  if (connection === undefined || connection.sockets[key.nsp] !== undefined)
    return { outcome: "illegal" };
  const content = data === undefined ? { message } : { message, data };
  buffer.send(key, { type: PacketType.CONNECT_ERROR, data: content });
  return { outcome: "refused", reason };
}

/** Notes a session on its connection, once OPEN is sent and whatever was before it there is forgotten. */
async function attach(
  parts: Parts,
  namespace: Namespace,
  address: Address,
  session: Session,
  receivedAt: number,
): Promise<Connection | undefined> {
  const { adapter, runtime } = parts;
  // Where data may change, functions read the session for every event, and see that it has ended.
  const grace = namespace.immutableData ? REREAD : 0;
  const idleBy = receivedAt - CONNECT_TIMEOUT;
  const tried = await patiently(parts, async () => {
    const lostBy = runtime.now() - grace;
    const attached = await adapter.connections.attach(address, session, { lostBy, idleBy });
    if (attached !== undefined) return { attached };
    const connection = await opened(parts, address.connectionId);
    if (connection === undefined) return {};
    const { sockets, departed, idleSince } = connection;
    const isIdle = Object.keys(sockets).length === 0;
    if (isIdle && idleSince <= idleBy) return {};
    const isLost = Object.keys(departed).length > 0 && sockets[address.nsp] === undefined;
    if (isLost) await runtime.pause(Math.max(0, idleSince - lostBy));
    return undefined;
  });
  return tried?.attached;
}

async function begin(
  parts: Parts,
  namespace: Namespace,
  { connectionId, nsp }: Address,
  session: Session,
  found: Auth,
  receivedAt: number,
  pid: string | undefined,
): Promise<
  { readonly connection: Connection } | "illegal" | "revoked" | { readonly limit: number }
> {
  const { sessions, revocations, slots } = parts.adapter;
  const { rooms: more = [], tags, credentials = [] } = found;
  const { limits } = parts.runtime;
  const { tenant, id } = session;
  const { isRevoked, connectionLimit: max = limits.connectionsPerTenant } = await revocations.check(
    tenant,
    credentials,
  );
  if (isRevoked) return "revoked";
  const own = namespace.ownRoom === false ? [] : [id];
  const first = [everyoneOf(namespace), ...more, ...own];
  // What ends the connection finds the session from here on.
  const connection = await attach(parts, namespace, { connectionId, nsp }, session, receivedAt);
  if (connection === undefined) return "illegal";
  const socket = { connectionId, nsp, sid: id };
  const slot = max > 0 ? await slots.acquire(tenant, socket, max) : undefined;
  if (max > 0 && slot === undefined) return { limit: max };
  await sessions.begin(
    connection,
    nsp,
    session,
    {
      ...{ rooms: [...new Set(first)], given: more, tags, slot, pid },
      identityHash: pid && identityHashOf(namespace, found),
    },
    receivedAt,
  );
  if (credentials.length === 0) return { connection };
  // Asked again once the socket is listed: a revocation finds it there, or is found here.
  const { isRevoked: isNow } = await revocations.check(tenant, credentials);
  return isNow ? "illegal" : { connection };
}

/** Milliseconds within which a middleware must call `next`. */
const MIDDLEWARE_TIMEOUT = 10_000;

/** Resolves once a middleware has called `next`; rejects where it calls it with an error, or not in time. */
const run = (middleware: Middleware, socket: Parameters<Middleware>[0]): Promise<void> =>
  new Promise((resolve, reject) => {
    const late = new ConnectError("a middleware has not called next");
    const timer = setTimeout(() => reject(late), MIDDLEWARE_TIMEOUT);
    const next: Parameters<Middleware>[1] = (error) => {
      clearTimeout(timer);
      if (!error) return resolve();
      const { message, data } = error;
      return reject(new ConnectError(message, { data, reason: `a middleware: ${message}` }));
    };
    Promise.resolve(middleware(socket, next)).catch(reject);
  });
