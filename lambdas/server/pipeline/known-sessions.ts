import QuickLRU from "quick-lru";
import type { AnyApp } from "#server/app.ts";
import { REREAD } from "#server/model/limits.ts";
import type { Address, Connection, Session, StoredSession } from "#server/model/session.ts";
import type { Parts } from "./parts.ts";

/** Connections a warm function remembers, so that most events cost no read for them. */
const MAX_CONNECTIONS = 5000;

interface Known {
  readonly sockets: Connection["sockets"];
  readonly readAt: number;
}

/** The sessions of connections, as a warm function knows them: what ends one elsewhere is seen within `REREAD`. */
export function createKnownSessions({ app, adapter, runtime: { now } }: Parts<AnyApp>) {
  const remembered = new QuickLRU<string, Known>({ maxSize: MAX_CONNECTIONS });

  return {
    remember({ connectionId, sockets }: Pick<Connection, "connectionId" | "sockets">): void {
      remembered.set(connectionId, { sockets, readAt: now() });
    },

    forget: (connectionId: string) => void remembered.delete(connectionId),

    /** Whoever uses a connection, as far as that is known without a read. */
    owner: (connectionId: string): Session | undefined =>
      Object.values(remembered.get(connectionId)?.sockets ?? {})[0],

    /** The session that a packet is of, by the time at which it was received. */
    async find({ connectionId, nsp }: Address, receivedAt: number): Promise<Session | undefined> {
      const remembered = known(connectionId)?.[nsp];
      const begun = remembered ?? (await read({ connectionId, nsp }, receivedAt));
      if (begun === undefined || app.namespaces[nsp]?.immutableData) return begun;
      const stored = await withData(begun);
      if (remembered === undefined || stored?.endedAt === undefined) return stored?.session;
      const after = await read({ connectionId, nsp }, receivedAt);
      return after && (await withData(after))?.session;
    },
  };

  /** What a handler has changed of its data is kept with the session alone. */
  async function withData({ id }: Session): Promise<StoredSession | undefined> {
    const [stored] = await adapter.sessions.getAll([id]);
    return stored;
  }

  function known(connectionId: string): Known["sockets"] | undefined {
    const { sockets, readAt = 0 } = remembered.get(connectionId) ?? {};
    return now() - readAt < REREAD ? sockets : undefined;
  }

  async function read(
    { connectionId, nsp }: Address,
    receivedAt: number,
  ): Promise<Session | undefined> {
    const connection = await adapter.connections.get(connectionId, receivedAt);
    if (connection === undefined) return undefined;
    const { sockets, departed, endedAt } = connection;
    const before = departed[nsp];
    // What was received before a session ended is still its own.
    if (before !== undefined && receivedAt <= before.at) return before.session;
    if (endedAt === undefined) remembered.set(connectionId, { sockets, readAt: now() });
    return sockets[nsp];
  }
}
