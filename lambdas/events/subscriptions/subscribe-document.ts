import * as z from "zod/mini";
import { Id } from "#model/id.ts";
import { documentRoom } from "#model/room.ts";
import { projectMember } from "../access.ts";
import { defineEvent } from "../define-event.ts";

/** Subscribes to one document of a collection. */
export const subscribeDocument = defineEvent({
  name: "subscribe:document",
  payload: z.object({ projectId: Id, collectionId: Id, documentId: Id }),
  access: projectMember,
  reply: "subscribed",

  async handle({ payload: { collectionId, documentId }, projectId, socket }) {
    await socket.join(documentRoom(projectId, collectionId, documentId));

    return { type: "document" as const, id: documentId, projectId, collectionId };
  },
});
