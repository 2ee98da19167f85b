import { probeAnswer } from "#server/engine/frames.ts";
import { CLOSE } from "#server/engine/transports/polling.ts";
import { hasEnded } from "#server/model/polling.ts";
import { socketsOf } from "#server/model/session.ts";
import type { Parts } from "./parts.ts";
import type { Sender } from "./sender.ts";

/** A frame that comes by a link. */
interface FromLink {
  readonly owner: string;
  readonly link: string;
}

/** A link is gone while it takes over: its client has left. */
const GONE = new Error("a link that takes over is gone");

/** How a client goes from polling to a WebSocket connection, its link: it probes, then it upgrades. */
export function createProbe({ adapter, runtime, links }: Parts, sender: Sender) {
  const { queues, connections, upgrades } = adapter;
  const { gateway } = runtime;

  const hasLeft = async (link: string): Promise<boolean> =>
    (await connections.find(link))?.endedAt !== undefined;

  return {
    /** The connection that a link belongs to; where it has ended, only for what was received before. */
    async ownerOf(link: string, receivedAt: number): Promise<string | undefined> {
      const known = links.ownerOf(link);
      if (known !== undefined) return known;
      const { owner } = (await connections.get(link, receivedAt)) ?? {};
      if (owner !== undefined) links.owned(link, owner);
      return owner;
    },

    /** Answers a probe; a link that may not take over is closed. */
    async probe({ owner, link }: FromLink): Promise<void> {
      if (await queues.probe(owner, link)) return void (await gateway.post(link, probeAnswer()));
      const queue = await queues.find(owner);
      // The probe was handled twice, and this comes late.
      if (queue?.link === link && !hasEnded(queue)) return;
      await sender.close(link, "its client does not poll, or probes by another link");
    },

    /** Has a link take over, once all that waits was posted to it. */
    async upgrade({ owner, link }: FromLink): Promise<void> {
      const result = await queues.upgrade(owner, link, post).catch(breakOff);
      if (result === "closed") return sender.close(link, "its session has ended");
      if (result === "unprobed" && (await hasLeft(link)))
        return sender.cut(owner, "its client has upgraded, and left before that was handled");
      if (result === "unprobed" || result === "refused")
        return sender.close(link, "an upgrade without a probe");
      if (result !== "upgraded") return;
      links.upgraded(owner, link);
      // Whoever finds none of this asks the queue, which costs a little more.
      const [connection] = await Promise.all([upgrades.note(link, owner), upgrades.keep(link)]);
      const { sockets = {} } = connection ?? {};
      await Promise.all(
        socketsOf({ connectionId: owner, sockets }).map(({ sid }) =>
          upgrades.noteSession(sid, owner, link),
        ),
      );

      async function post(packet: string): Promise<void> {
        // The end of the link says it, and later than what was posted before.
        if (packet === CLOSE) return;
        const result = await gateway.post(link, packet);
        if (result === "gone") throw GONE;
        if (result !== "sent") throw new Error("a packet that waited is too large for a link");
      }

      /** Nobody knows what has arrived: the client comes back for it. */
      async function breakOff(error: unknown): Promise<undefined> {
        try {
          await sender.cut(owner, "its upgrade broke off");
        } finally {
          // If the session has ended before, nobody else cuts its link.
          if (error !== GONE) await sender.close(link, "its upgrade broke off");
        }
        if (error !== GONE) throw error;
        return undefined;
      }
    },
  };
}
