import type { AnyApp, Upgrade } from "#server/app.ts";
import { handshakeFault, isSid, newSid, openFrame } from "#server/engine/handshake.ts";
import { type PendingOpen, postOpen } from "#server/engine/transports/websocket.ts";
import { isProbed, polls } from "#server/model/polling.ts";
import { pollingId } from "#server/model/transport.ts";
import { createHandshake } from "./handshake.ts";
import type { Parts } from "./parts.ts";
import type { Sender } from "./sender.ts";

/** The two steps of a handshake: API Gateway lets nothing through before the first has returned. */
export function createUpgrade(parts: Parts<AnyApp>, sender: Sender) {
  const { runtime, adapter } = parts;
  const { telemetry, gateway, pause, now } = runtime;
  const { connections, queues, upgrades } = adapter;
  const { isAdmitted, keep } = createHandshake(parts);

  return {
    /** Decides on an upgrade; gives the status to answer it with. */
    async accept(upgrade: Upgrade): Promise<200 | 400 | 403> {
      const { connectionId, connectedAt, query } = upgrade;
      const reason = handshakeFault(query);
      if (reason !== undefined) return refuse(upgrade, reason);
      if (!isAdmitted(upgrade)) return 403;
      if (query.sid !== undefined) return acceptLink(upgrade, query.sid);
      const handshake = await keep(upgrade);
      await runtime.invokeSelf({ open: { connectionId, connectedAt, handshake } });
      telemetry.count("ConnectionsOpened");
      return 200;
    },

    /** Sends the OPEN packet, once `$connect` has returned, and lets CONNECT in; throws where that is too late. */
    async open({ handshake, ...pending }: PendingOpen): Promise<void> {
      const { connectionId, connectedAt } = pending;
      const frame = openFrame(newSid(), runtime.heartbeat);
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

  /** The client is known, and speaks first. */
  async function acceptLink(upgrade: Upgrade, sid: string): Promise<200 | 400> {
    const { connectionId, connectedAt } = upgrade;
    const owner = pollingId(sid);
    const queue = isSid(sid) ? await queues.find(owner) : undefined;
    if (queue === undefined || !polls(queue))
      return refuse(upgrade, "there is no session that polls to upgrade");
    if (isProbed(queue, now())) return refuse(upgrade, "another WebSocket is about to take over");
    await upgrades.add(connectionId, connectedAt, owner);
    return 200;
  }

  function refuse({ connectionId }: Upgrade, reason: string): 400 {
    telemetry.note("an upgrade was refused", { connectionId, reason });
    return 400;
  }
}
