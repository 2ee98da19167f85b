import { LATEST_WRITE } from "#server/model/limits.ts";
import type { LogEntry } from "#server/model/packet-log.ts";
import { DEADLINE } from "#server/model/recovery.ts";
import type { StoredSession } from "#server/model/session.ts";
import { isEndedBy } from "./missed.ts";
import type { Parts } from "./parts.ts";
import type { Sender } from "./sender.ts";

/**
 * Looks after one session that has lost its connection: tells that it is away, ends it, and takes away what it has
 * left; `ends` is what has disconnected the sockets of rooms lately.
 */
export function createVisitLost({ app, adapter, runtime }: Parts, sender: Sender) {
  const { now, limits } = runtime;
  const { sessions } = adapter;

  return async (session: StoredSession, ends: readonly LogEntry[]): Promise<void> => {
    const { sid, nsp, state, lostAt = 0, endedAt, isAway } = session;
    if (endedAt !== undefined) {
      await sender.clearEnded(session);
      if (now() - endedAt >= LATEST_WRITE) await sessions.remove([sid]);
      return;
    }
    const age = now() - lostAt;
    // Whatever brought it back has died.
    if (state === "recovering" && age > DEADLINE)
      return sender.abandon(session, "a recovery broke off");
    if (state !== "detached") return;
    if (ends.some((end) => isEndedBy(session, end)))
      return sender.endLost({ ...session, reason: "server namespace disconnect" });
    if (age > limits.connectionStateRecovery * 1000) return sender.endLost(session);
    const { awayAfter } = app.namespaces[nsp] ?? {};
    const isDue = awayAfter !== undefined && age > Number(limits[awayAfter]) * 1000;
    if (isDue && !isAway && (await sessions.markAway(session)))
      await sender.callAwayHook("onAway", session);
  };
}
