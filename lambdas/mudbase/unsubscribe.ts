import * as z from "zod/mini";
import { collectionRoom } from "#mudbase/rooms.ts";
import { optional } from "#server/model/fields.ts";
import { Id } from "#server/model/id.ts";
import { projectMember } from "./access.ts";
import { defineMembership } from "./define.ts";

/** What leaves to clients. */
export const unsubscribeEmits = {
  unsubscribed: z.object({ type: z.literal("collection"), id: z.string() }),
};

/** Ends the subscription to a collection. */
const unsubscribeCollection = /* @__PURE__ */ defineMembership({
  name: "unsubscribe:collection",
  payload: () => z.object({ collectionId: Id, projectId: optional(Id) }),
  access: projectMember,
  reply: "unsubscribed",
  does: "leave",
  rooms: ({ payload: { collectionId }, projectId }) => collectionRoom(projectId, collectionId),
  answer: ({ payload: { collectionId } }) => ({ type: "collection" as const, id: collectionId }),
});

/** What clients may send. */
export const unsubscribeEvents = [unsubscribeCollection] as const;
