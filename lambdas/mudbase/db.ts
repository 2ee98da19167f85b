import * as z from "zod/mini";
import { collectionRoom, projectRoom, type Room } from "#mudbase/rooms.ts";
import { looseObject, optional } from "#server/model/fields.ts";
import { Id } from "#server/model/id.ts";
import { fitsPacket } from "#server/pipeline/oversized.ts";
import { definePublication } from "./define.ts";

const CollectionChange = z.object({
  projectId: z.string(),
  collectionId: z.string(),
  action: z.string(),
  data: z.unknown(),
  timestamp: z.string(),
});
export const DocumentChange = z.object({
  projectId: z.string(),
  collectionId: z.string(),
  action: z.enum(["create", "update", "delete"]),
  data: z.unknown(),
  queryId: z.optional(z.string()),
  timestamp: z.string(),
});

/** What leaves to clients. */
export const dbEmits = {
  "db:collection_created": CollectionChange,
  "db:collection_updated": CollectionChange,
  "db:collection_deleted": CollectionChange,
  "db:create": DocumentChange,
  "db:update": DocumentChange,
  "db:delete": DocumentChange,
};

/** A collection was made, changed or deleted: its project hears of it. */
const collectionChanged = /* @__PURE__ */ definePublication({
  names: ["db:collection_created", "db:collection_updated", "db:collection_deleted"],
  entry: () =>
    z.object({
      org: Id,
      projectId: Id,
      collectionId: Id,
      data: z.unknown(),
    }),

  async handle({ event, entry: { projectId, collectionId, data }, io, timestamp }) {
    const action = event.slice("db:".length);

    io.to(projectRoom(projectId)).emit(event, { projectId, collectionId, action, data, timestamp });
  },
});

const Document = looseObject({ _id: z.union([z.string(), z.number()]) });

const Change = {
  org: Id,
  projectId: Id,
  collectionId: Id,
  /** The whole document; `{ _id }` is enough where it was deleted. */
  data: Document,
};

/** A document was made, changed or deleted: its collection, its project and matching live queries hear of it. */
const documentChanged = /* @__PURE__ */ definePublication({
  names: ["db:create", "db:update", "db:delete"],
  entry: () =>
    z.object({
      ...Change,
      /** The document before the change, for live queries that it no longer matches. */
      previous: optional(Document),
      /** `id` tells the `_id` alone where no packet holds the document; without it, that is refused. */
      oversized: optional(z.literal("id")),
    }),

  async handle({ event, entry, io, timestamp }) {
    const { projectId, collectionId, data, previous, oversized } = entry;
    const action = event.slice("db:".length) as "create" | "update" | "delete";
    const isIdAlone = action === "delete" || (oversized === "id" && !fitsPacket(data));
    const change = {
      ...{ projectId, collectionId, action, timestamp },
      data: isIdAlone ? { _id: data._id } : data,
    };

    io.to([collectionRoom(projectId, collectionId), projectRoom(projectId)])
      .matching({
        key: { projectId, collectionId },
        documents: [previous, data].filter((document) => document !== undefined),
      })
      .emit(event, change);
  },
});

type Changed = {
  readonly projectId: string;
  readonly collectionId: string;
  readonly data: Document;
};
type Document = z.infer<typeof Document>;

type ChangeName = "data:change" | "document:change" | "project:data:change";

/** A change for one kind of subscriber alone. */
export const changeFor = <const Name extends ChangeName>(
  name: Name,
  roomOf: (change: Changed) => Room,
) =>
  definePublication({
    names: [name],
    entry: () =>
      z.object({
        ...Change,
        action: z.enum(["create", "update", "delete"]),
      }),

    async handle({ entry, io, timestamp }) {
      const { projectId, collectionId, action, data } = entry;
      const event: ChangeName = name;

      io.to(roomOf(entry)).emit(event, { projectId, collectionId, action, data, timestamp });
    },
  });

export const dbPublications = [collectionChanged, documentChanged] as const;
