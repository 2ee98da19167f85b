import { segments, splitSegments } from "#server/model/segments.ts";

/** The collection that live queries watch. */
export interface QueryKey {
  readonly projectId: string;
  readonly collectionId: string;
}

/** Live queries on a collection, as far as they match one of some documents. */
export interface Watched {
  readonly key: QueryKey;
  readonly documents: readonly object[];
}

/** A collection as a claim names the place of a live query. */
export const placeOf = ({ projectId, collectionId }: QueryKey): string =>
  segments(projectId, collectionId);

/** The collection that a place is. */
export function collectionAt(place: string): QueryKey {
  const [projectId = "", collectionId = ""] = splitSegments(place);
  return { projectId, collectionId };
}
