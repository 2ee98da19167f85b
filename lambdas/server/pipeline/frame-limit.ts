import type { AnyApp } from "#server/app.ts";
import type { Limited } from "#server/model/rate.ts";
import type { createKnownSessions } from "./known-sessions.ts";
import type { Parts } from "./parts.ts";

/** A frame counts for its user, or for the connection while this function does not know whose it is. */
export function createFrameLimit(
  { adapter, runtime }: Parts<AnyApp>,
  sessions: Pick<ReturnType<typeof createKnownSessions>, "owner">,
) {
  const { limits, telemetry } = runtime;

  return async (connectionId: string): Promise<Limited | undefined> => {
    const known = sessions.owner(connectionId);
    const owner = known === undefined ? [connectionId] : [known.tenant, known.userId];
    try {
      const { framesPerSecond: perSecond } = limits;
      return await adapter.rateLimits.take({ kind: "frames", owner, perSecond });
    } catch (error) {
      // Before the frame is decoded nobody could be answered; what follows can.
      telemetry.fail("a limit could not be kept", error, { connectionId });
      return undefined;
    }
  };
}
