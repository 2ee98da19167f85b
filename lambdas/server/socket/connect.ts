import { randomBytes } from "node:crypto";
import { type Authenticate, AuthenticationError } from "#mudbase/authentication.ts";
import type { Identity } from "#mudbase/model/identity.ts";
import { type Connection, type Member, memberOf, type Session } from "#server/model/connection.ts";
import type { Limited } from "#server/model/rate.ts";
import { ownRooms, type Room } from "#server/model/room.ts";
import type { Outbox } from "./emit-buffer.ts";
import { PacketType } from "./packets.ts";

export interface ConnectParts {
  readonly authenticate: Authenticate;
  readonly revocations: Revocations;
  readonly places: Places;
  readonly connections: {
    get(connectionId: string): Promise<Connection | undefined>;
    begin(
      connectionId: string,
      session: Session,
      rooms: readonly Room[],
      place?: number,
    ): Promise<boolean>;
  };
  readonly rooms: {
    enter(member: Member, rooms: readonly Room[]): Promise<void>;
  };
  /** Counts a user's connecting; gives something where that comes too often. */
  readonly limit: (identity: Identity) => Promise<Limited | undefined>;
  /** Connections an organisation may have that has no limit of its own; 0 is no limit. */
  readonly connectionsPerTenant: number;
  readonly now: () => number;
}

/** What is asked of revocations, and of the limit that an organisation has of its own. */
interface Revocations {
  concern(
    identity: Identity,
  ): Promise<{ readonly isRevoked: boolean; readonly connectionLimit?: number | undefined }>;
}

/** The places of an organisation whose connections are limited. */
interface Places {
  take(org: string, connectionId: string, limit: number): Promise<number | undefined>;
  give(org: string, place: number, connectionId: string): Promise<void>;
}

/** What became of a CONNECT: a session, or a refusal with its reason, or one too many, or a breach of the protocol. */
export type Connected =
  | { readonly outcome: "connected"; readonly session: Session }
  | { readonly outcome: "refused"; readonly reason: string }
  | { readonly outcome: "limited" }
  | { readonly outcome: "illegal" };

/** Answers the CONNECT of a connection to `/`: who it is, its session, its own two rooms. */
export function createConnect(parts: ConnectParts) {
  return async (connectionId: string, auth: unknown, outbox: Outbox): Promise<Connected> => {
    const identity = await identify(connectionId, auth, parts).catch((error: unknown) => {
      if (error instanceof AuthenticationError) return error;
      throw error;
    });
    if (identity instanceof AuthenticationError)
      return refuse(connectionId, identity.message, outbox, parts);
    if ((await parts.limit(identity)) !== undefined) return { outcome: "limited" };

    const session = { id: randomBytes(15).toString("base64url"), identity };
    const result = await begin(connectionId, session, parts);
    if (result === "illegal") return { outcome: "illegal" };
    if (result === "revoked")
      return refuse(connectionId, "the user, the session or the token is revoked", outbox, parts);

    const data = { sid: session.id };
    outbox.send({ connectionId }, { type: PacketType.CONNECT, nsp: "/", data });
    if (result === "begun") return { outcome: "connected", session };

    outbox.emit({ connectionId }, "error", { message: LIMIT_REACHED, limit: result.limit });
    outbox.disconnect({ connectionId }, true);
    return { outcome: "refused", reason: `the organisation has ${result.limit} connections` };
  };
}

const LIMIT_REACHED = "Realtime connection limit reached for your plan.";

/** The reason is for the log: the client is told the same whatever it was. */
async function refuse(
  connectionId: string,
  reason: string,
  outbox: Outbox,
  { connections }: ConnectParts,
): Promise<Connected> {
  const connection = await connections.get(connectionId);
  if (connection === undefined || connection.session !== undefined) return { outcome: "illegal" };
  const data = { message: "Authentication error" };
  outbox.send({ connectionId }, { type: PacketType.CONNECT_ERROR, nsp: "/", data });
  return { outcome: "refused", reason };
}

async function begin(
  connectionId: string,
  session: Session,
  { revocations, connections, places, rooms, connectionsPerTenant }: ConnectParts,
): Promise<"begun" | "illegal" | "revoked" | { readonly limit: number }> {
  const { identity } = session;
  const { org } = identity;
  const { isRevoked, connectionLimit: limit = connectionsPerTenant } =
    await revocations.concern(identity);
  if (isRevoked) return "revoked";
  const place = limit > 0 ? await places.take(org, connectionId, limit) : undefined;
  if (limit > 0 && place === undefined) return { limit };

  const own = ownRooms(identity);
  if (!(await connections.begin(connectionId, session, own, place))) {
    if (place !== undefined) await places.give(org, place, connectionId);
    return "illegal";
  }
  await rooms.enter(memberOf(connectionId, identity), own);
  // Asked again once the socket is listed: a revocation finds it there, or is found here.
  return (await revocations.concern(identity)).isRevoked ? "illegal" : "begun";
}

/** A token in CONNECT comes before one in the handshake, which was verified when it came. */
async function identify(
  connectionId: string,
  auth: unknown,
  { authenticate, connections, now }: ConnectParts,
): Promise<Identity> {
  const token = tokenIn(auth);
  const identity =
    token === undefined
      ? (await connections.get(connectionId))?.handshake
      : await authenticate(token);

  if (identity === undefined) throw new AuthenticationError("there is no token");
  if (identity.expiresAt * 1000 <= now()) throw new AuthenticationError("the token has expired");
  return identity;
}

function tokenIn(auth: unknown): string | undefined {
  const token =
    typeof auth === "object" && auth !== null && "token" in auth ? auth.token : undefined;
  return typeof token === "string" ? token : undefined;
}
