import { randomBytes } from "node:crypto";
import type { Authenticated, Handshake, Middleware, Namespace, UntypedApp } from "#server/app.ts";
import { ConnectError } from "#server/errors.ts";
import type { Limited } from "#server/model/rate.ts";
import { type Address, MAIN, type Member, type Session } from "#server/model/session.ts";
import { requireNames, requireSmall } from "#server/names.ts";
import type { EmitBuffer } from "#server/socket/emit-buffer.ts";
import { PacketType } from "#server/socket/packets.ts";
import { memberOf } from "#server/socket/socket.ts";
import { everyoneOf, hasNamespaces } from "./namespaces.ts";
import type { Parts } from "./parts.ts";

/** What became of a CONNECT: a session, a refusal with its reason, one too many, or a breach of the protocol. */
export type Connected =
  | {
      readonly outcome: "connected";
      readonly session: Session;
      readonly handshake: Handshake;
    }
  | { readonly outcome: "refused"; readonly reason: string }
  | { readonly outcome: "limited" }
  | { readonly outcome: "illegal" };

type Auth = Authenticated<UntypedApp>;

const REFUSED = "Authentication error";
const REVOKED = "the user, the session or the token is revoked";

/** Answers a CONNECT: who it is, its session, the rooms it starts in; `limit` counts how often its user connects. */
export function createConnect(
  parts: Parts,
  limit: (user: Pick<Session, "tenant" | "userId">) => Promise<Limited | undefined>,
) {
  const { connections } = parts.adapter;

  return async (
    namespace: Namespace,
    address: Address,
    auth: unknown,
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

    const result = await begin(parts, namespace, key, session, found);
    if (result === "illegal") return { outcome: "illegal" };
    if (result === "revoked")
      return refuse(parts, key, new ConnectError(REFUSED, { reason: REVOKED }), buffer);

    buffer.send(key, { type: PacketType.CONNECT, data: { sid: id } });
    if (result === "begun") return { outcome: "connected", session, handshake };
    const emit = (event: string, ...args: readonly unknown[]) => buffer.emit(key, event, args);
    namespace.onFull?.({ emit }, result.limit);
    buffer.disconnect(key, key.nsp === MAIN);
    return { outcome: "refused", reason: `the tenant has ${result.limit} connections` };
  };

  function handshakeOf(address: Address, id: string, auth: unknown): Handshake {
    return {
      ...{ id, ...address },
      auth: typeof auth === "object" && auth !== null ? { ...auth } : {},
      kept: async () => (await connections.get(address.connectionId))?.handshake,
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
  requireNames([tenant, userId, ...(found.rooms ?? []), ...(found.credentials ?? [])]);
  const { id, auth } = handshake;
  for (const middleware of use)
    await run(middleware, { id, handshake: { auth }, tenant, userId, data });
  if (namespace.immutableData !== true) requireSmall(data);
  return { ...found, data };
}

/** The reason is for the log; the client is told the message. */
async function refuse(
  { adapter: { connections } }: Parts,
  key: Address,
  { message, data, reason }: ConnectError,
  buffer: EmitBuffer,
): Promise<Connected> {
  const connection = await connections.get(key.connectionId);
  if (connection === undefined || connection.sockets[key.nsp] !== undefined)
    return { outcome: "illegal" };
  const content = data === undefined ? { message } : { message, data };
  buffer.send(key, { type: PacketType.CONNECT_ERROR, data: content });
  return { outcome: "refused", reason };
}

/** Tries of a CONNECT that may have overtaken the DISCONNECT before it. */
const MAX_TRIES = 5;
const FIRST_WAIT = 100;

async function attach(
  { app, adapter, runtime }: Parts,
  address: Address,
  session: Session,
): Promise<boolean> {
  for (let tried = 1; ; tried += 1) {
    if (await adapter.connections.attach(address, session)) return true;
    // With its only socket the connection ends.
    if (!hasNamespaces(app) || tried === MAX_TRIES) return false;
    await runtime.pause(FIRST_WAIT * 2 ** (tried - 1));
  }
}

async function begin(
  parts: Parts,
  namespace: Namespace,
  { connectionId, nsp }: Address,
  session: Session,
  { rooms: more = [], tags, credentials = [] }: Auth,
): Promise<"begun" | "illegal" | "revoked" | { readonly limit: number }> {
  const { sessions, revocations, slots } = parts.adapter;
  const { limits } = parts.runtime;
  const { tenant, id } = session;
  const { isRevoked, connectionLimit: max = limits.connectionsPerTenant } = await revocations.check(
    tenant,
    credentials,
  );
  if (isRevoked) return "revoked";
  const slot = max > 0 ? await slots.acquire(tenant, connectionId, max) : undefined;
  if (max > 0 && slot === undefined) return { limit: max };

  const own = namespace.ownRoom === false ? [] : [id];
  const first = [everyoneOf(namespace), ...more, ...own];
  // What ends the connection finds the session from here on.
  if (!(await attach(parts, { connectionId, nsp }, session))) {
    if (slot !== undefined) await slots.release(tenant, slot, connectionId);
    return "illegal";
  }
  const member: Member = { ...memberOf({ connectionId, nsp, sid: id }, session), tags };
  await sessions.begin(member, session, [...new Set(first)], slot);
  if (credentials.length === 0) return "begun";
  // Asked again once the socket is listed: a revocation finds it there, or is found here.
  return (await revocations.check(tenant, credentials)).isRevoked ? "illegal" : "begun";
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
