import * as z from "zod/mini";
import { Filter } from "#mudbase/model/filter.ts";
import { placeOf } from "#mudbase/model/query.ts";
import { collectionRoom, documentRoom, projectRoom } from "#mudbase/rooms.ts";
import { withDefault } from "#server/model/fields.ts";
import { Id } from "#server/model/id.ts";
import { projectMember } from "./access.ts";
import { defineEvent, defineMembership } from "./define.ts";

/** What leaves to clients. */
export const subscribeEmits = {
  subscribed: z.object({
    type: z.enum(["collection", "document", "query"]),
    id: z.string(),
    projectId: z.string(),
    collectionId: z.optional(z.string()),
  }),
};

/** Subscribes to a project; an acknowledgement says which, there is no reply event. */
const subscribeProject = /* @__PURE__ */ defineMembership({
  name: "subscribe:project",
  payload: () =>
    z.union([
      z.pipe(
        Id,
        z.transform((projectId: string) => ({ projectId })),
      ),
      z.object({ projectId: Id }),
    ]),
  access: projectMember,
  does: "join",
  rooms: ({ projectId }) => projectRoom(projectId),
  answer: ({ projectId }) => ({ type: "project", id: projectId }),
});

const Named = z.pipe(
  Id,
  z.transform((collectionId: string) => ({ collectionId, projectId: undefined })),
);

/** Subscribes to a collection: by its name, without a reply, or by project and name, with one. */
const subscribeCollection = /* @__PURE__ */ defineMembership({
  name: "subscribe:collection",
  payload: () => z.union([Named, z.object({ projectId: Id, collectionId: Id })]),
  access: projectMember,
  reply: "subscribed",

  does: "join",
  rooms: ({ payload: { collectionId }, projectId }) => collectionRoom(projectId, collectionId),
  answer: ({ payload, projectId }) =>
    payload.projectId === undefined
      ? undefined
      : { type: "collection" as const, id: payload.collectionId, projectId },
});

/** Subscribes to one document of a collection. */
const subscribeDocument = /* @__PURE__ */ defineMembership({
  name: "subscribe:document",
  payload: () => z.object({ projectId: Id, collectionId: Id, documentId: Id }),
  access: projectMember,
  reply: "subscribed",

  does: "join",
  rooms: ({ payload: { collectionId, documentId }, projectId }) =>
    documentRoom(projectId, collectionId, documentId),
  answer: ({ payload: { collectionId, documentId }, projectId }) => ({
    type: "document" as const,
    id: documentId,
    projectId,
    collectionId,
  }),
});

/** Keeps a filter for this socket; without one, every document of the collection matches. */
export const subscribeQuery = /* @__PURE__ */ defineEvent({
  name: "subscribe:query",
  payload: () =>
    z.object({
      projectId: Id,
      collectionId: Id,
      queryId: Id,
      query: withDefault(Filter, {}),
    }),
  access: projectMember,
  reply: "subscribed",

  async handle({ payload: { collectionId, queryId, query }, projectId, socket, queries, limits }) {
    const place = placeOf({ projectId, collectionId });
    const { queriesPerSocket } = limits;
    const claimed = await socket.claim(queryId, place, queriesPerSocket, "live queries");
    if (claimed !== undefined) await queries.save(socket, queryId, place, query, claimed);

    return { type: "query" as const, id: queryId, projectId, collectionId };
  },
});

/** What clients may send. */
export const subscribeEvents = [
  subscribeProject,
  subscribeCollection,
  subscribeDocument,
  subscribeQuery,
] as const;
