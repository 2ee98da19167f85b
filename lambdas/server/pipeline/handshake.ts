import type { AnyApp, Upgrade } from "#server/app.ts";
import { admitsOrigin, headerOf } from "#server/engine/handshake.ts";
import { ConnectError } from "#server/errors.ts";
import type { Parts } from "./parts.ts";

/** Characters that a line repeats of what a stranger sends: headers may have 10 KB. */
const MAX_QUOTED = 128;

/** What both transports ask of a handshake. */
export function createHandshake({ app, runtime, stores }: Parts<AnyApp>) {
  const { telemetry, allowedOrigins } = runtime;

  return {
    /** Whether a page of its origin may connect; what is refused is logged. */
    isAdmitted({ connectionId, headers }: Pick<Upgrade, "connectionId" | "headers">): boolean {
      const isAdmitted = admitsOrigin(allowedOrigins, headers);
      const origin = headerOf(headers, "origin")?.slice(0, MAX_QUOTED);
      if (!isAdmitted)
        telemetry.note("a handshake was refused", {
          ...{ connectionId, reason: "its origin is not allowed", origin },
        });
      return isAdmitted;
    },

    /** What the application keeps of it. Whoever brings what is refused may bring better with CONNECT. */
    async keep(upgrade: Upgrade): Promise<unknown> {
      try {
        return await app.keepOfUpgrade?.(upgrade, stores);
      } catch (error) {
        if (!(error instanceof ConnectError)) throw error;
        const { connectionId } = upgrade;
        telemetry.note("the token of a handshake was refused", {
          connectionId,
          reason: error.reason,
        });
        return undefined;
      }
    },
  };
}
