import * as z from "zod/mini";
import { optional } from "#model/fields.ts";
import { Id } from "#model/id.ts";
import { collectionRoom } from "#model/room.ts";
import { projectMember } from "../access.ts";
import { defineEvent } from "../define-event.ts";

/** Ends the subscription to a collection. */
export const unsubscribeCollection = defineEvent({
  name: "unsubscribe:collection",
  payload: z.object({ collectionId: Id, projectId: optional(Id) }),
  access: projectMember,
  reply: "unsubscribed",

  async handle({ payload: { collectionId }, projectId, socket }) {
    await socket.leave(collectionRoom(projectId, collectionId));

    return { type: "collection" as const, id: collectionId };
  },
});
