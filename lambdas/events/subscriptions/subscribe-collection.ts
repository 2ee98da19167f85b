import * as z from "zod/mini";
import { Id } from "#model/id.ts";
import { collectionRoom } from "#model/room.ts";
import { projectMember } from "../access.ts";
import { defineEvent } from "../define-event.ts";

const Named = z.pipe(
  Id,
  z.transform((collectionId: string) => ({ collectionId, projectId: undefined })),
);

/** Subscribes to a collection: by its name, without a reply, or by project and name, with one. */
export const subscribeCollection = defineEvent({
  name: "subscribe:collection",
  payload: z.union([Named, z.object({ projectId: Id, collectionId: Id })]),
  access: projectMember,
  reply: "subscribed",

  async handle({ payload, projectId, socket }) {
    const { collectionId } = payload;
    await socket.join(collectionRoom(projectId, collectionId));

    if (payload.projectId === undefined) return undefined;
    return { type: "collection" as const, id: collectionId, projectId };
  },
});
