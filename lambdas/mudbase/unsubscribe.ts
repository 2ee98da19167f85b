import * as z from "zod/mini";
import { collectionRoom } from "#mudbase/rooms.ts";
import { optional } from "#server/model/fields.ts";
import { Id } from "#server/model/id.ts";
import { projectMember } from "./access.ts";
import { defineEvent } from "./define.ts";

/** What leaves to clients. */
export const unsubscribeEmits = {
  unsubscribed: z.object({ type: z.literal("collection"), id: z.string() }),
};

/** Ends the subscription to a collection. */
const unsubscribeCollection = /* @__PURE__ */ defineEvent({
  name: "unsubscribe:collection",
  payload: () => z.object({ collectionId: Id, projectId: optional(Id) }),
  access: projectMember,
  reply: "unsubscribed",

  async handle({ payload: { collectionId }, projectId, socket }) {
    await socket.leave(collectionRoom(projectId, collectionId));

    return { type: "collection" as const, id: collectionId };
  },
});

/** What clients may send. */
export const unsubscribeEvents = [unsubscribeCollection] as const;
