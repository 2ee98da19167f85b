import * as z from "zod/mini";
import { Id } from "#model/id.ts";
import { projectRoom } from "#model/room.ts";
import { definePublication } from "./define-publication.ts";

/** A collection was made, changed or deleted: its project hears of it. */
export const collectionChanged = definePublication({
  entry: z.object({
    event: z.enum(["db:collection_created", "db:collection_updated", "db:collection_deleted"]),
    org: Id,
    projectId: Id,
    collectionId: Id,
    data: z.unknown(),
  }),

  async handle({ entry: { event, projectId, collectionId, data }, server, timestamp }) {
    const action = event.slice("db:".length);

    server
      .to(projectRoom(projectId))
      .emit(event, { projectId, collectionId, action, data, timestamp });
  },
});
