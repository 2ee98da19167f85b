import * as z from "zod/mini";
import { EventError, TimeoutError } from "#server/errors.ts";
import { MAX_TIMEOUT } from "#server/model/acknowledgement.ts";
import { FETCHED, MAX_FETCHED } from "#server/model/audience.ts";
import { checked, optional, withDefault } from "#server/model/fields.ts";
import { Id } from "#server/model/id.ts";
import { definePublication } from "./define.ts";
import { addressed, EventName, requirePayload, roomOf, socketsOf } from "./emit.ts";

/** Bytes of an answer to a publisher: Lambda takes 6 MB. */
const MAX_ANSWER = 5_000_000;

const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value) ?? "");

/** Any event to the sockets of some rooms, at most a thousand, each of which is to acknowledge it. */
const asked = /* @__PURE__ */ definePublication({
  names: ["sockets:emitWithAck"],
  isRead: true,
  entry: () =>
    z.object({
      org: Id,
      ...addressed,
      name: EventName,
      payload: optional(z.unknown()),
      timeout: checked(z.int(), z.minimum(1), z.maximum(MAX_TIMEOUT)),
    }),

  async handle({ entry: { name, payload, timeout, ...rest }, io }) {
    requirePayload(name, payload);
    const asking = socketsOf(io, rest).timeout(timeout);
    const answers = await asking.emitWithAck(name as never, payload as never).then(
      (responses) => ({ responses, missing: [] as readonly string[] }),
      (error: unknown) => {
        if (!(error instanceof TimeoutError)) throw error;
        const { responses, missing } = error;
        return { responses, missing };
      },
    );
    if (bytesOf(answers) > MAX_ANSWER)
      throw new EventError("too_large", `the answers have more than ${MAX_ANSWER} bytes together`);
    return answers;
  },
});

/** The sockets of some rooms, a page at a time; `next` is where the next one begins. */
const fetched = /* @__PURE__ */ definePublication({
  names: ["sockets:fetch"],
  isRead: true,
  entry: () =>
    z.object({
      org: Id,
      ...addressed,
      after: optional(Id),
      limit: withDefault(checked(z.int(), z.minimum(1), z.maximum(MAX_FETCHED)), FETCHED),
    }),

  async handle({ entry: { after, limit, ...rest }, io }) {
    const sockets = await socketsOf(io, rest).fetchSockets({ after, limit });
    const all = sockets.map(({ id, userId, rooms }) => ({ id, userId, rooms }));
    let bytes = 0;
    const fitting = all.filter((socket) => {
      bytes += bytesOf(socket);
      return bytes <= MAX_ANSWER;
    });
    const next = fitting.length < all.length ? fitting.at(-1)?.id : sockets.next;
    return { sockets: fitting, ...(next !== undefined && { next }) };
  },
});

/** Puts the sockets of some rooms into a custom room, or takes them out of it. */
const moved = /* @__PURE__ */ definePublication({
  names: ["sockets:join", "sockets:leave"],
  entry: () => z.object({ org: Id, ...addressed, room: Id }),

  async handle({ event, entry: { room, ...rest }, io }) {
    const name = roomOf({ kind: "custom", room });
    if (event === "sockets:join") await socketsOf(io, rest).socketsJoin(name);
    else socketsOf(io, rest).socketsLeave(name);
  },
});

/** Disconnects the sockets of some rooms; their clients come back only if their application has them. */
const disconnected = /* @__PURE__ */ definePublication({
  names: ["sockets:disconnect"],
  entry: () => z.object({ org: Id, ...addressed, close: withDefault(z.boolean(), false) }),

  async handle({ entry: { close, ...rest }, io }) {
    socketsOf(io, rest).disconnectSockets(close);
  },
});

/** What other back ends may publish. */
export const socketPublications = [asked, fetched, moved, disconnected] as const;
