import { documentRoom } from "#mudbase/rooms.ts";
import { changeFor, DocumentChange } from "./db.ts";

/** What leaves to clients. */
export const documentEmits = { "document:change": DocumentChange };

/** A change for the subscribers of a document. */
const documentChanged = /* @__PURE__ */ changeFor(
  "document:change",
  ({ projectId, collectionId, data }) => documentRoom(projectId, collectionId, String(data._id)),
);

export const documentPublications = [documentChanged] as const;
