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
