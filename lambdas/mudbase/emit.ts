import * as z from "zod/mini";
import {
  chatRoom,
  collectionRoom,
  customRoom,
  documentRoom,
  integrationRoom,
  orgRoom,
  projectRoom,
  type Room,
  userRoom,
  walletRoom,
  webhookRoom,
} from "#mudbase/rooms.ts";
import { checked, optional, withDefault } from "#server/model/fields.ts";
import { Id } from "#server/model/id.ts";
import { parse } from "#server/parse.ts";
import type { Broadcast, Io } from "#server/socket/broadcast.ts";
import { RESERVED_EVENTS } from "#server/socket/emit-buffer.ts";
import { emits, type Publishing } from "./contract.ts";
import { definePublication } from "./define.ts";

/** A room of the organisation, by its kind and the ids that make its name. */
const RoomOf = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("org") }),
  z.object({ kind: z.literal("user"), userId: Id }),
  z.object({ kind: z.literal("project"), projectId: Id }),
  z.object({ kind: z.literal("collection"), projectId: Id, collectionId: Id }),
  z.object({ kind: z.literal("document"), projectId: Id, collectionId: Id, documentId: Id }),
  z.object({ kind: z.literal("chat"), projectId: Id, chatId: Id }),
  z.object({ kind: z.literal("integration"), projectId: Id, integrationId: Id }),
  z.object({ kind: z.literal("webhook"), projectId: Id, integrationId: Id }),
  z.object({
    kind: z.literal("wallet"),
    of: z.enum(["address", "project", "chain", "currency"]),
    id: Id,
  }),
  z.object({ kind: z.literal("custom"), room: Id }),
]);
export type RoomOf = z.infer<typeof RoomOf>;

const MAX_ROOMS = 100;

/** Sockets by their rooms: all in `to` that are not in `except`. */
export const addressed = {
  to: checked(z.array(RoomOf), z.minLength(1), z.maxLength(MAX_ROOMS)),
  except: withDefault(checked(z.array(RoomOf), z.maxLength(MAX_ROOMS)), []),
};

type Addressed = { readonly [Name in keyof typeof addressed]: z.output<(typeof addressed)[Name]> };

/** The sockets that an entry addresses. */
export const socketsOf = (io: Io<Publishing>, { to, except }: Addressed): Broadcast<Publishing> =>
  io.to(to.map(roomOf)).except(except.map(roomOf));

/** A name that an event may have. */
export const EventName = checked(
  Id,
  z.refine((name) => !RESERVED_EVENTS.includes(name), "is a reserved event name"),
);

/** Any event to the sockets of any rooms; one of this contract must carry what it carries there. */
const emitted = /* @__PURE__ */ definePublication({
  names: ["emit"],
  entry: () =>
    z.object({
      org: Id,
      ...addressed,
      name: EventName,
      payload: optional(z.unknown()),
      volatile: withDefault(z.boolean(), false),
    }),

  async handle({ entry: { name, payload, volatile, ...rest }, io }) {
    requirePayload(name, payload);

    const sockets = socketsOf(io, rest);
    (volatile ? sockets.volatile : sockets).emitAny(name, payload);
  },
});

/** Refuses what an event of this contract cannot carry. */
export function requirePayload(name: string, payload: unknown): void {
  const schema = Object.entries(emits).find(([fixed]) => fixed === name)?.[1];
  if (schema !== undefined) parse(z.object({ payload: schema }), { payload });
}

/** The name of a room. */
export function roomOf(room: RoomOf): Room {
  switch (room.kind) {
    case "org":
      return orgRoom;
    case "user":
      return userRoom(room.userId);
    case "project":
      return projectRoom(room.projectId);
    case "collection":
      return collectionRoom(room.projectId, room.collectionId);
    case "document":
      return documentRoom(room.projectId, room.collectionId, room.documentId);
    case "chat":
      return chatRoom(room.projectId, room.chatId);
    case "integration":
      return integrationRoom(room.projectId, room.integrationId);
    case "webhook":
      return webhookRoom(room.projectId, room.integrationId);
    case "wallet":
      return walletRoom(room.of, room.id);
    case "custom":
      return customRoom(room.room);
  }
}

/** What other back ends may publish. */
export const emitPublications = [emitted] as const;
