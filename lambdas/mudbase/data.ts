import { collectionRoom } from "#mudbase/rooms.ts";
import { changeFor, DocumentChange } from "./db.ts";

/** What leaves to clients. */
export const dataEmits = { "data:change": DocumentChange };

/** A change for the subscribers of a collection. */
const dataChanged = /* @__PURE__ */ changeFor("data:change", ({ projectId, collectionId }) =>
  collectionRoom(projectId, collectionId),
);

export const dataPublications = [dataChanged] as const;
