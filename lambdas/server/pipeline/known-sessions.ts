import QuickLRU from "quick-lru";
import type { AnyApp } from "#server/app.ts";
import { REREAD } from "#server/model/limits.ts";
import type { Address, Connection, Session, StoredSession } from "#server/model/session.ts";
import type { Parts } from "./parts.ts";

/** Connections a warm function remembers, so that most events cost no read for them. */
const MAX_CONNECTIONS = 5000;

interface Known {
  readonly connection: Carried;
  readonly readAt: number;
}

/** What a connection carries, and has carried not long ago. */
type Carried = Pick<Connection, "sockets" | "departed">;

/** The sessions of connections, as a warm function knows them: what ends one elsewhere is seen within `REREAD`. */
export function createKnownSessions({ app, adapter, links, runtime: { now } }: Parts<AnyApp>) {
  const remembered = new QuickLRU<string, Known>({ maxSize: MAX_CONNECTIONS });

  return {
    remember,

    forget: (connectionId: string) => void remembered.delete(connectionId),

    /** Whoever uses a connection, as far as that is known without a read. */
    owner: (connectionId: string): Session | undefined =>
      Object.values(remembered.get(connectionId)?.connection.sockets ?? {})[0],

    /** The session that a packet is of, by the time at which it was received. */
    async find({ connectionId, nsp }: Address, receivedAt: number): Promise<Session | undefined> {
      const known = knownOf(connectionId);
      const begun = known && sessionAt(known, nsp, receivedAt);
      const session = begun ?? (await read({ connectionId, nsp }, receivedAt));
      if (session === undefined || app.namespaces[nsp]?.immutableData) return session;
      const stored = await withData(session);
      if (begun === undefined || stored?.endedAt === undefined) return stored?.session;
      const after = await read({ connectionId, nsp }, receivedAt);
      return after && (await withData(after))?.session;
    },
  };

  /** Remembers the sessions of a connection, as they were at a time. */
  function remember({ connectionId, sockets, departed, link }: Connection, readAt: number): void {
    links.upgraded(connectionId, link);
    remembered.set(connectionId, { connection: { sockets, departed }, readAt });
  }

  /** What a handler has changed of its data is kept with the session alone. */
  async function withData({ id }: Session): Promise<StoredSession | undefined> {
    const [stored] = await adapter.sessions.getAll([id]);
    return stored;
  }

  function knownOf(connectionId: string): Carried | undefined {
    const { connection, readAt = 0 } = remembered.get(connectionId) ?? {};
    return now() - readAt < REREAD ? connection : undefined;
  }

  async function read(
    { connectionId, nsp }: Address,
    receivedAt: number,
  ): Promise<Session | undefined> {
    const readAt = now();
    const connection = await adapter.connections.get(connectionId, receivedAt);
    if (connection === undefined) return undefined;
    if (connection.owner !== undefined) {
      links.owned(connectionId, connection.owner);
      return undefined;
    }
    if (connection.endedAt === undefined) remember(connection, readAt);
    return sessionAt(connection, nsp, receivedAt);
  }
}

/** What was received before a session ended is still its own, whatever has come after it. */
function sessionAt(
  { sockets, departed }: Carried,
  nsp: string,
  receivedAt: number,
): Session | undefined {
  const all = Object.values(departed);
  if (all.length === 0) return sockets[nsp];
  const [before] = all
    .filter((one) => one.nsp === nsp && receivedAt <= one.receivedAt)
    .toSorted((a, b) => a.receivedAt - b.receivedAt);
  return before?.session ?? sockets[nsp];
}
