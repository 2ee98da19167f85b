import { randomBytes } from "node:crypto";
import type { AnyApp, Upgrade } from "#server/app.ts";
import { admitsOrigin, handshakeFault, headerOf, openFrame } from "#server/engine/handshake.ts";
import { type PendingOpen, postOpen } from "#server/engine/open.ts";
import { ConnectError } from "#server/errors.ts";
import type { Parts } from "./parts.ts";
import type { Sender } from "./sender.ts";

/** The two steps of a handshake: API Gateway lets nothing through before the first has returned. */
export function createUpgrade({ app, runtime, adapter, stores }: Parts<AnyApp>, sender: Sender) {
  const { telemetry, gateway, pause, now } = runtime;
  const { connections } = adapter;

  /** Whoever brings what is refused may bring better with CONNECT. */
  async function keep(upgrade: Upgrade): Promise<unknown> {
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
  }

  return {
    /** Decides on an upgrade; gives the status to answer it with. */
    async accept(upgrade: Upgrade): Promise<200 | 400 | 403> {
      const { connectionId, connectedAt, headers, query } = upgrade;
      const refuse = (details: object) =>
        telemetry.note("an upgrade was refused", { connectionId, ...details });
      const reason = handshakeFault(query);
      if (reason !== undefined) {
        refuse({ reason });
        return 400;
      }
      if (!admitsOrigin(runtime.allowedOrigins, headers)) {
        const origin = headerOf(headers, "origin");
        refuse({ reason: "its origin is not allowed", origin });
        return 403;
      }
      const handshake = await keep(upgrade);
      await runtime.invokeSelf({ open: { connectionId, connectedAt, handshake } });
      telemetry.count("ConnectionsOpened");
      return 200;
    },

    /** Sends the OPEN packet, once `$connect` has returned, and lets CONNECT in; throws where that is too late. */
    async open({ handshake, ...pending }: PendingOpen): Promise<void> {
      const { connectionId, connectedAt } = pending;
      const frame = openFrame(randomBytes(15).toString("base64url"), runtime.heartbeat);
      const { post } = gateway;
      const result = await postOpen(pending, frame, { post, pause, now }).catch(giveUp);
      if (result === "sent")
        return connections.add(connectionId, connectedAt, handshake).catch(giveUp);
      if (result === "late") return giveUp(new Error("the client waited for OPEN in vain"));
      telemetry.count("Gone");
      await sender.close(connectionId, "gone before OPEN could be posted");

      /** Cut, a client that still waits comes again. */
      async function giveUp(error: unknown): Promise<never> {
        await sender.close(connectionId, "OPEN could not be posted");
        throw error;
      }
    },
  };
}
