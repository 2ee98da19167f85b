import { pingFrame } from "#server/engine/frames.ts";
import { LATEST_WRITE } from "#server/model/limits.ts";
import { isDueForRotation } from "#server/model/rotation.ts";
import {
  type Connection,
  type DisconnectReason,
  departedOf,
  type SocketKey,
  socketsOf,
} from "#server/model/session.ts";
import { CONNECT_TIMEOUT, MAX_AGE } from "#server/model/time-outs.ts";
import { isPolling } from "#server/model/transport.ts";
import { recovers } from "./end.ts";
import type { Parts } from "./parts.ts";
import type { Sender } from "./sender.ts";

/** What a visit has made of a connection: one that lives has been pinged. */
export type Swept = "lives" | "ended";

/** Looks after one connection: ends it, or pings it and takes away what it has left. */
export function createVisit(
  parts: Parts,
  sender: Sender,
  { maxSilence, minutes }: { readonly maxSilence: number; readonly minutes: number },
) {
  const { runtime, transport, links } = parts;
  const { now, telemetry } = runtime;
  const { clearAgain, clearDeparted } = createClearing(parts, sender);

  return visit;

  async function visit(connection: Connection, scheduledTime: number): Promise<Swept> {
    const end = endOf(connection, scheduledTime);
    if (end !== undefined) await end();
    else if (await isPinged(connection)) {
      await clearDeparted(connection);
      return "lives";
    }
    return "ended";
  }

  /** How a connection ends that is not to be pinged. */
  function endOf(connection: Connection, scheduledTime: number): (() => Promise<void>) | undefined {
    const { connectionId, connectedAt, endedAt, idleSince, lastSeenAt, owner } = connection;
    if (endedAt !== undefined) return () => clearAgain(connection, endedAt);
    if (owner !== undefined) return () => visitLink(connection, owner);
    const sockets = Object.entries(connection.sockets);
    if (sockets.length === 0 && now() - idleSince > CONNECT_TIMEOUT)
      return () => close(connectionId, "no CONNECT came");
    const [expired] = sockets.filter(([, { expiresAt }]) => Number(expiresAt) * 1000 <= now());
    if (expired !== undefined)
      return () => sender.expire({ connectionId, nsp: expired[0], sid: expired[1].id });
    if (now() - lastSeenAt > maxSilence)
      return () => close(connectionId, "no pong came", "ping timeout");
    if (recovers(parts) && isDueForRotation(connection, scheduledTime, minutes))
      return () => rotate(connectionId);
    // Nothing else ends one that polls: its items would expire.
    if (now() - connectedAt > MAX_AGE) return () => close(connectionId, "it is two hours old");
    return undefined;
  }

  /** A link that is not known to have taken over: ends it where it has had its time, and has not. */
  async function visitLink({ connectionId, connectedAt }: Connection, owner: string) {
    const queue = await parts.adapter.queues.find(owner);
    const isUpgraded = queue?.state === "upgraded" && queue.link === connectionId;
    if (isUpgraded) await parts.adapter.upgrades.keep(connectionId);
    else if (now() - connectedAt > CONNECT_TIMEOUT)
      await close(connectionId, "it has not taken over from polling");
  }

  /**
   * API Gateway would cut it after two hours, in the middle of something. It is closed before its sessions are
   * ended: whoever died in between would leave its client connected, and unheard.
   */
  async function rotate(connectionId: string): Promise<void> {
    telemetry.count("Rotated");
    const reason = "it is about to be two hours old";
    telemetry.note("a connection was closed", { connectionId, reason });
    await transport.close(connectionId);
    await sender.disconnect(connectionId);
  }

  async function isPinged({ connectionId, link }: Connection): Promise<boolean> {
    telemetry.count("Pinged");
    links.upgraded(connectionId, link);
    if ((await transport.post(connectionId, [pingFrame()])) !== "gone") return true;
    await sender.disconnect(connectionId);
    return false;
  }

  async function close(connectionId: string, reason: string, as?: DisconnectReason): Promise<void> {
    telemetry.count("Evicted");
    await sender.cut(connectionId, reason, as);
  }
}

/** Takes away again what ended connections and sockets have left. */
function createClearing(parts: Parts, sender: Sender) {
  const { adapter, runtime, transport } = parts;
  const { now, telemetry } = runtime;

  return { clearAgain, clearDeparted };

  /** What was under way when a connection ended is over: a second look takes away all it left. */
  async function clearAgain(connection: Connection, endedAt: number): Promise<void> {
    telemetry.count("CleanedUp");
    // At once, for what failed when it ended; and again when it is removed.
    await sender.clear(connection);
    // The function that ended one that has begun with polling may have died before it cut its WebSocket.
    const { connectionId, link } = connection;
    if (isPolling(connectionId)) await transport.close(connectionId);
    if (link !== undefined) await transport.close(link);
    // A session that comes back asks for the last pong of the connection that it had.
    const window = runtime.limits.connectionStateRecovery * 1000;
    if (now() - endedAt < LATEST_WRITE + window) return;
    await forgetSessions([...socketsOf(connection), ...departedOf(connection)]);
    await adapter.connections.remove(connection);
  }

  /** The same for sockets that ended while their connection stays. */
  async function clearDeparted(connection: Connection): Promise<void> {
    const { connectionId } = connection;
    const departed = departedOf(connection).filter(
      ({ detachedAt }) => now() - detachedAt > LATEST_WRITE,
    );
    if (departed.length === 0) return;
    await sender.clear({
      ...{ connectionId, sockets: {} },
      departed: Object.fromEntries(departed.map((one) => [one.sid, one])),
    });
    await forgetSessions(departed);
    await adapter.connections.forget(connectionId, departed);
  }

  /** One that has come back by another connection lives on, or is forgotten with that. */
  async function forgetSessions(sockets: readonly SocketKey[]): Promise<void> {
    const known = recovers(parts)
      ? await adapter.sessions.getAll(sockets.map(({ sid }) => sid))
      : [];
    const sessions = new Map(known.map((session) => [session.sid, session]));
    const isKept = ({ sid, connectionId }: SocketKey) => {
      const session = sessions.get(sid);
      if (session === undefined) return false;
      return session.endedAt === undefined || session.connectionId !== connectionId;
    };
    const forgotten = sockets.filter((socket) => !isKept(socket));
    await adapter.sessions.remove(forgotten.map(({ sid }) => sid));
  }
}
