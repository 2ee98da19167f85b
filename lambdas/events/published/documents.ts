import * as z from "zod/mini";
import { looseObject, optional } from "#model/fields.ts";
import { Id } from "#model/id.ts";
import { collectionRoom, documentRoom, projectRoom } from "#model/room.ts";
import { fitsPacket } from "../oversized.ts";
import { definePublication } from "./define-publication.ts";

const Document = looseObject({ _id: z.union([z.string(), z.number()]) });

const Change = {
  org: Id,
  projectId: Id,
  collectionId: Id,
  /** The whole document; `{ _id }` is enough where it was deleted. */
  data: Document,
};

/** A document was made, changed or deleted: its collection, its project and matching live queries hear of it. */
export const documentChanged = definePublication({
  entry: z.object({
    event: z.enum(["db:create", "db:update", "db:delete"]),
    ...Change,
    /** The document before the change, for live queries that it no longer matches. */
    previous: optional(Document),
    /** `id` tells the `_id` alone where no packet holds the document; without it, that is refused. */
    oversized: optional(z.literal("id")),
  }),

  async handle({ entry, server, timestamp }) {
    const { event, projectId, collectionId, data, previous, oversized } = entry;
    const action = event.slice("db:".length) as "create" | "update" | "delete";
    const isIdAlone = action === "delete" || (oversized === "id" && !fitsPacket(data));
    const change = {
      ...{ projectId, collectionId, action, timestamp },
      data: isIdAlone ? { _id: data._id } : data,
    };

    server
      .to([collectionRoom(projectId, collectionId), projectRoom(projectId)])
      .watched({
        place: { projectId, collectionId },
        documents: [previous, data].filter((document) => document !== undefined),
      })
      .emit(event, change);
  },
});

/** A change for one kind of subscriber: of a collection, of a document, or of a project. */
export const dataChanged = definePublication({
  entry: z.object({
    event: z.enum(["data:change", "document:change", "project:data:change"]),
    ...Change,
    action: z.enum(["create", "update", "delete"]),
  }),

  async handle({ entry: { event, projectId, collectionId, action, data }, server, timestamp }) {
    const room = {
      "data:change": collectionRoom(projectId, collectionId),
      "document:change": documentRoom(projectId, collectionId, String(data._id)),
      "project:data:change": projectRoom(projectId),
    }[event];

    server.to(room).emit(event, { projectId, collectionId, action, data, timestamp });
  },
});
