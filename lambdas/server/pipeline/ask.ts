import type { PendingPacket } from "#server/model/packet-log.ts";
import { mayStillCome } from "#server/model/recovery.ts";
import type { StoredSession } from "#server/model/session.ts";
import type { Sessions } from "#server/store/adapter.ts";

/** A packet on its way to a socket of which only the session knows whether it may be posted to. */
export interface Unsure {
  readonly sid: string;
  /** When the connection was made by which it is listed; nothing where it is not listed by a room. */
  readonly connectedAt?: number | undefined;
  readonly id: string;
  /** The id that it had before it was sent anew. */
  readonly instead?: string | undefined;
  /** Where the packet is in the log; nothing where it is in none. */
  readonly entry?: PendingPacket | undefined;
}

/** How a session is reached. */
type Reached = Pick<StoredSession, "connectionId" | "link">;

export interface AskingParts {
  readonly sessions: Pick<Sessions, "getAll" | "note">;
  readonly now: () => number;
}

/** Questions that are asked again because a recovery has gone on in the meantime. */
const MAX_ROUNDS = 5;

/**
 * Asks the sessions of sockets: gives, for each packet that is to be posted, by which connection. Others are left to a
 * recovery that goes on, or are read by one from the log. `settled` are sessions of which nobody need be asked again.
 */
export async function ask<Packet extends Unsure>(
  packets: readonly Packet[],
  parts: AskingParts,
): Promise<{
  readonly posts: readonly (Packet & Reached)[];
  readonly settled: ReadonlySet<string>;
  /** Connections for whose recovery there is no room for more. */
  readonly cuts: readonly string[];
}> {
  const settled = new Set<string>();
  const cuts: string[] = [];
  const bySid = new Map<string, Packet[]>();
  for (const packet of packets) bySid.set(packet.sid, [...(bySid.get(packet.sid) ?? []), packet]);
  const asked = await parts.sessions.getAll([...bySid.keys()]);
  const sessions = new Map(asked.map((session) => [session.sid, session]));
  const posts = await Promise.all(
    [...bySid].map(([sid, own]) => askOne(sessions.get(sid), own, parts, { settled, cuts })),
  );
  return { posts: posts.flat(), settled, cuts };
}

async function askOne<Packet extends Unsure>(
  first: StoredSession | undefined,
  packets: readonly Packet[],
  { sessions, now }: AskingParts,
  { settled, cuts }: { readonly settled: Set<string>; readonly cuts: string[] },
): Promise<readonly (Packet & Reached)[]> {
  const posts: (Packet & Reached)[] = [];
  let session = first;
  for (const packet of packets)
    for (let round = 0; ; round += 1) {
      if (session === undefined || !isReached(session, packet)) break;
      if (session.state === "connected") {
        const { connectionId, link, replayed } = session;
        const { id, instead = id } = packet;
        if (!replayed.has(id) && !replayed.has(instead))
          posts.push({ ...packet, connectionId, link });
        break;
      }
      const { entry } = packet;
      // One that cannot be told must not keep the packet from all others: cut, it reads the log when it comes back.
      const noted =
        entry === undefined || (await sessions.note(session, entry).catch(() => "full" as const));
      if (noted === "full") cuts.push(session.connectionId);
      if (noted !== false) break;
      if (round === MAX_ROUNDS) throw new Error("a session changed each time that it was asked");
      [session] = await sessions.getAll([session.sid]);
    }
  if (session?.state === "connected" && !mayStillCome(session, now())) settled.add(session.sid);
  return posts;
}

/** One that has lost its connection, or was listed by another one, reads the log when it comes back. */
const isReached = (
  { state, endedAt, connectedAt }: StoredSession,
  packet: Pick<Unsure, "connectedAt">,
): boolean =>
  endedAt === undefined &&
  state !== "detached" &&
  (packet.connectedAt === undefined || packet.connectedAt === connectedAt);
