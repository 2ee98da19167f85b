import * as z from "zod/mini";
import { memberOf } from "#model/connection.ts";
import { withDefault } from "#model/fields.ts";
import { Filter } from "#model/filter.ts";
import { Id } from "#model/id.ts";
import { projectMember } from "../access.ts";
import { defineEvent } from "../define-event.ts";
import { requireJoined } from "../errors.ts";

/** Keeps a filter for this socket; without one, every document of the collection matches. */
export const subscribeQuery = defineEvent({
  name: "subscribe:query",
  payload: z.object({
    projectId: Id,
    collectionId: Id,
    queryId: Id,
    query: withDefault(Filter, {}),
  }),
  access: projectMember,
  reply: "subscribed",

  async handle({ payload: { collectionId, queryId, query }, projectId, socket, queries }) {
    const member = memberOf(socket.connectionId, socket.identity);
    const saved = await queries.save(member, queryId, { projectId, collectionId }, query);
    requireJoined(saved, "live queries");

    return { type: "query" as const, id: queryId, projectId, collectionId };
  },
});
